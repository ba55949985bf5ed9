//! Identities of reports: what makes the same key the same report, for ever.

use duban_contracts::Timestamp;
use duban_platform::Ts;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A report's identity as it is first seen. `case`: the one that it opens; None while it waits for the report that it follows.
#[derive(Debug, Clone)]
pub struct NewIdentity {
    pub receipt: Uuid,
    pub producer: String,
    pub body_hash: Vec<u8>,
    /// The 54 bits of the tracking code.
    pub code: i64,
    pub case: Option<Uuid>,
    pub first_seen: Timestamp,
}

/// Takes the identities that are new and tells which these are. A twin in another transaction is waited for. In one order always, so
/// that two batches cannot deadlock.
pub async fn take(tx: &mut PgConnection, new: &[NewIdentity]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let taken: Vec<Uuid> = sqlx::query_scalar(
        "insert into identity (receipt, producer, body_hash, code, state, case_id, first_seen)
         select receipt, producer, body_hash, code, case when case_id is null then 'waiting' else 'registered' end, case_id, first_seen
         from unnest($1::uuid[], $2::text[], $3::bytea[], $4::bigint[], $5::uuid[], $6::timestamptz[])
              as new (receipt, producer, body_hash, code, case_id, first_seen)
         order by receipt
         on conflict (receipt) do nothing
         returning receipt",
    )
    .bind(new.iter().map(|i| i.receipt).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.producer.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.body_hash.as_slice()).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.code).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.case).collect::<Vec<_>>())
    .bind(new.iter().map(|i| Ts(i.first_seen)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(taken.into_iter().collect())
}

/// Body hashes of those of the receipts that are known.
pub async fn body_hashes(pool: impl sqlx::PgExecutor<'_>, receipts: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, sqlx::Error> {
    let rows = sqlx::query("select receipt, body_hash from identity where receipt = any($1)").bind(receipts).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// What a known identity has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub receipt: Uuid,
    /// `registered`, `supplement`, `waiting`.
    pub state: String,
    pub case: Option<Uuid>,
}

/// The report of this receipt, if it is known.
pub async fn by_receipt(pool: &PgPool, receipt: Uuid) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query("select receipt, state, case_id from identity where receipt = $1").bind(receipt).fetch_optional(pool).await?;
    row.map(|row| standing(&row)).transpose()
}

/// The reports of this tracking code: more than one means that the code does not tell them apart. At most two are looked for.
pub async fn by_code(pool: &PgPool, code: i64) -> Result<Vec<Standing>, sqlx::Error> {
    let rows = sqlx::query("select receipt, state, case_id from identity where code = $1 limit 2").bind(code).fetch_all(pool).await?;
    rows.iter().map(standing).collect()
}

/// Notes that these reports joined a case, or opened one after having waited.
pub async fn settle(tx: &mut PgConnection, settled: &[(Uuid, &'static str, Uuid)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update identity set state = settled.state, case_id = settled.case_id
         from unnest($1::uuid[], $2::text[], $3::uuid[]) as settled (receipt, state, case_id)
         where identity.receipt = settled.receipt",
    )
    .bind(settled.iter().map(|s| s.0).collect::<Vec<_>>())
    .bind(settled.iter().map(|s| s.1).collect::<Vec<_>>())
    .bind(settled.iter().map(|s| s.2).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

fn standing(row: &sqlx::postgres::PgRow) -> Result<Standing, sqlx::Error> {
    Ok(Standing { receipt: row.try_get(0)?, state: row.try_get(1)?, case: row.try_get(2)? })
}
