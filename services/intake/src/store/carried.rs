//! What a master case (主案) carries.

use duban_contracts::case::CaseLink;
use duban_platform::Ts;
use sqlx::{PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// The cases that are attached to a master.
pub async fn of_master(tx: &mut PgConnection, master: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("select id from cases where carried_by = $1").bind(master).fetch_all(tx).await
}

/// The master that a case is attached to.
pub async fn master_of(tx: &mut PgConnection, case: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let found: Option<Option<Uuid>> =
        sqlx::query_scalar("select carried_by from cases where id = $1").bind(case).fetch_optional(tx).await?;
    Ok(found.flatten())
}

/// The ids of numbers, each with its number: of one that two patterns came to, both.
pub async fn numbered(tx: &mut PgConnection, numbers: &[String]) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    sqlx::query_as("select number, id from cases where number = any($1)").bind(numbers).fetch_all(tx).await
}

/// The names of the events of a case, in the order in which they happened to it.
pub async fn history(tx: &mut PgConnection, case: Uuid) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("select event from timeline where case_id = $1 order by version").bind(case).fetch_all(tx).await
}

/// Master and attached cases as links: `carried_by`, or the newest `most` as `carries`.
pub async fn links_of(executor: impl PgExecutor<'_>, case: Uuid, master: Option<Uuid>, most: i64) -> Result<Vec<CaseLink>, sqlx::Error> {
    let rows = sqlx::query(
        "(select id, number, registered_at, 'carried_by' as sort from cases where id = $2)
         union all
         (select id, number, registered_at, 'carries' from cases where carried_by = $1 order by id desc limit $3)",
    )
    .bind(case)
    .bind(master)
    .bind(most)
    .fetch_all(executor)
    .await?;
    let link = |row: &sqlx::postgres::PgRow| {
        Ok(CaseLink {
            other: row.try_get("id")?,
            number: row.try_get("number")?,
            sort: row.try_get("sort")?,
            at: row.try_get::<Ts, _>("registered_at")?.0,
        })
    };
    rows.iter().map(link).collect()
}
