//! Postgres: a pool that connects when it can, migrations that run when it does, and whose fault an error is.

mod failures;
mod limit;
mod plans;
mod ts;

pub use failures::{AsDatabaseError, is_down, is_retryable, retry};
pub use limit::limited;
pub use ts::Ts;

use crate::config::Common;
use anyhow::Context;
use plans::Plans;
use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The service's schema. Cheap to clone; made without a connection, so that a service starts while Postgres is down.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    migrated: watch::Sender<bool>,
    plans: Plans,
}

/// How long one waits for a connection before the database counts as down.
const PATIENCE: Duration = Duration::from_secs(3);

impl Database {
    /// A pool for the role in `DUBAN_DATABASE_URL`; connects when first used.
    ///
    /// # Errors
    /// A URL that cannot be parsed.
    pub fn new(service: &str, common: &Common) -> anyhow::Result<Self> {
        // The error could repeat the URL, which holds the password.
        let url = common.database_url.expose();
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let options: PgConnectOptions = url.parse().ok().filter(|_| is_postgres).context("DUBAN_DATABASE_URL is no postgres:// URL")?;
        let options = options.application_name(&format!("duban-{service}")).options([
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
            ("statement_timeout", "60s"),
            ("idle_in_transaction_session_timeout", "60s"),
            // A plan that was made while a table was empty reads the whole of it ever after: batches are planned anew, which costs little
            // against what they do.
            ("plan_cache_mode", "force_custom_plan"),
        ]);
        let plans = Plans::default();
        let known = plans.clone();
        let pool = PgPoolOptions::new()
            .max_connections(common.database_connections)
            .acquire_timeout(PATIENCE)
            .max_lifetime(Duration::from_secs(30 * 60))
            .before_acquire(move |_, connection| {
                let is_good = known.are_good(connection.age);
                Box::pin(async move { Ok(is_good) })
            })
            .after_release(|connection, _| Box::pin(limit::flushed(connection)))
            .connect_lazy_with(options);
        Ok(Self { pool, migrated: watch::Sender::new(false), plans })
    }

    /// Around a pool whose schema is complete. For tests.
    pub fn from_pool(pool: PgPool) -> Self {
        Self { pool, migrated: watch::Sender::new(true), plans: Plans::default() }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Looks at an error that the database has given: where its tables have changed under statements that connections have prepared, the
    /// connections are made anew.
    pub fn noticed(&self, error: &sqlx::Error) {
        self.plans.noticed(error);
    }

    /// Begins a transaction, read committed.
    ///
    /// # Errors
    /// No connection within three seconds.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }

    /// Waits until the schema is complete.
    pub async fn migrated(&self) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.migrated.subscribe().wait_for(|done| *done).await;
    }

    /// Whether a statement can be run now; for readiness.
    ///
    /// # Errors
    /// What is missing, in a few words.
    pub async fn check(&self) -> Result<(), String> {
        if !*self.migrated.borrow() {
            return Err("schema not migrated yet".to_owned());
        }
        sqlx::query("select 1").execute(&self.pool).await.map(|_| ()).map_err(|_| "no connection".to_owned())
    }

    /// One run under a lock of this schema's own. Closing the connection gives the lock back, whatever came of the run.
    async fn migrate_once(&self, platform: &Migrator, service: &Migrator) -> Result<(), MigrateError> {
        let mut connection = self.pool.acquire().await?.detach();
        let done = async {
            // An index over many rows takes its time, and so may the copy that migrates at this moment.
            sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
            sqlx::query("select pg_advisory_lock(hashtext('migrations of ' || current_schema()))").execute(&mut connection).await?;
            platform.run_direct(None, &mut connection, false).await?;
            service.run_direct(None, &mut connection, false).await
        }
        .await;
        connection.close().await?;
        done
    }

    /// Brings the schema up to date: the platform's tables, then the service's. Tries again until it succeeds or is stopped.
    pub async fn migrate(&self, service: Migrator, stop: CancellationToken) {
        let mut platform = sqlx::migrate!("./migrations");
        platform.dangerous_set_table_name("platform_migrations");
        // The library's lock is one for the whole database, and a failed run hands a connection that still holds it back to the pool.
        platform.set_locking(false);
        let mut service = service;
        service.set_locking(false);
        let mut last = String::new();
        loop {
            let done = self.migrate_once(&platform, &service);
            let outcome = tokio::select! {
                outcome = done => outcome,
                () = stop.cancelled() => return,
            };
            match outcome {
                Ok(()) => {
                    tracing::info!("schema is up to date");
                    self.migrated.send_replace(true);
                    return;
                }
                Err(error) => {
                    let error = error.to_string();
                    if error != last {
                        tracing::warn!(%error, "schema cannot be migrated yet");
                        last = error;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
