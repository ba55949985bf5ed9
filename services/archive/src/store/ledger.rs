//! The ledger's rows.

use crate::ledger::{Act, Entry};
use duban_platform::Ts;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Appends an act at the end of the chain. The head stays locked until the transaction ends: take this step last.
pub async fn append(tx: &mut PgConnection, act: Act) -> Result<Entry, sqlx::Error> {
    let (sequence, hash): (i64, Vec<u8>) = sqlx::query_as("select sequence, hash from ledger_head for update").fetch_one(&mut *tx).await?;
    let entry = act.after(sequence, bytes32(&hash)?);
    sqlx::query(
        "insert into ledger (sequence, record, act, at, by, content_hash, previous_hash, hash) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.sequence)
    .bind(entry.act.record)
    .bind(&entry.act.act)
    .bind(Ts(entry.act.at))
    .bind(&entry.act.by)
    .bind(entry.act.content_hash.as_slice())
    .bind(entry.previous_hash.as_slice())
    .bind(entry.hash.as_slice())
    .execute(&mut *tx)
    .await?;
    sqlx::query("update ledger_head set sequence = $1, hash = $2").bind(entry.sequence).bind(entry.hash.as_slice()).execute(tx).await?;
    Ok(entry)
}

type EntryRow = (i64, Uuid, String, Ts, String, Vec<u8>, Vec<u8>, Vec<u8>);

/// The entries of a record, in order.
pub async fn of_record(pool: &PgPool, record: Uuid) -> Result<Vec<Entry>, sqlx::Error> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "select sequence, record, act, at, by, content_hash, previous_hash, hash from ledger where record = $1 order by sequence limit 1000",
    )
    .bind(record)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(entry).collect()
}

/// A stretch of the chain after `sequence`.
pub async fn after(pool: &PgPool, sequence: i64, most: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "select sequence, record, act, at, by, content_hash, previous_hash, hash from ledger where sequence > $1 order by sequence limit $2",
    )
    .bind(sequence)
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(entry).collect()
}

/// How many entries the head says there are.
pub async fn length(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select sequence from ledger_head").fetch_one(pool).await
}

fn entry(row: EntryRow) -> Result<Entry, sqlx::Error> {
    let (sequence, record, act, at, by, content_hash, previous_hash, hash) = row;
    let act = Act { record, act, at: at.0, by, content_hash: bytes32(&content_hash)? };
    Ok(Entry { sequence, act, previous_hash: bytes32(&previous_hash)?, hash: bytes32(&hash)? })
}

fn bytes32(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode(format!("a hash in the ledger has {} bytes", bytes.len()).into()))
}
