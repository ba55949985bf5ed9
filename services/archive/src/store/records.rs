//! Records and their sealed content.

use crate::sealed_content::Sealed;
use duban_platform::Ts;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A record to be.
pub struct NewRecord<'a> {
    pub id: Uuid,
    pub index_number: String,
    pub case: Uuid,
    pub edition: i32,
    pub closing: Uuid,
    pub number: &'a str,
    pub unit: &'a str,
    pub title: &'a str,
    pub title_zh: &'a str,
    pub content_hash: [u8; 32],
    pub content_bytes: i64,
    pub filed_at: Ts,
    pub policy: i64,
    pub sealed: &'a Sealed,
}

/// The edition that comes next for a case.
pub async fn next_edition(tx: &mut PgConnection, case: Uuid) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("select coalesce(max(edition), 0) + 1 from record where case_id = $1").bind(case).fetch_one(tx).await
}

/// Takes the next number of a unit's year; the counter stays locked until the transaction ends.
pub async fn next_number(tx: &mut PgConnection, unit: &str, year: i16) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "insert into index_counter (unit, year, last) values ($1, $2, 1)
         on conflict (unit, year) do update set last = index_counter.last + 1 returning last",
    )
    .bind(unit)
    .bind(year)
    .fetch_one(tx)
    .await
}

pub async fn insert(tx: &mut PgConnection, record: &NewRecord<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into record (id, index_number, case_id, edition, closing, number, unit, title, title_zh, content, content_hash,
                             content_bytes, filed_at, policy)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(record.id)
    .bind(&record.index_number)
    .bind(record.case)
    .bind(record.edition)
    .bind(record.closing)
    .bind(record.number)
    .bind(record.unit)
    .bind(record.title)
    .bind(record.title_zh)
    .bind(record.sealed.content.as_slice())
    .bind(record.content_hash.as_slice())
    .bind(record.content_bytes)
    .bind(record.filed_at)
    .bind(record.policy)
    .execute(&mut *tx)
    .await?;
    sqlx::query("insert into record_key (record, wrapped) values ($1, $2)")
        .bind(record.id)
        .bind(record.sealed.wrapped_key.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// The sealed content with its wrapped key. None if the key is gone: then nobody can open it any more.
pub async fn sealed(pool: &PgPool, record: Uuid) -> Result<Option<Sealed>, sqlx::Error> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "select record.content, record_key.wrapped from record join record_key on record_key.record = record.id where id = $1",
    )
    .bind(record)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(content, wrapped_key)| Sealed { content, wrapped_key }))
}
