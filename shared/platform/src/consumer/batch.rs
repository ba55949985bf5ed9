//! Handling a batch: one transaction, taken apart when one of its events fails.

use super::message::Kept;
use super::store::{self, Burial};
use super::{BatchHandler, Failure, reason};
use crate::{Database, Metrics, Outbox, Seal, db, telemetry};
use duban_contracts::{Event, Sentence};
use futures::FutureExt;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// What handling a batch needs.
pub(super) struct Handling<H> {
    pub handler: Arc<H>,
    pub db: Database,
    pub outbox: Outbox,
    pub metrics: Metrics,
    pub seal: Seal,
    pub attempts: i32,
}

/// An event with its identity in the inbox.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub id: Uuid,
    pub event: Event,
}

/// What could not be handled and why.
pub(super) struct Refused {
    pub entry: Entry,
    pub reason: Sentence,
    /// Counted against it: its own fault.
    pub is_counted: bool,
}

/// The database's trouble, not the batch's: to be tried again as it is.
#[derive(Debug, thiserror::Error)]
#[error("database: {0}")]
pub(super) struct Trouble(pub sqlx::Error);

/// How a transaction ended that did not commit.
enum Rolled {
    Trouble(sqlx::Error),
    /// One event's fault, if it was told which.
    Fault {
        id: Option<Uuid>,
        reason: Sentence,
        is_counted: bool,
    },
}

