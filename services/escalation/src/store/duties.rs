//! Duties, in and out.

use super::spoilt;
use duban_contracts::Timestamp;
use duban_engine::duty::{Duty, Ended, Facts, State, Terms};
use duban_engine::moment::Moment;
use duban_engine::shifts::Shifts;
use duban_platform::db::Ts;
use duban_policy::ladder::{Progress, Raised};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// One column of many duties.
fn all<'a, T>(duties: &'a [Duty], of: impl Fn(&'a Duty) -> T) -> Vec<T> {
    duties.iter().map(of).collect()
}

/// Keeps new duties. Those settled before they were ever kept have no progress yet.
/// Gives the ids of those that were not there.
pub async fn insert(tx: &mut PgConnection, duties: &[Duty]) -> Result<Vec<Uuid>, sqlx::Error> {
    if duties.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "insert into duty (
              id, pack, rule, key, case_id, title, title_zh, owed_by, policy, run, by_hand, shadowed, closes_case, terms, unit,
              handler, excluded_people, excluded_units, facts_version, opened_at, opened_subject, opened_version, opened_by,
              due_at, closed_at, closed_subject, closed_version, closed_by, cancelled, state, late, next_at, traceparent,
              version, people_named, again, corrections, trial, reminders)
         select *, 0 from unnest(
              $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bigint[],
              $10::int[], $11::bool[], $12::bool[], $13::bool[], $14::jsonb[], $15::text[], $16::text[], $17::jsonb[],
              $18::jsonb[], $19::bigint[], $20::timestamptz[], $21::text[], $22::bigint[], $23::uuid[], $24::timestamptz[],
              $25::timestamptz[], $26::text[], $27::bigint[], $28::uuid[], $29::bool[], $30::text[], $31::bool[],
              $32::timestamptz[], $33::text[], $34::bigint[], $35::jsonb[], $36::bool[], $37::int[], $38::bool[])
         on conflict (id) do nothing
         returning id",
    )
    .bind(all(duties, |duty| duty.id))
    .bind(all(duties, |duty| duty.pack.as_str()))
    .bind(all(duties, |duty| duty.rule.as_str()))
    .bind(all(duties, |duty| duty.key.as_str()))
    .bind(all(duties, |duty| duty.case))
    .bind(all(duties, |duty| duty.title.as_str()))
    .bind(all(duties, |duty| duty.title_zh.as_str()))
    .bind(all(duties, |duty| duty.owed_by.as_str()))
    .bind(all(duties, |duty| duty.policy))
    .bind(all(duties, |duty| duty.run))
    .bind(all(duties, |duty| duty.by_hand))
    .bind(all(duties, |duty| duty.shadowed))
    .bind(all(duties, |duty| duty.closes_case))
    .bind(all(duties, |duty| Json(&duty.terms)))
    .bind(all(duties, |duty| duty.facts.unit.as_str()))
    .bind(all(duties, |duty| duty.facts.handler.as_deref()))
    .bind(all(duties, |duty| Json(&duty.facts.excluded_people)))
    .bind(all(duties, |duty| Json(&duty.facts.excluded_units)))
    .bind(all(duties, |duty| duty.facts.version))
    .bind(all(duties, |duty| Ts(duty.opened.at)))
    .bind(all(duties, |duty| duty.opened.subject.as_str()))
    .bind(all(duties, |duty| duty.opened.version))
    .bind(all(duties, |duty| duty.opened.event))
    .bind(all(duties, |duty| Ts(duty.due_at)))
    .bind(all(duties, |duty| closed(duty, |close| Ts(close.at))))
    .bind(all(duties, |duty| closed(duty, |close| close.subject.as_str())))
    .bind(all(duties, |duty| closed(duty, |close| close.version)))
    .bind(all(duties, |duty| closed(duty, |close| close.event)))
    .bind(all(duties, |duty| duty.ended.as_ref().map(|ended| ended.cancelled)))
    .bind(all(duties, |duty| duty.state.as_str()))
    .bind(all(duties, |duty| duty.late))
    .bind(all(duties, |duty| duty.next_at.map(Ts)))
    .bind(all(duties, |duty| duty.traceparent.as_deref()))
    .bind(all(duties, |duty| duty.version))
    .bind(all(duties, |duty| Json(&duty.facts.people_named)))
    .bind(all(duties, |duty| duty.again))
    .bind(all(duties, |duty| duty.corrections))
    .bind(all(duties, |duty| duty.trial))
    .fetch_all(tx)
    .await
}

