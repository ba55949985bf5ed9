//! One change of the directory, from beginning to telling.

use super::store::{self, Change};
use crate::App;
use crate::web::of_database;
use duban_contracts::directory::DirectoryChanged;
use duban_contracts::subjects::service;
use duban_contracts::{NewEvent, Problem, Timestamp, ids};
use serde::Serialize;
use sqlx::{PgConnection, Postgres, Transaction};

/// A change under way. Dropping it undoes everything.
pub struct Edit {
    tx: Transaction<'static, Postgres>,
    version: i64,
    at: Timestamp,
    by: String,
    changes: Vec<Change>,
}

impl Edit {
    /// Begins a change by a person (or `operator`, from the command line). Waits for other changes under way.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn begin(app: &App, by: &str) -> Result<Self, Problem> {
        let mut tx = app.platform.db.begin().await.map_err(|e| of_database(&e))?;
        let version = store::raise_version(&mut tx).await.map_err(|e| of_database(&e))?;
        Ok(Self { tx, version, at: app.platform.clock.next(), by: by.to_owned(), changes: Vec::new() })
    }

    pub fn tx(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub fn by(&self) -> &str {
        &self.by
    }

    /// Keeps what something was and what it becomes; nothing if the two are the same.
    pub fn note<T: Serialize>(&mut self, what: &'static str, which: &str, before: Option<&T>, after: Option<&T>) {
        let json = |value: Option<&T>| value.and_then(|value| serde_json::to_value(value).ok());
        let (before, after) = (json(before), json(after));
        if before != after {
            self.changes.push(Change { id: ids::fresh(), what, which: which.to_owned(), before, after });
        }
    }

    /// How many things have changed so far.
    pub fn changed(&self) -> usize {
        self.changes.len()
    }

    /// Commits, tells the other services, and lets this copy know at once.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn finish(mut self, app: &App) -> Result<i64, Problem> {
        let version = self.version;
        let event = NewEvent::new(service::GATEWAY, "directory.changed", "directory", version, self.at, &DirectoryChanged { version });
        let written = async {
            store::keep_changes(&mut self.tx, self.at, &self.by, &self.changes).await?;
            app.platform.outbox.write(&mut self.tx, &[event]).await?;
            self.tx.commit().await
        };
        written.await.map_err(|e| of_database(&e))?;
        app.platform.outbox.wake();
        if let Err(error) = app.holdings.refresh().await {
            tracing::warn!(%error, "the change is made, but not read back yet");
        }
        Ok(version)
    }
}
