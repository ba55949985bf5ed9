//! Durable consumers with an inbox: one transaction per batch, each event handled once.

use crate::Platform;
use duban_contracts::Event;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What a service does with events.
pub trait BatchHandler: Send + Sync + 'static {
    /// In-memory check before any transaction.
    fn ready(&self, _event: &Event) -> Result<(), NotYet> {
        Ok(())
    }

    /// Identity in the inbox.
    fn identity(&self, event: &Event) -> Uuid {
        event.id
    }

    /// Handles events that are new, in the order of their stream, in the transaction that holds their inbox rows.
    fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// After the commit, before the acknowledgement.
    fn committed(&self, _batch: &[Event]) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Why an event must wait.
#[derive(Debug, Clone, thiserror::Error)]
#[error("waits for {0}")]
pub struct NotYet(pub String);

/// Why a batch was not handled.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("event {id}: {reason}")]
    Event { id: Uuid, reason: String },
    #[error(transparent)]
    NotYet(#[from] NotYet),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// The event's own fault.
    pub fn of(event: &Event, reason: impl std::fmt::Display) -> Self {
        Self::Event { id: event.id, reason: reason.to_string() }
    }
}

/// A consumer to be.
pub struct Consume<H> {
    handler: Arc<H>,
    streams: Vec<&'static str>,
    batch: usize,
}

impl<H: BatchHandler> Consume<H> {
    pub fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), streams: Vec::new(), batch: 500 }
    }

    pub fn stream(mut self, name: &'static str) -> Self {
        self.streams.push(name);
        self
    }

    pub fn batch(mut self, most: usize) -> Self {
        self.batch = most;
        self
    }
}

/// A running consumer.
#[derive(Clone)]
pub struct Consumer {}

impl Consumer {
    /// Whether all that stood in the streams at start or reconnect has been handled, or five minutes have gone.
    pub fn caught_up(&self) -> bool {
        todo!()
    }
}

impl Platform {
    pub fn consume<H: BatchHandler>(&self, _consume: Consume<H>) -> Consumer {
        todo!()
    }
}
