//! Durable consumers with an inbox: one transaction per batch, each event handled once.
//!
//! For each batch there is one transaction: inbox rows first (sorted, `on conflict do nothing`), then the service's own state and outbox
//! rows; then the messages are acknowledged. A redelivery finds its inbox row and does nothing. Trouble of the database is not the
//! message's: the batch is held and tried again, nothing is counted. What fails by its own fault is isolated, set aside in a table (and
//! acknowledged), tried again a few times and becomes a dead letter. What waits for a policy version or the directory is set aside too
//! and waits as long as it takes.

mod aside;
mod batch;
mod housekeeping;
mod message;
mod progress;
mod pull;
mod reason;
mod run;
mod store;

pub(crate) use housekeeping::run as keep_house;
pub(crate) use message::Kept;
pub use reason::without_values;
pub(crate) use store::set_aside_from_dead;

use crate::Platform;
use duban_contracts::{Event, Sentence};
use progress::Progress;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What a service does with events.
pub trait BatchHandler: Send + Sync + 'static {
    /// In-memory check before any transaction: whether all that the event needs is there (its policy version, the directory).
    ///
    /// # Errors
    /// What it waits for. It is set aside and asked about again; nothing is counted.
    fn ready(&self, _event: &Event) -> Result<(), NotYet> {
        Ok(())
    }

    /// Identity in the inbox: what is handled once. The event's id, but for reports, whose body counts too.
    fn identity(&self, event: &Event) -> Uuid {
        event.id
    }

    /// Handles events that are new, in the order of their stream, in the transaction that holds their inbox rows. It is rolled back on
    /// failure and may be run again with the same or fewer events. An event's `traceparent` is that of a span of this handling: pass it
    /// on to what the event causes.
    ///
    /// # Errors
    /// See [`Failure`].
    fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// What the service keeps and tells of an event that becomes a dead letter, in the transaction that makes it one. May be run more than
    /// once for the same event, which may have been handled meanwhile, or be handled later: a dead letter can be replayed.
    ///
    /// # Errors
    /// See [`Failure`]. Trouble of the database: it is run again. Anything else: the dead letter alone is made.
    fn buried(&self, _tx: &mut PgConnection, _event: &Event) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// After the commit, before the acknowledgement; may be left out by a crash.
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
    /// One event's own fault: the others are handled without it.
    #[error("{}", reason.en)]
    Event { id: Uuid, reason: Sentence },
    /// One event (or, without an id, all of them) must wait; nothing is counted. Better told by [`BatchHandler::ready`].
    #[error("waits for {what}")]
    Waits { id: Option<Uuid>, what: String },
    /// Trouble of the database pauses the consumer; any other database error is the batch's own fault.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The fault of one of the batch: it is taken apart.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// The event's own fault. The reason is kept with the dead letter and shown to operators: no personal text.
    pub fn of(event: &Event, reason: impl Into<Sentence>) -> Self {
        Self::Event { id: event.id, reason: reason.into() }
    }

    /// The event's body is not what the contract says.
    pub fn unreadable(event: &Event, error: &serde_json::Error) -> Self {
        Self::of(event, reason::unreadable(error))
    }

    /// The event must wait.
    pub fn waits(event: &Event, reason: NotYet) -> Self {
        Self::Waits { id: Some(event.id), what: reason.0 }
    }
}

impl From<NotYet> for Failure {
    fn from(reason: NotYet) -> Self {
        Self::Waits { id: None, what: reason.0 }
    }
}

/// A consumer to be.
pub struct Consume<H> {
    handler: Arc<H>,
    streams: Vec<&'static str>,
    subjects: Vec<String>,
    batch: usize,
    attempts: i32,
}

impl<H: BatchHandler> Consume<H> {
    pub fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), streams: Vec::new(), subjects: Vec::new(), batch: 500, attempts: 5 }
    }

    /// Reads this stream too; each has its own batches. The durable consumer has the service's name and is shared by its copies.
    pub fn stream(mut self, name: &'static str) -> Self {
        self.streams.push(name);
        self
    }

    /// Takes only these subjects of its streams.
    pub fn only(mut self, subject: impl Into<String>) -> Self {
        self.subjects.push(subject.into());
        self
    }

    /// Most events per transaction; 500.
    pub fn batch(mut self, most: usize) -> Self {
        self.batch = most.max(1);
        self
    }

    /// How often an event may fail by its own fault before it is a dead letter; 5.
    pub fn attempts(mut self, most: i32) -> Self {
        self.attempts = most.max(1);
        self
    }
}

/// A running consumer. Cheap to clone.
#[derive(Clone)]
pub struct Consumer {
    progress: Vec<Arc<Progress>>,
    bus: crate::Bus,
}

impl Consumer {
    /// Whether all that stood in the streams at start or reconnect has been handled by the service (by whichever copy), or five minutes
    /// have gone. False without a broker. Who raises alerts asks this first, and raises nothing before.
    pub fn caught_up(&self) -> bool {
        let link = *self.bus.link().borrow();
        link.is_up && self.progress.iter().all(|progress| progress.is_caught_up(link))
    }
}

impl Platform {
    /// Starts consuming; ends with the service.
    pub fn consume<H: BatchHandler>(&self, consume: Consume<H>) -> Consumer {
        let consumer = run::start(self, consume);
        self.consumers().push(consumer.clone());
        consumer
    }
}
