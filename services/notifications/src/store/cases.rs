//! The copy of cases: number, unit, and who must not see them.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What a case event says that is kept.
#[derive(Debug, Clone)]
pub struct CaseRow {
    pub id: Uuid,
    pub number: String,
    pub unit: String,
    pub handler: Option<String>,
    pub excluded_people: Vec<String>,
    pub excluded_units: Vec<String>,
    pub people_named: Vec<String>,
    pub version: i64,
}

/// Keeps the newest of each case. At most one row per case.
pub async fn keep(tx: &mut PgConnection, rows: &[CaseRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into case_copy (id, number, unit, handler, excluded_people, excluded_units, version, people_named)
         select id, number, unit, handler, array(select jsonb_array_elements_text(people)), array(select jsonb_array_elements_text(units)), version,
                array(select jsonb_array_elements_text(named))
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::bigint[], $8::jsonb[])
              as t(id, number, unit, handler, people, units, version, named)
         order by id
         on conflict (id) do update set
             number = excluded.number, unit = excluded.unit, handler = excluded.handler, excluded_people = excluded.excluded_people,
             excluded_units = excluded.excluded_units, version = excluded.version, people_named = excluded.people_named
         where excluded.version > case_copy.version",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.number.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.unit.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.handler.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded_people.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded_units.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.people_named.clone())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Remembers closing events, (event, case).
pub async fn keep_closings(tx: &mut PgConnection, closings: &[(Uuid, Uuid)]) -> Result<(), sqlx::Error> {
    if closings.is_empty() {
        return Ok(());
    }
    sqlx::query("insert into case_closing (event, case_id) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing")
        .bind(closings.iter().map(|closing| closing.0).collect::<Vec<_>>())
        .bind(closings.iter().map(|closing| closing.1).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether the closing event was read (`settled`: that was seen to before, and may be forgotten by now) and nothing of the case is on its way
/// any more.
pub async fn is_told_out(pool: &PgPool, case: Uuid, closing: Uuid, settled: bool, alert: Option<Uuid>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select ($3 or exists (select 1 from case_closing where event = $2 and case_id = $1))
            and ($4::uuid is null or exists (select 1 from alert where id = $4))
            and not exists (select 1 from alert join delivery on delivery.alert = alert.id
                            where alert.case_id = $1 and delivery.state = 'waiting')",
    )
    .bind(case)
    .bind(closing)
    .bind(settled)
    .bind(alert)
    .fetch_one(pool)
    .await
}
