//! Who exported what.

use duban_contracts::Timestamp;
use duban_contracts::case::CaseListRequest;
use duban_platform::Ts;
use sqlx::PgPool;
use sqlx::types::Json;

pub async fn note(pool: &PgPool, person: &str, at: Timestamp, filter: &CaseListRequest, cases: usize) -> Result<(), sqlx::Error> {
    sqlx::query("insert into exported (id, person, at, filter, cases) values ($1, $2, $3, $4, $5)")
        .bind(duban_contracts::ids::fresh())
        .bind(person)
        .bind(Ts(at))
        .bind(Json(filter))
        .bind(i64::try_from(cases).unwrap_or(i64::MAX))
        .execute(pool)
        .await?;
    Ok(())
}
