//! Blocks of case numbers.

use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};

/// Takes `how_many` numbers of each scope and tells the first of each block.
///
/// In a transaction of its own, so that copies that register at the same time do not wait for each other: what is taken and not used is
/// a gap. It is not flushed by itself: the write-ahead log is in order, so whatever uses a number is flushed after the taking of it.
pub async fn take(pool: &PgPool, how_many: &BTreeMap<String, i64>) -> Result<HashMap<String, i64>, sqlx::Error> {
    if how_many.is_empty() {
        return Ok(HashMap::new());
    }
    let mut tx = pool.begin().await?;
    sqlx::query("set local synchronous_commit = off").execute(&mut *tx).await?;
    let after: Vec<(String, i64)> = sqlx::query_as(
        "insert into numbering (scope, next)
         select scope, 1 + count from unnest($1::text[], $2::bigint[]) as wanted (scope, count) order by scope
         on conflict (scope) do update set next = numbering.next + excluded.next - 1
         returning scope, next",
    )
    .bind(how_many.keys().map(String::as_str).collect::<Vec<_>>())
    .bind(how_many.values().copied().collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(after
        .into_iter()
        .map(|(scope, next)| {
            let first = next - how_many.get(&scope).copied().unwrap_or(0);
            (scope, first)
        })
        .collect())
}