/// Keeps what has changed of duties that this transaction has locked.
pub async fn save(tx: &mut PgConnection, duties: &[Duty]) -> Result<(), sqlx::Error> {
    if duties.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update duty set (
              run, shadowed, owed_by, closed_at, closed_subject, closed_version, closed_by, closed_person, cancelled,
              breached_at, withdrawn_at, state, late, reminders, rung, repetition, raised_at, acknowledged_at, next_at, version, corrections) = (
              new.run, new.shadowed, new.owed_by, new.closed_at, new.closed_subject, new.closed_version, new.closed_by,
              new.closed_person, new.cancelled, new.breached_at, new.withdrawn_at, new.state, new.late, new.reminders,
              new.rung, new.repetition, new.raised_at, new.acknowledged_at, new.next_at, new.version, new.corrections), put_off = false
         from unnest($1::uuid[],
              $2::int[], $3::bool[], $4::text[], $5::timestamptz[], $6::text[], $7::bigint[], $8::uuid[], $9::text[],
              $10::bool[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::bool[], $15::int[], $16::int[],
              $17::int[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::bigint[], $22::int[])
         as new (id,
              run, shadowed, owed_by, closed_at, closed_subject, closed_version, closed_by, closed_person, cancelled,
              breached_at, withdrawn_at, state, late, reminders, rung, repetition, raised_at, acknowledged_at, next_at, version, corrections)
         where duty.id = new.id",
    )
    .bind(all(duties, |duty| duty.id))
    .bind(all(duties, |duty| duty.run))
    .bind(all(duties, |duty| duty.shadowed))
    .bind(all(duties, |duty| duty.owed_by.as_str()))
    .bind(all(duties, |duty| closed(duty, |close| Ts(close.at))))
    .bind(all(duties, |duty| closed(duty, |close| close.subject.as_str())))
    .bind(all(duties, |duty| closed(duty, |close| close.version)))
    .bind(all(duties, |duty| closed(duty, |close| close.event)))
    .bind(all(duties, |duty| duty.ended.as_ref().and_then(|ended| ended.by.as_deref())))
    .bind(all(duties, |duty| duty.ended.as_ref().map(|ended| ended.cancelled)))
    .bind(all(duties, |duty| duty.breached_at.map(Ts)))
    .bind(all(duties, |duty| duty.withdrawn_at.map(Ts)))
    .bind(all(duties, |duty| duty.state.as_str()))
    .bind(all(duties, |duty| duty.late))
    .bind(all(duties, |duty| i32::try_from(duty.progress.reminders).unwrap_or(i32::MAX)))
    .bind(all(duties, |duty| duty.progress.last.map(|last| last.rung)))
    .bind(all(duties, |duty| duty.progress.last.map(|last| last.repetition)))
    .bind(all(duties, |duty| duty.progress.last.map(|last| Ts(last.at))))
    .bind(all(duties, |duty| duty.progress.acknowledged_at.map(Ts)))
    .bind(all(duties, |duty| duty.next_at.map(Ts)))
    .bind(all(duties, |duty| duty.version))
    .bind(all(duties, |duty| duty.corrections))
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps what was settled anew of duties that this transaction has locked: due time, terms, shifts and who it was handed to.
pub async fn save_terms(tx: &mut PgConnection, duties: &[Duty]) -> Result<(), sqlx::Error> {
    if duties.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update duty set due_at = new.due_at, terms = new.terms, shifts = new.shifts, handed_to = new.handed_to
         from unnest($1::uuid[], $2::timestamptz[], $3::jsonb[], $4::jsonb[], $5::text[]) as new (id, due_at, terms, shifts, handed_to)
         where duty.id = new.id",
    )
    .bind(all(duties, |duty| duty.id))
    .bind(all(duties, |duty| Ts(duty.due_at)))
    .bind(all(duties, |duty| Json(&duty.terms)))
    .bind(all(duties, |duty| (duty.shifts != Shifts::default()).then_some(Json(&duty.shifts))))
    .bind(all(duties, |duty| duty.handed_to()))
    .execute(tx)
    .await?;
    Ok(())
}

fn closed<'a, T>(duty: &'a Duty, of: impl Fn(&'a Moment) -> T) -> Option<T> {
    duty.ended.as_ref().map(|ended| of(&ended.moment))
}

/// Claims open duties whose timer has run out, the most overdue first, leaving those that another transaction holds. Duties under a policy
/// that this copy lacks are left too.
pub async fn claim_due(tx: &mut PgConnection, now: Timestamp, lacking: &[i64], most: i64) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query(
        "select * from duty where next_at <= $1 and policy <> all ($2) order by next_at limit $3 for no key update skip locked",
    )
    .bind(Ts(now))
    .bind(lacking)
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(duty).collect()
}

/// Ids of the duties that [`claim_due`] would claim; nothing is locked, nothing of them read.
pub async fn due(db: impl PgExecutor<'_>, now: Timestamp, lacking: &[i64], most: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("select id from duty where next_at <= $1 and policy <> all ($2) order by next_at limit $3")
        .bind(Ts(now))
        .bind(lacking)
        .bind(most)
        .fetch_all(db)
        .await
}

