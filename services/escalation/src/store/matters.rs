//! Matters: what opens and closes of one rule and key have in common, and what subjects' newest events say.

use super::duties;
use duban_engine::duty::{Duty, Ended, Facts};
use duban_engine::moment::Moment;
use duban_engine::rules::MatterKey;
use duban_platform::db::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a subject's event says, and of which case it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub about: String,
    pub case: Option<Uuid>,
    pub facts: Facts,
}

/// Makes batches that touch the same keys or subjects wait for each other: else an open and its close, handled at the same time by two
/// copies, would not see one another. Always in the same order, so that two batches do not deadlock;
/// where more is found to be concerned once the first are held, two may, and one of them is handled again.
pub async fn take_turns(tx: &mut PgConnection, names: &[&str]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select pg_advisory_xact_lock(turn) from (select distinct hashtextextended(name, 20) as turn from unnest($1::text[]) as name order by 1) as turns",
    )
    .bind(names)
    .execute(tx)
    .await?;
    Ok(())
}

/// Remembers closes.
pub async fn remember(tx: &mut PgConnection, closes: &[(MatterKey, Ended)]) -> Result<(), sqlx::Error> {
    if closes.is_empty() {
        return Ok(());
    }
    let keys = keys(closes.iter().map(|(matter, _)| matter));
    sqlx::query(
        "insert into closing (key, rule, pack, event, subject, version, at, cancelled)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::timestamptz[], $8::bool[])
         on conflict do nothing",
    )
    .bind(keys.0)
    .bind(keys.1)
    .bind(keys.2)
    .bind(closes.iter().map(|(_, close)| close.moment.event).collect::<Vec<_>>())
    .bind(closes.iter().map(|(_, close)| close.moment.subject.as_str()).collect::<Vec<_>>())
    .bind(closes.iter().map(|(_, close)| close.moment.version).collect::<Vec<_>>())
    .bind(closes.iter().map(|(_, close)| Ts(close.moment.at)).collect::<Vec<_>>())
    .bind(closes.iter().map(|(_, close)| close.cancelled).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Every close of these matters that is remembered.
pub async fn closes(tx: &mut PgConnection, matters: &[&MatterKey]) -> Result<BTreeMap<MatterKey, Vec<Ended>>, sqlx::Error> {
    let (key, rule, pack) = keys(matters.iter().copied());
    let rows = sqlx::query(
        "select closing.* from closing
         join unnest($1::text[], $2::text[], $3::text[]) as wanted (key, rule, pack) using (key, rule, pack)",
    )
    .bind(key)
    .bind(rule)
    .bind(pack)
    .fetch_all(tx)
    .await?;
    let mut found: BTreeMap<MatterKey, Vec<Ended>> = BTreeMap::new();
    for row in rows {
        let matter = MatterKey { key: row.try_get("key")?, rule: row.try_get("rule")?, pack: row.try_get("pack")? };
        let moment = Moment {
            event: row.try_get("event")?,
            subject: row.try_get("subject")?,
            version: row.try_get("version")?,
            at: row.try_get::<Ts, _>("at")?.0,
        };
        found.entry(matter).or_default().push(Ended { moment, cancelled: row.try_get("cancelled")?, by: None, note: None });
    }
    Ok(found)
}

/// Every duty of these matters, held until the transaction ends: from now on none of them is raised.
pub async fn lock_duties(tx: &mut PgConnection, matters: &[&MatterKey]) -> Result<Vec<Duty>, sqlx::Error> {
    let (key, rule, pack) = keys(matters.iter().copied());
    let rows = sqlx::query(
        "select * from duty where id in (
             select duty.id from duty join unnest($1::text[], $2::text[], $3::text[]) as wanted (key, rule, pack) using (key, rule, pack))
         order by id for no key update",
    )
    .bind(key)
    .bind(rule)
    .bind(pack)
    .fetch_all(tx)
    .await?;
    rows.iter().map(duties::duty).collect()
}

/// The open duties of these cases, not held: only to see which are concerned.
pub async fn open_of_cases(tx: &mut PgConnection, cases: &[Uuid]) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query("select * from duty where case_id = any ($1) and open and not shadowed").bind(cases).fetch_all(tx).await?;
    rows.iter().map(duties::duty).collect()
}

