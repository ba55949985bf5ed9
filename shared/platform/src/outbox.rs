//! Events to be published, written in the transaction that they tell of. The outbox is the truth; the relay brings it to the broker.

mod store;

use crate::telemetry;
use duban_contracts::NewEvent;
use sqlx::PgConnection;
use std::sync::Arc;
use tokio::sync::Notify;

/// The outbox of this service. Cheap to clone.
#[derive(Clone, Default)]
pub struct Outbox {
    wake: Arc<Notify>,
}

/// What the broker takes at most is 1 MB with headers.
const LARGEST: usize = 900 * 1024;

impl Outbox {
    /// Writes events; they are published after the transaction has committed, in this order as far as no other transaction comes between.
    /// An event whose id is there already is the same event and is not written again. Without a trace context of its own an event gets
    /// that of the current span.
    ///
    /// # Errors
    /// `InvalidArgument` for a body over 900 KB; else the database's.
    pub async fn write(&self, tx: &mut PgConnection, events: &[NewEvent]) -> Result<(), sqlx::Error> {
        if events.is_empty() {
            return Ok(());
        }
        if let Some(event) = events.iter().find(|event| event.body.len() > LARGEST) {
            return Err(sqlx::Error::InvalidArgument(format!("event {} is too large to be published", event.id)));
        }
        store::insert(tx, events, telemetry::current_traceparent()).await
    }

    /// Tells the relay that something was committed. Without it the relay looks by itself ten times a second.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}
