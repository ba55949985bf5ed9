//! Whose fault a database error is.

use sqlx::Error;
use std::time::Duration;

/// Whether the error is the database's trouble (down, starting, full, not migrated yet, out of connections) and not that of what was
/// asked: then whoever asked waits, and nothing is counted against it.
pub fn is_down(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => true,
        Error::Database(error) => error.code().is_some_and(|code| is_trouble(&code)),
        _ => false,
    }
}

/// SQLSTATE classes: 08 connection, 28 and 3D authorisation and missing database, 53 resources (disk full, connections), 57P operator
/// intervention, 58 system error. 42P01, 3F000, 42501: our tables are not there, or not ours, yet. 0A000, 42703, 42883: tables, columns or
/// functions are another version's than ours while copies are replaced one by one. 25006: a standby that is not promoted yet. 57014:
/// cancelled by a time limit.
fn is_trouble(code: &str) -> bool {
    ["08", "28", "3D", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
        || ["42P01", "3F000", "42501", CHANGED_PLAN, "42703", "42883", "25006", "57014", "55P03"].contains(&code)
}

/// 'cached plan must not change result type': a statement was prepared before its table was changed.
pub(super) const CHANGED_PLAN: &str = "0A000";

/// Whether the same transaction may succeed when it is simply run again: serialization failure or deadlock.
pub fn is_retryable(error: &Error) -> bool {
    matches!(error, Error::Database(error) if matches!(error.code().as_deref(), Some("40001" | "40P01")))
}

/// Runs a transaction again, at most five times, while it ends in a serialization failure or deadlock.
///
/// # Errors
/// The last error of `act`.
pub async fn retry<T, E, F>(mut act: impl FnMut() -> F) -> Result<T, E>
where
    E: AsDatabaseError,
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 0u32;
    loop {
        match act().await {
            Err(error) if attempt < 5 && error.database_error().is_some_and(is_retryable) => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 10 + rand::random_range(0..20))).await;
            }
            done => return done,
        }
    }
}

/// An error that may be one of the database's.
pub trait AsDatabaseError {
    fn database_error(&self) -> Option<&Error>;
}

impl AsDatabaseError for Error {
    fn database_error(&self) -> Option<&Error> {
        Some(self)
    }
}
