//! By what a report is recognised as repeating a matter.

use duban_contracts::Timestamp;
use duban_engine::judging::Key;
use duban_platform::Ts;
use sqlx::{PgConnection, Row};
use std::collections::BTreeSet;
use uuid::Uuid;

/// At most so many earlier cases of one key are looked at: a number that is used a thousand times is not counted further.
const MOST_EARLIER: i64 = 100;

/// An earlier case of the same matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    pub key: Key,
    pub case: Uuid,
    pub number: String,
    pub received_at: Timestamp,
    pub open: bool,
}

/// Takes the keys for this transaction, so that two copies that register the same matter at the same moment see each other. In one order
/// always.
pub async fn lock(tx: &mut PgConnection, keys: &BTreeSet<Key>) -> Result<(), sqlx::Error> {
    let mut numbers: Vec<i64> = keys.iter().filter_map(|key| key.first_chunk::<8>()).map(|head| i64::from_be_bytes(*head)).collect();
    numbers.sort_unstable();
    sqlx::query("select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key").bind(numbers).execute(tx).await?;
    Ok(())
}

/// The earlier cases of each key since an instant, the latest first.
pub async fn earlier(tx: &mut PgConnection, since: &[(Key, Timestamp)]) -> Result<Vec<Earlier>, sqlx::Error> {
    let rows = sqlx::query(
        "select wanted.key, cases.id, cases.number, cases.received_at, not cases.closed as open
         from unnest($1::bytea[], $2::timestamptz[]) as wanted (key, since)
         cross join lateral (
            select case_id from matter
            where matter.key = wanted.key and matter.received_at >= wanted.since
            order by received_at desc limit $3
         ) as found
         join cases on cases.id = found.case_id
         order by cases.received_at desc, cases.id desc",
    )
    .bind(since.iter().map(|s| s.0.as_slice()).collect::<Vec<_>>())
    .bind(since.iter().map(|s| Ts(s.1)).collect::<Vec<_>>())
    .bind(MOST_EARLIER)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Earlier {
                key: row.try_get("key")?,
                case: row.try_get("id")?,
                number: row.try_get("number")?,
                received_at: row.try_get::<Ts, _>("received_at")?.0,
                open: row.try_get("open")?,
            })
        })
        .collect()
}

/// Keeps the keys of cases.
pub async fn insert(tx: &mut PgConnection, keys: &[(Key, Uuid, Timestamp)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into matter (key, case_id, received_at)
         select * from unnest($1::bytea[], $2::uuid[], $3::timestamptz[]) on conflict do nothing",
    )
    .bind(keys.iter().map(|k| k.0.as_slice()).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| k.1).collect::<Vec<_>>())
    .bind(keys.iter().map(|k| Ts(k.2)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets the keys of a case: its kind or unit was wrong, or who reported it.
pub async fn forget(tx: &mut PgConnection, case: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("delete from matter where case_id = $1").bind(case).execute(tx).await?;
    Ok(())
}
