//! Acknowledgement links.

use duban_contracts::delivery::Link;
use duban_platform::Ts;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// By the hash of its token.
pub async fn find(pool: &PgPool, token_hash: &[u8]) -> Result<Option<Link>, sqlx::Error> {
    let row: Option<(Uuid, Uuid, String, Ts, Option<Ts>, String)> = sqlx::query_as(
        "select link.id, link.alert, link.person, link.expires_at, link.used_at, message.language
         from link join message using (alert, person) where link.token_hash = $1",
    )
    .bind(token_hash)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(link, alert, person, expires_at, used_at, language)| Link {
        link,
        alert,
        person,
        expires_at: expires_at.0,
        used_at: used_at.map(|ts| ts.0),
        language,
    }))
}

/// Marks links as used; the first use stands.
pub async fn mark_used(tx: &mut PgConnection, used: &[(Uuid, Ts)]) -> Result<(), sqlx::Error> {
    if used.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with used as (select id, min(at) as at from unnest($1::uuid[], $2::timestamptz[]) as t(id, at) group by id),
         locked as materialized (select link.id from link join used using (id) where link.used_at is null order by link.id for update of link)
         update link set used_at = used.at from used, locked where link.id = used.id and locked.id = link.id",
    )
    .bind(used.iter().map(|used| used.0).collect::<Vec<_>>())
    .bind(used.iter().map(|used| used.1).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
