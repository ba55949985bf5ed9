//! What was done with duties besides doing them, in and out.

use super::spoilt;
use duban_contracts::duty::DutyCorrected;
use duban_engine::acts::{Acted, What};
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Keeps what was done.
pub async fn insert(tx: &mut PgConnection, acts: &[(Uuid, Acted)]) -> Result<(), sqlx::Error> {
    if acts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into duty_act (duty, at, act, by_person, reason, until, person, due_before, due_after, corrected)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
             $8::timestamptz[], $9::timestamptz[], $10::jsonb[])",
    )
    .bind(all(acts, |(duty, _)| *duty))
    .bind(all(acts, |(_, acted)| Ts(acted.at)))
    .bind(all(acts, |(_, acted)| acted.act.as_str()))
    .bind(all(acts, |(_, acted)| acted.by.as_deref()))
    .bind(all(acts, |(_, acted)| acted.reason.as_str()))
    .bind(all(acts, |(_, acted)| acted.until.map(Ts)))
    .bind(all(acts, |(_, acted)| acted.person.as_deref()))
    .bind(all(acts, |(_, acted)| Ts(acted.due_before)))
    .bind(all(acts, |(_, acted)| Ts(acted.due_after)))
    .bind(all(acts, |(_, acted)| acted.corrected.as_ref().map(Json)))
    .execute(tx)
    .await?;
    Ok(())
}

/// What was done with these duties, of each in order.
pub async fn of_duties(db: impl PgExecutor<'_>, duties: &[Uuid]) -> Result<BTreeMap<Uuid, Vec<Acted>>, sqlx::Error> {
    let rows = sqlx::query("select * from duty_act where duty = any ($1) order by seq").bind(duties).fetch_all(db).await?;
    let mut found: BTreeMap<Uuid, Vec<Acted>> = BTreeMap::new();
    for row in &rows {
        found.entry(row.try_get("duty")?).or_default().push(acted(row)?);
    }
    Ok(found)
}

fn acted(row: &PgRow) -> Result<Acted, sqlx::Error> {
    let act: String = row.try_get("act")?;
    Ok(Acted {
        at: row.try_get::<Ts, _>("at")?.0,
        act: What::named(&act).ok_or_else(|| spoilt("act", "nothing that is done with duties"))?,
        by: row.try_get("by_person")?,
        reason: row.try_get("reason")?,
        until: row.try_get::<Option<Ts>, _>("until")?.map(|at| at.0),
        person: row.try_get("person")?,
        due_before: row.try_get::<Ts, _>("due_before")?.0,
        due_after: row.try_get::<Ts, _>("due_after")?.0,
        corrected: row.try_get::<Option<Json<DutyCorrected>>, _>("corrected")?.map(|corrected| corrected.0),
    })
}

/// One column of many.
fn all<'a, T>(acts: &'a [(Uuid, Acted)], of: impl Fn(&'a (Uuid, Acted)) -> T) -> Vec<T> {
    acts.iter().map(of).collect()
}
