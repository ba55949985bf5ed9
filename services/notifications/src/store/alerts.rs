//! The copy of duties and alerts.

use duban_contracts::alert::AlertEvent;
use duban_platform::Ts;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// What a duty event says that is kept.
pub struct DutyRow {
    pub id: Uuid,
    pub owed_by: String,
    pub excluded_people: Vec<String>,
    pub version: i64,
    /// Event time, where the event ends the duty.
    pub ended_at: Option<Ts>,
}

/// Keeps the newest of each duty, and its latest end. At most one row per duty.
pub async fn keep_duties(tx: &mut PgConnection, rows: &[DutyRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    // Arrays of arrays do not unnest row by row, so the excluded people travel as JSON.
    sqlx::query(
        "insert into duty (id, owed_by, excluded_people, version, ended_at)
         select id, owed_by, array(select jsonb_array_elements_text(excluded)), version, ended_at
         from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[], $5::timestamptz[]) as t(id, owed_by, excluded, version, ended_at)
         order by id
         on conflict (id) do update set
             owed_by = case when excluded.version > duty.version then excluded.owed_by else duty.owed_by end,
             excluded_people = case when excluded.version > duty.version then excluded.excluded_people else duty.excluded_people end,
             version = greatest(duty.version, excluded.version),
             ended_at = greatest(duty.ended_at, excluded.ended_at)",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.owed_by.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded_people.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.ended_at).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// An alert as an event tells it.
pub struct AlertRow {
    pub body: AlertEvent,
    /// Event time and trace, where the event is `alert.raised`.
    pub raised: Option<(Ts, Option<String>)>,
}

/// Keeps the newest body and state of each alert, and when it was raised. At most one row per alert.
pub async fn keep_alerts(tx: &mut PgConnection, rows: &[AlertRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into alert (id, duty, case_id, unit, body, state, version, raised_at, traceparent)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::bigint[], $8::timestamptz[], $9::text[])
                as t(id, duty, case_id, unit, body, state, version, raised_at, traceparent)
         order by id
         on conflict (id) do update set
             body = case when excluded.version > alert.version then excluded.body else alert.body end,
             state = case when excluded.version > alert.version then excluded.state else alert.state end,
             version = greatest(alert.version, excluded.version),
             raised_at = coalesce(alert.raised_at, excluded.raised_at),
             traceparent = coalesce(alert.traceparent, excluded.traceparent)",
    )
    .bind(rows.iter().map(|row| row.body.alert).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.duty).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.case).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.unit.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| serde_json::to_value(&row.body).unwrap_or_default()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.state.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.raised.as_ref().map(|(at, _)| *at)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.raised.as_ref().and_then(|(_, trace)| trace.clone())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Of these alerts, those that are still wanted: open, and raised after the last end of their duty. On a tie the end wins. With each, who
/// must not be told of it: the people complained about, as far as either its duty or its case says so.
pub async fn wanted(tx: &mut PgConnection, alerts: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>, sqlx::Error> {
    let rows: Vec<(Uuid, Vec<String>)> = sqlx::query_as(
        "select alert.id, coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}')
         from alert left join duty on duty.id = alert.duty left join case_copy on case_copy.id = alert.case_id
         where alert.id = any($1) and alert.state = 'open' and alert.raised_at is not null
           and (duty.ended_at is null or duty.ended_at < alert.raised_at)",
    )
    .bind(alerts)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().collect())
}
