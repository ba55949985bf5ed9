//! A limit to how long the database is waited for. The server has limits of its own, but a server that has stopped, or a network that swallows
//! everything, keeps to none.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Error};
use std::io::ErrorKind;
use std::time::Duration;

/// Longer than the server lets any statement run.
const LIMIT: Duration = Duration::from_secs(75);

/// How long a connection may take to end what was broken off on it before it is closed.
const FLUSH: Duration = Duration::from_secs(5);

/// Does a transaction's work, or gives up waiting: then the database counts as down, and nothing is known of what was done.
///
/// # Errors
/// The work's, or the database's as of a lost connection.
pub async fn limited<T, E: From<Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_elapsed) => Err(lost().into()),
    }
}

/// Rolls back what was broken off, so that a connection that does not answer any more is closed and not waited for without end.
pub(super) async fn flushed(connection: &mut PgConnection) -> Result<bool, Error> {
    if !connection.should_flush() {
        return Ok(true);
    }
    match tokio::time::timeout(FLUSH, connection.ping()).await {
        Ok(answered) => answered.map(|()| true),
        Err(_elapsed) => Err(lost()),
    }
}

fn lost() -> Error {
    Error::Io(ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_never_answers_counts_as_down_and_is_not_waited_for_without_end() {
        let begun = tokio::time::Instant::now();
        let outcome: Result<(), Error> = limited(std::future::pending()).await;
        assert!(crate::db::is_down(&outcome.unwrap_err()));
        assert!(begun.elapsed() > Duration::from_secs(60) && begun.elapsed() < Duration::from_secs(90));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_keeps_its_outcome() {
        assert_eq!(limited(async { Ok::<_, Error>(7) }).await.unwrap(), 7);
        assert!(matches!(limited(async { Err::<(), _>(Error::RowNotFound) }).await, Err(Error::RowNotFound)));
    }
}
