//! What has happened: events of others as they came, and what people did with duties; in the order of time, for rehearsals.

use super::spoilt;
use duban_contracts::alert::Acknowledgement;
use duban_contracts::duty::DutyAct;
use duban_contracts::{Event, Timestamp};
use duban_engine::acts::What;
use duban_engine::duty::Ended;
use duban_engine::moment::Moment;
use duban_engine::rehearsing::Past;
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

/// Keeps events.
pub async fn keep(tx: &mut PgConnection, events: &[&Event]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into past_event (at, id, subject, about, version, policy, case_id, body)
         select * from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[], $8::bytea[])",
    )
    .bind(events.iter().map(|event| Ts(event.time)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.about.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.version).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.policy).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.case).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.body.as_slice()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// When the oldest event happened that is kept.
pub async fn oldest(db: impl PgExecutor<'_>) -> Result<Option<Timestamp>, sqlx::Error> {
    let at: Option<Ts> = sqlx::query_scalar("select at from past_event order by at limit 1").fetch_optional(db).await?;
    Ok(at.map(|at| at.0))
}

/// The next events in the order of time, those of `until` excepted.
pub async fn events_after(
    db: impl PgExecutor<'_>,
    after: (Timestamp, Uuid),
    until: Timestamp,
    most: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query("select * from past_event where (at, id) > ($1, $2) and at < $3 order by at, id limit $4")
        .bind(Ts(after.0))
        .bind(after.1)
        .bind(Ts(until))
        .bind(most)
        .fetch_all(db)
        .await?;
    rows.iter().map(event).collect()
}

fn event(row: &PgRow) -> Result<Event, sqlx::Error> {
    Ok(Event {
        id: row.try_get("id")?,
        subject: row.try_get("subject")?,
        time: row.try_get::<Ts, _>("at")?.0,
        about: row.try_get("about")?,
        version: row.try_get("version")?,
        policy: row.try_get("policy")?,
        case: row.try_get("case_id")?,
        traceparent: None,
        body: row.try_get("body")?,
    })
}

/// Of which duties: opened since then, of these packs (none: all).
#[derive(Debug, Clone, Copy)]
pub struct Duties<'a> {
    pub since: Timestamp,
    pub packs: &'a [String],
}

/// What people did with duties after `from`, and until `to` at the latest.
pub async fn acts_between(pool: &PgPool, of: Duties<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Past>, sqlx::Error> {
    let (acknowledged, acted, closed) =
        tokio::try_join!(acknowledged(pool, of, from, to), acted(pool, of, from, to), closed_by_hand(pool, of, from, to))?;
    let mut all: Vec<Past> = acknowledged.into_iter().chain(acted).chain(closed).collect();
    all.sort_by_key(Past::at);
    Ok(all)
}

/// Rows of a query that takes the time (after, until at the latest) and of which duties.
async fn rows_between(pool: &PgPool, sql: &'static str, of: Duties<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::query(sql).bind(Ts(from)).bind(Ts(to)).bind(Ts(of.since)).bind(of.packs).fetch_all(pool).await
}

async fn acknowledged(pool: &PgPool, of: Duties<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Past>, sqlx::Error> {
    let sql = "select given.alert, given.person, given.at, duty.id as duty
         from acknowledgement as given join alert on alert.id = given.alert join duty on duty.id = alert.duty
         where given.at > $1 and given.at <= $2 and duty.opened_at >= $3 and (cardinality($4::text[]) = 0 or duty.pack = any ($4))";
    let rows = rows_between(pool, sql, of, from, to).await?;
    let past = |row: &PgRow| {
        let by = Acknowledgement { person: row.try_get("person")?, at: row.try_get::<Ts, _>("at")?.0, link: None };
        Ok(Past::Acknowledged { duty: row.try_get("duty")?, alert: row.try_get("alert")?, by })
    };
    rows.iter().map(past).collect()
}

async fn acted(pool: &PgPool, of: Duties<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Past>, sqlx::Error> {
    let sql = "select done.duty, done.at, done.act, done.by_person, done.reason, done.until, done.person
         from duty_act as done join duty on duty.id = done.duty
         where done.by_person is not null and done.act <> 'retimed' and done.at > $1 and done.at <= $2
           and duty.opened_at >= $3 and (cardinality($4::text[]) = 0 or duty.pack = any ($4))";
    let rows = rows_between(pool, sql, of, from, to).await?;
    let past = |row: &PgRow| {
        let (duty, person, at) = (row.try_get("duty")?, row.try_get("by_person")?, row.try_get::<Ts, _>("at")?.0);
        Ok(Past::Acted { duty, person, at, act: act(row)? })
    };
    rows.iter().map(past).collect()
}

fn act(row: &PgRow) -> Result<DutyAct, sqlx::Error> {
    let (act, reason): (String, String) = (row.try_get("act")?, row.try_get("reason")?);
    let until = || row.try_get::<Option<Ts>, _>("until")?.map(|at| at.0).ok_or_else(|| spoilt("until", "nothing"));
    let person: Option<String> = row.try_get("person")?;
    Ok(match What::named(&act) {
        Some(What::Paused) => DutyAct::Pause { reason, until: until()?, waits_for: person },
        Some(What::Resumed) => DutyAct::Resume { note: reason },
        Some(What::Extended) => DutyAct::Extend { reason, until: until()? },
        Some(What::HandedOver) => DutyAct::HandOver { to: person.ok_or_else(|| spoilt("person", "nobody"))?, reason },
        Some(What::Urged) => DutyAct::Urge { note: reason },
        Some(What::Retimed) | None => return Err(spoilt("act", "nothing that people do with duties")),
    })
}

async fn closed_by_hand(pool: &PgPool, of: Duties<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Past>, sqlx::Error> {
    let sql = "select id, closed_at, closed_subject, closed_version, closed_by, closed_person, cancelled from duty
         where not open and closed_person is not null and closed_at > $1 and closed_at <= $2
           and opened_at >= $3 and (cardinality($4::text[]) = 0 or pack = any ($4))";
    let rows = rows_between(pool, sql, of, from, to).await?;
    let past = |row: &PgRow| {
        let moment = Moment {
            event: row.try_get("closed_by")?,
            subject: row.try_get("closed_subject")?,
            version: row.try_get("closed_version")?,
            at: row.try_get::<Ts, _>("closed_at")?.0,
        };
        let cancelled = row.try_get::<Option<bool>, _>("cancelled")?.unwrap_or(false);
        Ok(Past::ClosedByHand {
            duty: row.try_get("id")?,
            ended: Ended { moment, cancelled, by: row.try_get("closed_person")?, note: None },
        })
    };
    rows.iter().map(past).collect()
}

/// Forgets events that are older than so many days, a batch. Gives how many.
pub async fn forget_older(db: impl PgExecutor<'_>, than: Timestamp, most: i64) -> Result<u64, sqlx::Error> {
    let done =
        sqlx::query("delete from past_event where ctid = any (array(select ctid from past_event where at < $1 order by at limit $2))")
            .bind(Ts(than))
            .bind(most)
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}