/// Keeps what subjects' newest events say; an older one never overwrites a newer. Gives the subjects that had no newer.
pub async fn keep_said(tx: &mut PgConnection, said: &[Said]) -> Result<BTreeSet<String>, sqlx::Error> {
    if said.is_empty() {
        return Ok(BTreeSet::new());
    }
    let kept: Vec<String> = sqlx::query_scalar(
        "insert into subject (about, version, unit, handler, excluded_people, excluded_units, people_named)
         select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::jsonb[])
         on conflict (about) do update set version = excluded.version, unit = excluded.unit, handler = excluded.handler,
             excluded_people = excluded.excluded_people, excluded_units = excluded.excluded_units, people_named = excluded.people_named
         where subject.version < excluded.version
         returning about",
    )
    .bind(said.iter().map(|said| said.about.as_str()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.version).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.unit.as_str()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.handler.as_deref()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.excluded_people)).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.excluded_units)).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.people_named)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(kept.into_iter().collect())
}

/// Newer facts of the subjects that have any.
pub async fn said_of(tx: &mut PgConnection, abouts: &[&str]) -> Result<BTreeMap<String, Facts>, sqlx::Error> {
    let rows = sqlx::query("select * from subject where about = any ($1)").bind(abouts).fetch_all(tx).await?;
    let facts = |row: &sqlx::postgres::PgRow| -> Result<(String, Facts), sqlx::Error> {
        let facts = Facts {
            unit: row.try_get::<Option<String>, _>("unit")?.unwrap_or_default(),
            handler: row.try_get("handler")?,
            excluded_people: row.try_get::<Json<Vec<String>>, _>("excluded_people")?.0,
            excluded_units: row.try_get::<Json<Vec<String>>, _>("excluded_units")?.0,
            people_named: row.try_get::<Json<Vec<String>>, _>("people_named")?.0,
            version: row.try_get("version")?,
        };
        Ok((row.try_get("about")?, facts))
    };
    rows.iter().map(facts).collect()
}

/// A duty whose subject's facts have changed, with the unit that it was of before.
pub struct Moved {
    pub duty: Duty,
    pub unit_before: String,
    pub excluded_before: Vec<String>,
}

/// Lets duties follow what their subjects' newest events say; gives those for which something is different now.
pub async fn follow(tx: &mut PgConnection, said: &[Said]) -> Result<Vec<Moved>, sqlx::Error> {
    let said: Vec<&Said> = said.iter().filter(|said| said.case.is_some()).collect();
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "with moving as (
             select duty.id, duty.unit as unit_before, duty.excluded_people as excluded_before, said.*
             from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::jsonb[])
                 as said (case_id, about, version, unit, handler, excluded_people, excluded_units, people_named)
             -- Looked up case by case by the index, however large the planner believes the table to be.
             cross join lateral (select * from duty where duty.case_id = said.case_id offset 0) as duty
             where duty.opened_subject = said.about and duty.facts_version < said.version
               and (duty.unit, duty.handler, duty.excluded_people, duty.excluded_units, duty.people_named) is distinct from
                 (case said.unit when '' then duty.unit else said.unit end, said.handler, said.excluded_people, said.excluded_units, said.people_named))
         update duty set unit = case moving.unit when '' then duty.unit else moving.unit end, handler = moving.handler,
             excluded_people = moving.excluded_people, excluded_units = moving.excluded_units, people_named = moving.people_named,
             facts_version = moving.version
         from moving where duty.id = moving.id
         returning duty.*, moving.unit_before, moving.excluded_before",
    )
    .bind(said.iter().map(|said| said.case).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.about.as_str()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.version).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.unit.as_str()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| said.facts.handler.as_deref()).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.excluded_people)).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.excluded_units)).collect::<Vec<_>>())
    .bind(said.iter().map(|said| Json(&said.facts.people_named)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let moved = |row: &sqlx::postgres::PgRow| -> Result<Moved, sqlx::Error> {
        Ok(Moved {
            duty: duties::duty(row)?,
            unit_before: row.try_get("unit_before")?,
            excluded_before: row.try_get::<Json<Vec<String>>, _>("excluded_before")?.0,
        })
    };
    rows.iter().map(moved).collect()
}

/// Forgets closes that are older than anything that can still arrive (streams keep a fortnight), by the database's real clock. What was handed
/// in for a period is kept until the longest has come round.
pub async fn forget_old(tx: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "delete from closing
         where seen_at < clock_timestamp() - case when key like 'period/%' then interval '400 days' else interval '40 days' end",
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

fn keys<'a>(matters: impl Iterator<Item = &'a MatterKey>) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (mut key, mut rule, mut pack) = (Vec::new(), Vec::new(), Vec::new());
    for matter in matters {
        key.push(matter.key.as_str());
        rule.push(matter.rule.as_str());
        pack.push(matter.pack.as_str());
    }
    (key, rule, pack)
}
