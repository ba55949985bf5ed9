//! Up to when recurring duties have been opened.

use duban_contracts::Timestamp;
use duban_platform::db::Ts;
use sqlx::PgConnection;

/// The common cursor, held until the transaction ends. It begins at `now`.
pub async fn lock_cursor(tx: &mut PgConnection, now: Timestamp) -> Result<Timestamp, sqlx::Error> {
    sqlx::query("insert into recurrence (opened_until) values ($1) on conflict do nothing").bind(Ts(now)).execute(&mut *tx).await?;
    let until: Ts = sqlx::query_scalar("select opened_until from recurrence for no key update").fetch_one(tx).await?;
    Ok(until.0)
}

/// Moves the cursor on; never back.
pub async fn move_cursor(tx: &mut PgConnection, to: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update recurrence set opened_until = greatest(opened_until, $1)").bind(Ts(to)).execute(tx).await?;
    Ok(())
}
