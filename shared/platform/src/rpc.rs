//! Requests between services over NATS: `duban.<service>.rpc.v1.<thing>.<verb>`, JSON both ways, problem details for what cannot be done.

mod call;
mod claims;
mod request;
mod server;

pub use call::Call;
pub use claims::Claims;
pub use request::Request;
pub use server::Rpc;

use duban_contracts::{Problem, both};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Told to the asker as it is.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Told as 503 when the database is in trouble or the transaction may be run again, else as 500.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Told as 500, logged in full.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Failed {
    /// What the asker is told. What is our own fault is logged here and told without detail.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Database(error) if crate::db::is_down(&error) || crate::db::is_retryable(&error) => {
                tracing::warn!(%error, "request not done for want of the database");
                Problem::unavailable(both("数据库", "the database"))
            }
            Self::Database(error) => {
                tracing::error!(%error, "request failed in the database");
                Problem::internal()
            }
            Self::Other(error) => {
                tracing::error!(error = format!("{error:#}"), "request failed");
                Problem::internal()
            }
        }
    }
}

impl crate::db::AsDatabaseError for Failed {
    fn database_error(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
