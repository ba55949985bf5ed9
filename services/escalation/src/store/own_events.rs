//! Own events on their way back in.

use duban_contracts::{Event, NewEvent};
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

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

/// Takes the oldest out, leaving those that another copy holds. Rolled back, they are there again.
pub async fn take(tx: &mut PgConnection, most: i64) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "with taken as (
             delete from own_event where seq in (select seq from own_event order by seq limit $1 for update skip locked) returning *)
         select * from taken order by seq",
    )
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(event).collect()
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
