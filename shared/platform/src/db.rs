//! Postgres.

mod failures;
mod ts;

pub use failures::{is_down, is_retryable, retry};
pub use ts::Ts;

use sqlx::{PgPool, Postgres, Transaction};

/// A pool that connects when it can.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }
}
