//! Own events on their way back in.

use duban_contracts::{Event, NewEvent};
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

/// Keeps events to be handled.
pub async fn insert(tx: &mut PgConnection, events: &[&NewEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into own_event (id, subject, time, about, version, policy, case_id, traceparent, body)
         select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::bytea[])",
    )
    .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| Ts(event.time)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.about.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.version).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.policy).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.case).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.traceparent.as_deref()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.body.as_slice()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the oldest out, leaving those that another copy holds and those that were put off. Rolled back, they are there again.
pub async fn take(tx: &mut PgConnection, most: i64) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "with taken as (
             delete from own_event where seq in (
                 select seq from own_event where retry_at is null or retry_at <= clock_timestamp() order by seq limit $1 for update skip locked)
             returning *)
         select * from taken order by seq",
    )
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(event).collect()
}

/// Places of those that [`take`] would take.
pub async fn due(db: impl PgExecutor<'_>, most: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar("select seq from own_event where retry_at is null or retry_at <= clock_timestamp() order by seq limit $1")
        .bind(most)
        .fetch_all(db)
        .await
}

/// Takes one of them out, unless another copy holds it or has handled it.
pub async fn take_one(tx: &mut PgConnection, seq: i64) -> Result<Option<Event>, sqlx::Error> {
    let row =
        sqlx::query("delete from own_event where seq in (select seq from own_event where seq = $1 for update skip locked) returning *")
            .bind(seq)
            .fetch_optional(tx)
            .await?;
    row.as_ref().map(event).transpose()
}

/// Leaves one that waits for something, for so many seconds.
pub async fn leave(db: impl PgExecutor<'_>, seq: i64, seconds: f64) -> Result<(), sqlx::Error> {
    sqlx::query("update own_event set retry_at = clock_timestamp() + make_interval(secs => $2) where seq = $1")
        .bind(seq)
        .bind(seconds)
        .execute(db)
        .await?;
    Ok(())
}

/// Leaves one that has failed, the longer the oftener: for so many seconds the first time, up to an hour.
pub async fn put_off(db: impl PgExecutor<'_>, seq: i64, seconds: f64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update own_event set attempts = attempts + 1,
             retry_at = clock_timestamp() + make_interval(secs => least($2 * power(2, least(attempts, 20)), 3600)) where seq = $1",
    )
    .bind(seq)
    .bind(seconds)
    .execute(db)
    .await?;
    Ok(())
}

fn event(row: &PgRow) -> Result<Event, sqlx::Error> {
    Ok(Event {
        id: row.try_get("id")?,
        subject: row.try_get("subject")?,
        time: row.try_get::<Ts, _>("time")?.0,
        about: row.try_get("about")?,
        version: row.try_get("version")?,
        policy: row.try_get("policy")?,
        case: row.try_get("case_id")?,
        traceparent: row.try_get("traceparent")?,
        body: row.try_get("body")?,
    })
}