/// Claims one of them, if it is still due and nobody holds it.
pub async fn claim_one(tx: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<Option<Duty>, sqlx::Error> {
    let row = sqlx::query("select * from duty where id = $1 and next_at <= $2 for no key update skip locked")
        .bind(id)
        .bind(Ts(now))
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(duty).transpose()
}

/// Sets the timer of a duty that is due to later, whatever else its row holds.
pub async fn put_off(db: impl PgExecutor<'_>, id: Uuid, now: Timestamp, later: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update duty set next_at = $3, put_off = true where id = $1 and next_at <= $2")
        .bind(id)
        .bind(Ts(now))
        .bind(Ts(later))
        .execute(db)
        .await?;
    Ok(())
}

/// When the next timer runs out. None while nothing is open.
pub async fn next_timer(db: impl PgExecutor<'_>) -> Result<Option<Timestamp>, sqlx::Error> {
    let next: Option<Ts> =
        sqlx::query_scalar("select next_at from duty where next_at is not null order by next_at limit 1").fetch_optional(db).await?;
    Ok(next.map(|at| at.0))
}

/// A duty, held until the transaction ends.
pub async fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Option<Duty>, sqlx::Error> {
    let row = sqlx::query("select * from duty where id = $1 for no key update").bind(id).fetch_optional(tx).await?;
    row.as_ref().map(duty).transpose()
}

pub async fn one(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Duty>, sqlx::Error> {
    let row = sqlx::query("select * from duty where id = $1 and not shadowed").bind(id).fetch_optional(db).await?;
    row.as_ref().map(duty).transpose()
}

/// A duty from its row.
pub(super) fn duty(row: &PgRow) -> Result<Duty, sqlx::Error> {
    let time = |column: &str| row.try_get::<Option<Ts>, _>(column).map(|at| at.map(|at| at.0));
    let state: String = row.try_get("state")?;
    Ok(Duty {
        id: row.try_get("id")?,
        pack: row.try_get("pack")?,
        rule: row.try_get("rule")?,
        key: row.try_get("key")?,
        case: row.try_get("case_id")?,
        title: row.try_get("title")?,
        title_zh: row.try_get("title_zh")?,
        owed_by: row.try_get("owed_by")?,
        policy: row.try_get("policy")?,
        corrections: row.try_get("corrections")?,
        run: row.try_get("run")?,
        by_hand: row.try_get("by_hand")?,
        shadowed: row.try_get("shadowed")?,
        again: row.try_get("again")?,
        trial: row.try_get("trial")?,
        is_handed_over: row.try_get::<Option<String>, _>("handed_to")?.is_some(),
        closes_case: row.try_get("closes_case")?,
        terms: row.try_get::<Json<Terms>, _>("terms")?.0,
        facts: Facts {
            unit: row.try_get("unit")?,
            handler: row.try_get("handler")?,
            excluded_people: row.try_get::<Json<Vec<String>>, _>("excluded_people")?.0,
            excluded_units: row.try_get::<Json<Vec<String>>, _>("excluded_units")?.0,
            people_named: row.try_get::<Json<Vec<String>>, _>("people_named")?.0,
            version: row.try_get("facts_version")?,
        },
        opened: Moment {
            event: row.try_get("opened_by")?,
            subject: row.try_get("opened_subject")?,
            version: row.try_get("opened_version")?,
            at: row.try_get::<Ts, _>("opened_at")?.0,
        },
        due_at: row.try_get::<Ts, _>("due_at")?.0,
        shifts: row.try_get::<Option<Json<Shifts>>, _>("shifts")?.map(|shifts| shifts.0).unwrap_or_default(),
        ended: ended(row)?,
        breached_at: time("breached_at")?,
        withdrawn_at: time("withdrawn_at")?,
        state: State::named(&state).ok_or_else(|| spoilt("state", "not a state of duties"))?,
        late: row.try_get("late")?,
        progress: progress(row)?,
        next_at: time("next_at")?,
        traceparent: row.try_get("traceparent")?,
        version: row.try_get("version")?,
    })
}

fn ended(row: &PgRow) -> Result<Option<Ended>, sqlx::Error> {
    let Some(at) = row.try_get::<Option<Ts>, _>("closed_at")? else { return Ok(None) };
    let moment = Moment {
        event: row.try_get("closed_by")?,
        subject: row.try_get("closed_subject")?,
        version: row.try_get("closed_version")?,
        at: at.0,
    };
    Ok(Some(Ended { moment, cancelled: row.try_get("cancelled")?, by: row.try_get("closed_person")?, note: row.try_get("note")? }))
}

fn progress(row: &PgRow) -> Result<Progress, sqlx::Error> {
    let last = match row.try_get::<Option<i32>, _>("rung")? {
        Some(rung) => Some(Raised { rung, repetition: row.try_get("repetition")?, at: row.try_get::<Ts, _>("raised_at")?.0 }),
        None => None,
    };
    Ok(Progress {
        reminders: usize::try_from(row.try_get::<i32, _>("reminders")?).unwrap_or(0),
        last,
        acknowledged_at: row.try_get::<Option<Ts>, _>("acknowledged_at")?.map(|at| at.0),
    })
}

/// Notes what who closed a duty by hand says of it.
pub async fn note(tx: &mut PgConnection, duty: Uuid, note: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update duty set note = $2 where id = $1").bind(duty).bind(note).execute(tx).await?;
    Ok(())
}
