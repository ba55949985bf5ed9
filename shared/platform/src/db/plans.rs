//! Statements that connections have prepared, and what to do when their tables change.
//!
//! Another copy's migration can change a table under a statement that a connection of ours has prepared; on that connection it fails from then
//! on. The library prepares statements once per connection, so connections from before are closed, and new ones prepare anew.

use super::failures::CHANGED_PLAN;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when prepared statements are good. Cheap to clone; clones are one.
#[derive(Clone, Default)]
pub(super) struct Plans(Arc<Mutex<Option<Instant>>>);

impl Plans {
    pub fn noticed(&self, error: &sqlx::Error) {
        if matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some(CHANGED_PLAN)) {
            tracing::info!("a table has changed: connections to the database are made anew");
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection of this age has prepared its statements since the last change.
    pub fn are_good(&self, age: Duration) -> bool {
        let changed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changed.is_none_or(|changed| age < changed.elapsed())
    }
}
