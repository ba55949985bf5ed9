//! The copy of cases: unit, handler, and who must not see them, by which rights are decided.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a case event says that is kept.
#[derive(Debug, Clone)]
pub struct CaseRow {
    pub id: Uuid,
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
        "insert into case_copy (id, unit, handler, excluded_people, excluded_units, version, people_named)
         select id, unit, handler, array(select jsonb_array_elements_text(people)), array(select jsonb_array_elements_text(units)), version,
                array(select jsonb_array_elements_text(named))
         from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::bigint[], $7::jsonb[])
              as t(id, unit, handler, people, units, version, named)
         order by id
         on conflict (id) do update set
             unit = excluded.unit, handler = excluded.handler, excluded_people = excluded.excluded_people,
             excluded_units = excluded.excluded_units, version = excluded.version, people_named = excluded.people_named
         where excluded.version > case_copy.version",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
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
