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
    /// The version at which it was last closed or opened again, as far as this batch says; 0: it says nothing of that.
    pub turned: i64,
    pub version: i64,
}

/// Keeps the newest of each case. At most one row per case.
pub async fn keep(tx: &mut PgConnection, rows: &[CaseRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into case_copy (id, unit, handler, excluded_people, excluded_units, version, people_named, turned)
         select id, unit, handler, array(select jsonb_array_elements_text(people)), array(select jsonb_array_elements_text(units)), version,
                array(select jsonb_array_elements_text(named)), turned
         from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::bigint[], $7::jsonb[], $8::bigint[])
              as t(id, unit, handler, people, units, version, named, turned)
         order by id
         on conflict (id) do update set
             unit = excluded.unit, handler = excluded.handler, excluded_people = excluded.excluded_people,
             excluded_units = excluded.excluded_units, version = excluded.version, people_named = excluded.people_named,
             turned = greatest(case_copy.turned, excluded.turned)
         where excluded.version > case_copy.version",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.unit.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.handler.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded_people.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded_units.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.people_named.clone())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.turned).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Where a case belongs now, and who must not see it: for the head of a later edition.
pub struct Standing {
    pub unit: String,
    pub excluded_people: Vec<String>,
}

pub async fn standing(tx: &mut PgConnection, case: Uuid) -> Result<Option<Standing>, sqlx::Error> {
    let found: Option<(String, Vec<String>)> =
        sqlx::query_as("select unit, excluded_people from case_copy where id = $1").bind(case).fetch_optional(tx).await?;
    Ok(found.map(|(unit, excluded_people)| Standing { unit, excluded_people }))
}