impl<H: BatchHandler> Handling<H> {
    /// Handles all entries that are new; gives those that failed for a reason of their own. `aside`: they come from the table.
    pub async fn handle(&self, stream: &str, entries: Vec<Entry>, aside: bool) -> Result<Vec<Refused>, Trouble> {
        let mut refused = Vec::new();
        // Parts still to be handled; a batch that fails is taken apart until the one at fault stands alone.
        let mut parts = vec![entries];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.transact(stream, &part, aside).await {
                Ok(()) => {}
                Err(Rolled::Trouble(error)) => return Err(Trouble(error)),
                Err(Rolled::Fault { reason, is_counted, .. }) if part.len() == 1 => {
                    refused.extend(part.into_iter().map(|entry| Refused { entry, reason: reason.clone(), is_counted }));
                }
                Err(Rolled::Fault { id: None, reason, is_counted: false }) => {
                    refused.extend(part.into_iter().map(|entry| Refused { entry, reason: reason.clone(), is_counted: false }));
                }
                Err(Rolled::Fault { id: Some(id), .. }) if part.iter().any(|entry| entry.event.id == id) => {
                    let (at_fault, rest): (Vec<_>, Vec<_>) = part.into_iter().partition(|entry| entry.event.id == id);
                    parts.push(rest);
                    parts.extend(at_fault.into_iter().map(|entry| vec![entry]));
                }
                Err(Rolled::Fault { .. }) => {
                    let mut first = part;
                    let second = first.split_off(first.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
        }
        Ok(refused)
    }

    /// One transaction over the entries, run again on a serialization failure or deadlock.
    async fn transact(&self, stream: &str, entries: &[Entry], aside: bool) -> Result<(), Rolled> {
        let begun = Instant::now();
        let span = batch_span(stream, entries);
        let mut attempt = 0;
        let handled = loop {
            match db::limited(self.attempt(stream, entries, aside)).instrument(span.clone()).await {
                Err(Failure::Database(error)) if db::is_retryable(&error) && attempt < 5 => {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(10 * attempt + rand::random_range(0..20))).await;
                }
                outcome => break outcome,
            }
        };
        let new = handled.map_err(|failure| self.rolled(failure))?;
        self.outbox.wake();
        if !new.is_empty() {
            self.handler.committed(&new).instrument(span).await;
        }
        let own = &self.metrics.own;
        own.batch_size.with_label_values(&[stream]).observe(entries.len() as f64);
        own.batch_seconds.with_label_values(&[stream]).observe(begun.elapsed().as_secs_f64());
        own.messages.with_label_values(&[stream, "handled"]).inc_by(new.len() as u64);
        own.messages.with_label_values(&[stream, "repeated"]).inc_by((entries.len() - new.len()) as u64);
        Ok(())
    }

    /// Inbox rows, handler, commit. The events that were new.
    async fn attempt(&self, stream: &str, entries: &[Entry], aside: bool) -> Result<Vec<Event>, Failure> {
        let mut tx = self.db.begin().await?;
        let present = if aside {
            let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
            store::take_out(&mut tx, &ids).await?
        } else {
            entries.iter().map(|entry| entry.id).collect()
        };
        let wanted: Vec<_> = entries.iter().filter(|entry| present.contains(&entry.id)).map(|entry| (entry.id, entry.event.time)).collect();
        let mut new: HashSet<Uuid> = store::enter(&mut tx, stream, &wanted).await?;
        // Removed as they are met: twice in one batch is handled once.
        let (events, spans): (Vec<Event>, Vec<Span>) =
            entries.iter().filter(|entry| new.remove(&entry.id)).map(|entry| with_span(stream, &entry.event)).unzip();
        if !events.is_empty() {
            let handled = AssertUnwindSafe(self.handler.handle(&mut tx, &events)).catch_unwind().await;
            handled.unwrap_or_else(|_panic| Err(Failure::Other(anyhow::anyhow!("the handler panicked"))))?;
        }
        tx.commit().await?;
        drop(spans);
        Ok(events)
    }

    /// A refused entry on its way into a table.
    pub fn burial(&self, refused: &Refused, before: i32) -> anyhow::Result<Burial> {
        let kept = Kept::new(&refused.entry.event);
        self.sealed(refused.entry.id, &kept, before + i32::from(refused.is_counted), &refused.reason)
    }

    pub fn sealed(&self, id: Uuid, kept: &Kept, attempts: i32, reason: &Sentence) -> anyhow::Result<Burial> {
        let sealed = self.seal.seal(&serde_json::to_vec(kept)?, &id.to_string())?;
        Ok(Burial { id, event: kept.id, subject: kept.subject.clone(), sealed, attempts, reason: reason::worded(reason) })
    }

    /// Why it failed, in words that hold no value, if it is not the database's trouble.
    pub fn fault(&self, failure: Failure) -> Result<Sentence, Trouble> {
        match self.rolled(failure) {
            Rolled::Trouble(error) => Err(Trouble(error)),
            Rolled::Fault { reason, .. } => Ok(reason::worded(&reason)),
        }
    }

    fn rolled(&self, failure: Failure) -> Rolled {
        match failure {
            Failure::Event { id, reason } => Rolled::Fault { id: Some(id), reason, is_counted: true },
            Failure::Waits { id, what } => Rolled::Fault { id, reason: reason::waits_for(&what), is_counted: false },
            Failure::Database(error) => self.of_database(error),
            Failure::Other(error) => match error.downcast::<sqlx::Error>() {
                Ok(error) => self.of_database(error),
                Err(error) => Rolled::Fault { id: None, reason: reason::other(&error), is_counted: true },
            },
        }
    }

    fn of_database(&self, error: sqlx::Error) -> Rolled {
        self.db.noticed(&error);
        if db::is_down(&error) || db::is_retryable(&error) {
            return Rolled::Trouble(error);
        }
        Rolled::Fault { id: None, reason: reason::of_database(&error), is_counted: true }
    }
}

/// A span over the batch, linked to each message's context.
fn batch_span(stream: &str, entries: &[Entry]) -> Span {
    let span = tracing::info_span!(
        target: "duban::consumer",
        parent: None,
        "batch",
        otel.name = %format!("{stream} receive"),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "receive",
        messaging.operation.type = "receive",
        messaging.destination.name = stream,
        messaging.batch.message_count = entries.len(),
    );
    for entry in entries.iter().take(100) {
        telemetry::link(&span, entry.event.traceparent.as_deref());
    }
    span
}

/// The event with a span of its own, child of the event's context, so that what the event causes hangs in the same trace.
fn with_span(stream: &str, event: &Event) -> (Event, Span) {
    let span = tracing::info_span!(
        target: "duban::consumer",
        parent: None,
        "process",
        otel.name = %format!("{} process", event.name()),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = stream,
        messaging.message.id = %event.id,
    );
    telemetry::adopt(&span, event.traceparent.as_deref());
    let mut event = event.clone();
    if let Some(traceparent) = telemetry::traceparent_of(&span) {
        event.traceparent = Some(traceparent);
    }
    (event, span)
}
