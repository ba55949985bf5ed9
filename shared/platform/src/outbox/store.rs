//! The outbox's SQL for writers.

use crate::db::Ts;
use duban_contracts::NewEvent;
use sqlx::PgConnection;

/// Inserts all events with one statement.
pub(super) async fn insert(tx: &mut PgConnection, events: &[NewEvent], traceparent: Option<String>) -> Result<(), sqlx::Error> {
    let bodies = events
        .iter()
        .map(|event| std::str::from_utf8(&event.body).map_err(|error| sqlx::Error::Encode(Box::new(error))))
        .collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "insert into outbox (id, subject, time, about, version, policy, case_id, traceparent, body)
         select id, subject, time, about, version, policy, case_id, traceparent, body
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::text[])
              with ordinality as event (id, subject, time, about, version, policy, case_id, traceparent, body, place)
         order by place
         on conflict (id) do nothing",
    )
    .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| Ts(event.time)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.about.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.version).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.policy).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.case).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.traceparent.as_deref().or(traceparent.as_deref())).collect::<Vec<_>>())
    .bind(bodies)
    .execute(tx)
    .await?;
    Ok(())
}
