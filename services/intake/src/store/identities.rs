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

/// Which identities were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    pub all: HashSet<Uuid>,
    /// Of them those whose report had been rejected: it could not be registered before, and is handled after all.
    pub rejected: Vec<Uuid>,
}

/// Takes the identities that are new, and those under which the same body stands rejected. A twin in another transaction is waited for. In
/// one order always, so that two batches cannot deadlock.
pub async fn take(tx: &mut PgConnection, new: &[NewIdentity]) -> Result<Taken, sqlx::Error> {
    // A row that was inserted has no xmax, one that was updated has ours.
    let rows: Vec<(Uuid, bool)> = sqlx::query_as(
        "insert into identity as known (receipt, producer, body_hash, code, state, case_id, first_seen)
         select receipt, producer, body_hash, code, case when case_id is null then 'waiting' else 'registered' end, case_id, first_seen
         from unnest($1::uuid[], $2::text[], $3::bytea[], $4::bigint[], $5::uuid[], $6::timestamptz[])
              as new (receipt, producer, body_hash, code, case_id, first_seen)
         order by receipt
         on conflict (receipt) do update set state = excluded.state, case_id = excluded.case_id
            where known.state = 'rejected' and known.body_hash = excluded.body_hash
         returning receipt, xmax <> 0",
    )
    .bind(new.iter().map(|i| i.receipt).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.producer.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.body_hash.as_slice()).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.code).collect::<Vec<_>>())
    .bind(new.iter().map(|i| i.case).collect::<Vec<_>>())
    .bind(new.iter().map(|i| Ts(i.first_seen)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let rejected = rows.iter().filter(|(_, before)| *before).map(|(receipt, _)| *receipt).collect();
    Ok(Taken { all: rows.into_iter().map(|(receipt, _)| receipt).collect(), rejected })
}

/// Notes that a report cannot be registered: its key stands for it all the same. False if something stands under the key already.
pub async fn reject(tx: &mut PgConnection, rejected: &NewIdentity) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into identity (receipt, producer, body_hash, code, state, first_seen) values ($1, $2, $3, $4, 'rejected', $5)
         on conflict (receipt) do nothing",
    )
    .bind(rejected.receipt)
    .bind(&rejected.producer)
    .bind(&rejected.body_hash)
    .bind(rejected.code)
    .bind(Ts(rejected.first_seen))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a person has decided about a report that stands rejected: the case that it is, or None where it is dismissed. False if it does not
/// stand rejected any more.
pub async fn decide(tx: &mut PgConnection, receipt: Uuid, case: Option<Uuid>) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update identity set state = case when $2::uuid is null then 'dismissed' else 'registered' end, case_id = $2
         where receipt = $1 and state = 'rejected'",
    )
    .bind(receipt)
    .bind(case)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
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
    /// `registered`, `supplement`, `waiting`, `rejected`, `dismissed`.
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
