//! The kept answers' SQL.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What is known of a request id.
#[derive(sqlx::FromRow)]
pub(super) struct Kept {
    pub body_hash: Vec<u8>,
    pub answer: Option<Value>,
}

/// Takes the request id; false if it is taken. Waits for a transaction that is about to take it.
pub(super) async fn take(tx: &mut PgConnection, space: &str, request: Uuid, hash: &[u8]) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("insert into kept_answer (space, request, body_hash) values ($1, $2, $3) on conflict do nothing")
        .bind(space)
        .bind(request)
        .bind(hash)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn kept(tx: &mut PgConnection, space: &str, request: Uuid) -> Result<Option<Kept>, sqlx::Error> {
    sqlx::query_as("select body_hash, answer from kept_answer where space = $1 and request = $2")
        .bind(space)
        .bind(request)
        .fetch_optional(tx)
        .await
}

pub(super) async fn keep(tx: &mut PgConnection, space: &str, request: Uuid, answer: &Value) -> Result<(), sqlx::Error> {
    sqlx::query("update kept_answer set answer = $3 where space = $1 and request = $2")
        .bind(space)
        .bind(request)
        .bind(answer)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets answers older than seven days.
pub(crate) async fn clean(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("delete from kept_answer where at < clock_timestamp() - interval '7 days'").execute(pool).await?;
    Ok(())
}
