//! Alerts, their recipients and acknowledgements, in and out.

use super::spoilt;
use duban_contracts::Timestamp;
use duban_contracts::alert::{Acknowledgement, Recipient};
use duban_contracts::duty::NextRung;
use duban_engine::alert::{Alert, State};
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Keeps raised alerts. Gives those that were not there: an alert is unique by duty, run, rung and repetition.
pub async fn insert(tx: &mut PgConnection, alerts: &[Alert]) -> Result<Vec<Uuid>, sqlx::Error> {
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    let fresh = sqlx::query_scalar(
        "insert into alert (id, duty, run, rung, repetition, sort, until, urgent, recipients, next, late, state, due_at, raised_at, version, traceparent, trial)
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[], $8::bool[], $9::jsonb[],
             $10::jsonb[], $11::bool[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::bigint[], $16::text[], $17::bool[])
         on conflict do nothing
         returning id",
    )
    .bind(all(alerts, |alert| alert.id))
    .bind(all(alerts, |alert| alert.duty))
    .bind(all(alerts, |alert| alert.run))
    .bind(all(alerts, |alert| alert.rung))
    .bind(all(alerts, |alert| alert.repetition))
    .bind(all(alerts, |alert| alert.sort.as_str()))
    .bind(all(alerts, |alert| alert.until.as_str()))
    .bind(all(alerts, |alert| alert.urgent))
    .bind(all(alerts, |alert| Json(&alert.recipients)))
    .bind(all(alerts, |alert| alert.next.as_ref().map(Json)))
    .bind(all(alerts, |alert| alert.late))
    .bind(all(alerts, |alert| alert.state.as_str()))
    .bind(all(alerts, |alert| Ts(alert.due_at)))
    .bind(all(alerts, |alert| Ts(alert.raised_at)))
    .bind(all(alerts, |alert| alert.version))
    .bind(all(alerts, |alert| alert.traceparent.as_deref()))
    .bind(all(alerts, |alert| alert.trial))
    .fetch_all(&mut *tx)
    .await?;
    insert_recipients(tx, alerts).await?;
    insert_diverted(tx, alerts).await?;
    Ok(fresh)
}

