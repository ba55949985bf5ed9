//! The log of attempts.

use duban_platform::Ts;
use sqlx::PgConnection;
use uuid::Uuid;

/// One attempt at a delivery.
pub struct AttemptRow<'a> {
    pub delivery: Uuid,
    pub number: i32,
    pub at: Ts,
    pub took_ms: i32,
    /// `sent`, `try_again`, `failed`.
    pub outcome: &'static str,
    pub error: Option<&'a str>,
}

pub async fn insert(tx: &mut PgConnection, row: &AttemptRow<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into attempt (delivery, number, at, took_ms, outcome, error) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(row.delivery)
    .bind(row.number)
    .bind(row.at)
    .bind(row.took_ms)
    .bind(row.outcome)
    .bind(row.error)
    .execute(tx)
    .await?;
    Ok(())
}
