//! Jobs of filing: one per closing event, and another where duties outlive the close.

use duban_contracts::case::CaseEvent;
use duban_platform::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use std::time::Duration;
use uuid::Uuid;

/// A job as the closing event makes it.
pub struct NewFiling {
    /// Names the job: the closing event, or what is derived from it for the later edition.
    pub closing: Uuid,
    /// The closing event.
    pub after: Uuid,
    /// Only once no duty of the case is open.
    pub settled: bool,
    pub closed_at: Ts,
    pub body: CaseEvent,
    pub traceparent: Option<String>,
}

/// A job that this copy may try now.
#[derive(Debug, Clone)]
pub struct Filing {
    pub closing: Uuid,
    pub after: Uuid,
    pub settled: bool,
    pub closed_at: Ts,
    pub body: CaseEvent,
    pub traceparent: Option<String>,
    pub attempts: i32,
    /// Names this claim.
    pub lease: Uuid,
}

/// Writes jobs; a closing event makes only one.
pub async fn insert(tx: &mut PgConnection, rows: &[NewFiling]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into filing (closing, case_id, closed_at, version, body, traceparent, after, settled)
         select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::jsonb[], $6::text[], $7::uuid[], $8::bool[])
             as new (closing, case_id, closed_at, version, body, traceparent, after, settled)
         -- The later edition of a close after which the case was closed again would say nothing that the newer close's does not.
         where not new.settled or not exists (select 1 from case_copy where case_copy.id = new.case_id and case_copy.turned > new.version)
         order by 1 on conflict do nothing",
    )
    .bind(rows.iter().map(|row| row.closing).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.case).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.closed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| serde_json::to_value(&row.body).unwrap_or_default()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.traceparent.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.after).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.settled).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Drops the later editions of closes that these cases, each with its version, have left behind: they are open again, or closed anew.
pub async fn drop_overtaken(tx: &mut PgConnection, cases: &[(Uuid, i64)]) -> Result<(), sqlx::Error> {
    if cases.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "delete from filing using unnest($1::uuid[], $2::bigint[]) as newer (case_id, version)
         where filing.case_id = newer.case_id and filing.version < newer.version and filing.settled and filing.state = 'waiting'",
    )
    .bind(cases.iter().map(|(case, _)| *case).collect::<Vec<_>>())
    .bind(cases.iter().map(|(_, version)| *version).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Claims jobs that are due, oldest first; of a case only its earliest, so that editions follow the closes. A claim is a lease: when its
/// holder dies, the job is taken up again after it has run out.
pub async fn claim_due(pool: &PgPool, most: i64, lease_for: Duration) -> Result<Vec<Filing>, sqlx::Error> {
    let lease = Uuid::now_v7();
    let rows = sqlx::query(
        "with due as materialized (
             select closing from filing
             where state = 'waiting' and next_at <= clock_timestamp() and (lease_until is null or lease_until <= clock_timestamp())
               and not exists (select 1 from filing earlier where earlier.case_id = filing.case_id and earlier.version < filing.version
                               and earlier.state = 'waiting')
             order by next_at, closing limit $1 for update skip locked
         )
         update filing set attempts = attempts + 1, lease = $2, lease_until = clock_timestamp() + make_interval(secs => $3)
         from due where filing.closing = due.closing
         returning filing.closing, filing.after, filing.settled, filing.closed_at, filing.body, filing.traceparent, filing.attempts",
    )
    .bind(most)
    .bind(lease)
    .bind(lease_for.as_secs_f64())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Filing {
                closing: row.try_get("closing")?,
                after: row.try_get("after")?,
                settled: row.try_get("settled")?,
                closed_at: row.try_get("closed_at")?,
                body: row.try_get::<Json<CaseEvent>, _>("body")?.0,
                traceparent: row.try_get("traceparent")?,
                attempts: row.try_get("attempts")?,
                lease,
            })
        })
        .collect()
}

/// Puts a job off. Why is kept for operators; it holds no personal text.
pub async fn put_off(pool: &PgPool, filing: &Filing, wait: Duration, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update filing set lease = null, lease_until = null, next_at = clock_timestamp() + make_interval(secs => $3), last_error = $4
         where closing = $1 and lease = $2 and state = 'waiting'",
    )
    .bind(filing.closing)
    .bind(filing.lease)
    .bind(wait.as_secs_f64())
    .bind(why)
    .execute(pool)
    .await?;
    Ok(())
}

/// Locks the job and marks it as filed. False if that was done before, or if it is a later edition of a close that has been overtaken: then
/// there is nothing to file.
pub async fn finish(tx: &mut PgConnection, closing: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update filing set state = 'filed', lease = null, lease_until = null, last_error = null
         where closing = $1 and state = 'waiting'
           and not (settled and exists (select 1 from case_copy where case_copy.id = filing.case_id and case_copy.turned > filing.version))",
    )
    .bind(closing)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many closed cases wait to be filed, and for how many seconds of real time the oldest has been due. Later editions do not count: they
/// wait for people.
pub async fn backlog(pool: &PgPool) -> Result<(i64, f64), sqlx::Error> {
    sqlx::query_as(
        "select count(*), coalesce(extract(epoch from clock_timestamp() - min(next_at)), 0)::float8 from filing where state = 'waiting' and not settled",
    )
    .fetch_one(pool)
    .await
}
