//! People who see a case by name.

use duban_contracts::Timestamp;
use duban_platform::Ts;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Why a person sees a case by name: `added` by somebody, or `decided` something of it.
pub async fn add(tx: &mut PgConnection, case: Uuid, person: &str, sort: &'static str, at: Timestamp, by: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into involvement (case_id, person, sort, since, by) values ($1, $2, $3, $4, $5)
         on conflict (case_id, person, sort) do update
            set since = case when involvement.ended_at is null then involvement.since else excluded.since end, ended_at = null, by = excluded.by",
    )
    .bind(case)
    .bind(person)
    .bind(sort)
    .bind(Ts(at))
    .bind(by)
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends it; false if it was not so.
pub async fn end(tx: &mut PgConnection, case: Uuid, person: &str, sort: &'static str, at: Timestamp) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("update involvement set ended_at = $4 where case_id = $1 and person = $2 and sort = $3 and ended_at is null")
        .bind(case)
        .bind(person)
        .bind(sort)
        .bind(Ts(at))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends everybody's part in the decisions of cases: a person sees what he decides for as long as that lasts.
pub async fn end_decisions(tx: &mut PgConnection, cases: &[Uuid], at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update involvement set ended_at = $2 where case_id = any($1) and sort = 'decided' and ended_at is null")
        .bind(cases)
        .bind(Ts(at))
        .execute(tx)
        .await?;
    Ok(())
}

/// Who sees a case by name now: person and sort.
pub async fn of_case(executor: impl PgExecutor<'_>, case: Uuid) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as("select person, sort from involvement where case_id = $1 and ended_at is null order by person, sort")
        .bind(case)
        .fetch_all(executor)
        .await
}
