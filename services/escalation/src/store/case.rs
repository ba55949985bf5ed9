//! What escalation knows of a case: its duties, and whether it has handled an event.

use super::duties;
use duban_contracts::Timestamp;
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A case's duties, in the order of their opening.
pub async fn duties(db: impl PgExecutor<'_>, case: Uuid) -> Result<Vec<Duty>, sqlx::Error> {
    let rows =
        sqlx::query("select * from duty where case_id = $1 and not shadowed order by opened_at, id").bind(case).fetch_all(db).await?;
    rows.iter().map(duties::duty).collect()
}

/// Of these cases, by when each is to be closed: the earliest due time of its open duties that closing the case ends.
pub async fn due(db: impl PgExecutor<'_>, cases: &[Uuid]) -> Result<BTreeMap<Uuid, Timestamp>, sqlx::Error> {
    let rows = sqlx::query(
        "select case_id, min(due_at) as due from duty where case_id = any ($1) and open and closes_case and not trial group by case_id",
    )
    .bind(cases)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("case_id")?, row.try_get::<Ts, _>("due")?.0))).collect()
}

/// The same of the case that people know by this number.
pub async fn due_of_number(db: impl PgExecutor<'_>, number: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let due: Option<Ts> =
        sqlx::query_scalar("select min(due_at) from duty where terms ->> 'number' = $1 and open and closes_case and not trial")
            .bind(number)
            .fetch_one(db)
            .await?;
    Ok(due.map(|at| at.0))
}

/// Whether the event was handled here; for some weeks.
pub async fn is_handled(db: &mut PgConnection, event: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select 1 from inbox where id = $1)").bind(event).fetch_one(db).await
}