/// In whose place they went to others.
async fn insert_diverted(tx: &mut PgConnection, alerts: &[Alert]) -> Result<(), sqlx::Error> {
    let diverted: Vec<(&Alert, &str)> = alerts
        .iter()
        .flat_map(|alert| alert.recipients.iter().flat_map(|told| &told.meant_for).map(move |meant| (alert, meant.person.as_str())))
        .filter(|(alert, person)| !alert.trial && !alert.is_recipient(person))
        .collect();
    if diverted.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into diverted (alert, person, raised_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[]) on conflict do nothing",
    )
    .bind(diverted.iter().map(|(alert, _)| alert.id).collect::<Vec<_>>())
    .bind(diverted.iter().map(|(_, person)| *person).collect::<Vec<_>>())
    .bind(diverted.iter().map(|(alert, _)| Ts(alert.raised_at)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_recipients(tx: &mut PgConnection, alerts: &[Alert]) -> Result<(), sqlx::Error> {
    let told: Vec<(&Alert, &Recipient)> = alerts.iter().flat_map(|alert| alert.recipients.iter().map(move |told| (alert, told))).collect();
    sqlx::query(
        "insert into recipient (alert, person, raised_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[]) on conflict do nothing",
    )
    .bind(told.iter().map(|(alert, _)| alert.id).collect::<Vec<_>>())
    .bind(told.iter().map(|(_, recipient)| recipient.person.as_str()).collect::<Vec<_>>())
    .bind(told.iter().map(|(alert, _)| Ts(alert.raised_at)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Closes the open alerts of duties that have ended or are timed anew. Who is waited for is waited for as long as a duty is paused.
pub async fn close_of(tx: &mut PgConnection, duties: &[Uuid], at: Timestamp) -> Result<Vec<Alert>, sqlx::Error> {
    if duties.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "update alert set state = 'closed', ended_at = $2, version = version + 1 where duty = any ($1) and state = 'open'
           and (sort <> 'awaited' or exists (select from duty where duty.id = alert.duty and (not duty.open or duty.shifts -> 'paused' is null)))
         returning *",
    )
    .bind(duties)
    .bind(Ts(at))
    .fetch_all(&mut *tx)
    .await?;
    with_acknowledgements(tx, rows.iter().map(alert).collect::<Result<_, _>>()?).await
}

/// An alert, with its acknowledgements.
pub async fn one(db: &mut PgConnection, id: Uuid) -> Result<Option<Alert>, sqlx::Error> {
    let row = sqlx::query("select * from alert where id = $1").bind(id).fetch_optional(&mut *db).await?;
    let found = row.as_ref().map(alert).transpose()?;
    Ok(with_acknowledgements(db, found.into_iter().collect()).await?.pop())
}

/// All repetitions of a rung, oldest first. The duty's row must be locked.
pub async fn of_rung(tx: &mut PgConnection, duty: Uuid, run: i32, rung: i32) -> Result<Vec<Alert>, sqlx::Error> {
    let rows = sqlx::query("select * from alert where duty = $1 and run = $2 and rung = $3 order by repetition")
        .bind(duty)
        .bind(run)
        .bind(rung)
        .fetch_all(&mut *tx)
        .await?;
    with_acknowledgements(tx, rows.iter().map(alert).collect::<Result<_, _>>()?).await
}

/// All alerts of these duties, oldest first.
pub async fn of_duties(db: &mut PgConnection, duties: &[Uuid]) -> Result<Vec<Alert>, sqlx::Error> {
    let rows = sqlx::query("select * from alert where duty = any ($1) order by raised_at, id").bind(duties).fetch_all(&mut *db).await?;
    with_acknowledgements(db, rows.iter().map(alert).collect::<Result<_, _>>()?).await
}

/// The newest alerts of a duty, oldest first, and how many there are in all.
pub async fn newest(db: &mut PgConnection, duty: Uuid, most: i64) -> Result<(Vec<Alert>, i64), sqlx::Error> {
    let rows = sqlx::query("select *, count(*) over () as of_all from alert where duty = $1 order by raised_at desc, id desc limit $2")
        .bind(duty)
        .bind(most)
        .fetch_all(&mut *db)
        .await?;
    let of_all = rows.first().map(|row| row.try_get("of_all")).transpose()?.unwrap_or_default();
    let found = rows.iter().rev().map(alert).collect::<Result<_, _>>()?;
    Ok((with_acknowledgements(db, found).await?, of_all))
}

/// Alerts of these duties, duty by duty in the order given and oldest first; those of the first duty only after the one named.
pub async fn following(db: &mut PgConnection, duties: &[Uuid], after: Option<Uuid>, most: i64) -> Result<Vec<Alert>, sqlx::Error> {
    let rows = sqlx::query(
        "select alert.* from unnest($1::uuid[]) with ordinality as wanted (id, place) join alert on alert.duty = wanted.id
         where wanted.place > 1 or $2::uuid is null
            or (alert.raised_at, alert.id) > (select known.raised_at, known.id from alert as known where known.id = $2)
         order by wanted.place, alert.raised_at, alert.id limit $3",
    )
    .bind(duties)
    .bind(after)
    .bind(most)
    .fetch_all(&mut *db)
    .await?;
    with_acknowledgements(db, rows.iter().map(alert).collect::<Result<_, _>>()?).await
}

/// Notes that a person has acknowledged an alert; once.
pub async fn acknowledge(tx: &mut PgConnection, alert: Uuid, acknowledgement: &Acknowledgement) -> Result<(), sqlx::Error> {
    sqlx::query("insert into acknowledgement (alert, person, at, link) values ($1, $2, $3, $4) on conflict do nothing")
        .bind(alert)
        .bind(&acknowledgement.person)
        .bind(Ts(acknowledgement.at))
        .bind(acknowledgement.link)
        .execute(tx)
        .await?;
    Ok(())
}

/// Keeps the state and version of alerts whose duty this transaction has locked.
pub async fn save(tx: &mut PgConnection, alerts: &[&Alert]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update alert set state = new.state, ended_at = new.ended_at, version = new.version
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) as new (id, state, ended_at, version) where alert.id = new.id",
    )
    .bind(alerts.iter().map(|alert| alert.id).collect::<Vec<_>>())
    .bind(alerts.iter().map(|alert| alert.state.as_str()).collect::<Vec<_>>())
    .bind(alerts.iter().map(|alert| alert.ended_at.map(Ts)).collect::<Vec<_>>())
    .bind(alerts.iter().map(|alert| alert.version).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn with_acknowledgements(db: &mut PgConnection, mut alerts: Vec<Alert>) -> Result<Vec<Alert>, sqlx::Error> {
    if alerts.is_empty() {
        return Ok(alerts);
    }
    let ids: Vec<Uuid> = alerts.iter().map(|alert| alert.id).collect();
    let rows = sqlx::query("select alert, person, at, link from acknowledgement where alert = any ($1) order by at, person")
        .bind(ids)
        .fetch_all(db)
        .await?;
    let mut by_alert: BTreeMap<Uuid, Vec<Acknowledgement>> = BTreeMap::new();
    for row in rows {
        let acknowledgement =
            Acknowledgement { person: row.try_get("person")?, at: row.try_get::<Ts, _>("at")?.0, link: row.try_get("link")? };
        by_alert.entry(row.try_get("alert")?).or_default().push(acknowledgement);
    }
    for alert in &mut alerts {
        alert.acknowledgements = by_alert.remove(&alert.id).unwrap_or_default();
    }
    Ok(alerts)
}

/// An alert from its row, without acknowledgements.
pub(super) fn alert(row: &PgRow) -> Result<Alert, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Alert {
        id: row.try_get("id")?,
        duty: row.try_get("duty")?,
        run: row.try_get("run")?,
        rung: row.try_get("rung")?,
        repetition: row.try_get("repetition")?,
        sort: row.try_get("sort")?,
        until: row.try_get("until")?,
        urgent: row.try_get("urgent")?,
        recipients: row.try_get::<Json<Vec<Recipient>>, _>("recipients")?.0,
        next: row.try_get::<Option<Json<NextRung>>, _>("next")?.map(|next| next.0),
        late: row.try_get("late")?,
        trial: row.try_get("trial")?,
        state: State::named(&state).ok_or_else(|| spoilt("state", "not a state of alerts"))?,
        due_at: row.try_get::<Ts, _>("due_at")?.0,
        raised_at: row.try_get::<Ts, _>("raised_at")?.0,
        ended_at: row.try_get::<Option<Ts>, _>("ended_at")?.map(|at| at.0),
        acknowledgements: Vec::new(),
        version: row.try_get("version")?,
        traceparent: row.try_get("traceparent")?,
    })
}

fn all<'a, T>(alerts: &'a [Alert], of: impl Fn(&'a Alert) -> T) -> Vec<T> {
    alerts.iter().map(of).collect()
}

/// The duty of an alert, once nobody is changing it; it stays so until the transaction ends.
pub async fn duty_settled(tx: &mut PgConnection, alert: Uuid) -> Result<Option<duban_engine::duty::Duty>, sqlx::Error> {
    let row = sqlx::query("select duty.* from duty where id = (select alert.duty from alert where alert.id = $1) for share")
        .bind(alert)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(super::duties::duty).transpose()
}

/// The duty of an alert, locked: the order is always duty first, then alerts.
pub async fn lock_duty(tx: &mut PgConnection, alert: Uuid) -> Result<Option<duban_engine::duty::Duty>, sqlx::Error> {
    let row = sqlx::query("select duty.* from duty where id = (select alert.duty from alert where alert.id = $1) for no key update")
        .bind(alert)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(super::duties::duty).transpose()
}

/// The alert of a case that was raised last.
pub async fn newest_of(db: &mut PgConnection, case: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "select alert.id from alert join duty on duty.id = alert.duty where duty.case_id = $1 order by alert.raised_at desc, alert.id desc limit 1",
    )
    .bind(case)
    .fetch_optional(db)
    .await
}
