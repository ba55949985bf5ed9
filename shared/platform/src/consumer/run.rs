//! The loop over one stream: make sure of the consumer, pull, handle, acknowledge.

use super::batch::{Entry, Handling};
use super::message::Received;
use super::progress::Progress;
use super::pull::Puller;
use super::{BatchHandler, Consume, Consumer, NotYet, aside, reason, store};
use crate::{Bus, Platform};
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// After this long without acknowledgement the broker gives a message to another copy.
const ACK_WAIT: Duration = Duration::from_secs(15);

/// One consumer of one stream.
struct Loop<H> {
    stream: &'static str,
    subjects: Vec<String>,
    batch: usize,
    bus: Bus,
    handling: Arc<Handling<H>>,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

pub(super) fn start<H: BatchHandler>(platform: &Platform, consume: Consume<H>) -> Consumer {
    let handling = Arc::new(Handling {
        handler: consume.handler,
        db: platform.db.clone(),
        outbox: platform.outbox.clone(),
        metrics: platform.metrics.clone(),
        seal: platform.seal.clone(),
        attempts: consume.attempts,
    });
    let mut all = Vec::new();
    for stream in &consume.streams {
        let progress = Arc::new(Progress::new(platform, stream));
        all.push(progress.clone());
        platform.tasks.spawn(progress.clone().watch(platform.shutdown.clone()));
        let one = Loop {
            stream,
            subjects: consume.subjects.clone(),
            batch: consume.batch,
            bus: platform.bus.clone(),
            handling: handling.clone(),
            progress,
            stop: platform.shutdown.clone(),
        };
        platform.tasks.spawn(one.run());
    }
    platform.tasks.spawn(aside::run(handling, consume.streams, platform.shutdown.clone()));
    Consumer { progress: all, bus: platform.bus.clone() }
}

impl<H: BatchHandler> Loop<H> {
    async fn run(self) {
        tokio::select! {
            () = self.handling.db.migrated() => {}
            () = self.stop.cancelled() => return,
        }
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = self.bus.connected() => {}
                () = self.stop.cancelled() => return,
            }
            if let Err(error) = self.read().await {
                tracing::debug!(stream = self.stream, %error, "no consumer for now");
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    () = self.stop.cancelled() => return,
                }
            }
        }
    }

    /// Reads until stopped or until consumer, stream or connection are gone.
    async fn read(&self) -> anyhow::Result<()> {
        let consumer = self.ensure().await?;
        self.progress.note();
        let mut puller = Puller::new(&self.bus, consumer).await?;
        while !self.stop.is_cancelled() {
            let messages = puller.next(self.batch, &self.stop).await?;
            if !messages.is_empty() {
                self.handle(messages.into_iter().map(Received::new).collect()).await;
            }
        }
        Ok(())
    }

    /// The durable consumer, made if it is missing: with the stream it can be gone at any time.
    async fn ensure(&self) -> anyhow::Result<PullConsumer> {
        let config = pull::Config {
            durable_name: Some(self.bus.service().to_owned()),
            description: Some(format!("duban-{}, shared by its copies", self.bus.service())),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            // Attempts are counted by us, and only those that are the message's own fault.
            max_deliver: -1,
            max_ack_pending: i64::try_from(self.batch.saturating_mul(8).max(1000))?,
            filter_subjects: self.subjects.clone(),
            ..pull::Config::default()
        };
        Ok(self.bus.jetstream.create_consumer_on_stream(config, self.stream).await?)
    }

    /// Handles a batch to the end: what is not handled is in a table; then all are acknowledged. While the database is in trouble the
    /// batch is held, and the broker told so, that it does not give it to another copy.
    async fn handle(&self, batch: Vec<Received>) {
        let mut wait = Duration::from_millis(100);
        let mut told = Instant::now();
        loop {
            match self.settle(&batch).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(stream = self.stream, error = format!("{error:#}"), "consuming pauses"),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Not acknowledged, so not lost.
                () = self.stop.cancelled() => return,
            }
            wait = (wait * 2).min(Duration::from_secs(3));
            if told.elapsed() > ACK_WAIT / 3 {
                told = Instant::now();
                acknowledge(&batch, AckKind::Progress).await;
            }
        }
        acknowledge(&batch, AckKind::Ack).await;
        self.progress.handled(&batch);
    }

    /// One go at it. An error is trouble of the database (or of our own key): everything may be done again.
    async fn settle(&self, batch: &[Received]) -> anyhow::Result<()> {
        let handling = &self.handling;
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        for received in batch {
            match &received.event {
                Ok(event) => {
                    let id = handling.handler.identity(event);
                    match handling.handler.ready(event) {
                        Ok(()) => entries.push(Entry { id, event: event.clone() }),
                        Err(NotYet(what)) => waiting.push(handling.sealed(id, &super::Kept::new(event), 0, &reason::waits_for(&what))?),
                    }
                }
                Err(malformed) => {
                    let burial = handling.sealed(malformed.kept.id, &malformed.kept, 1, &malformed.reason)?;
                    aside::bury(handling, self.stream, &burial, None).await?;
                }
            }
        }
        store::set_aside(handling.db.pool(), self.stream, &waiting, 0.3).await?;
        let refused = handling.handle(self.stream, entries, false).await?;
        let burials = refused.iter().map(|one| handling.burial(one, 0)).collect::<anyhow::Result<Vec<_>>>()?;
        let (dead, again): (Vec<_>, Vec<_>) =
            burials.into_iter().zip(&refused).partition(|(burial, _)| burial.attempts >= handling.attempts);
        let again: Vec<_> = again.into_iter().map(|(burial, _)| burial).collect();
        store::set_aside(handling.db.pool(), self.stream, &again, 1.0).await?;
        for (burial, refused) in &dead {
            aside::bury(handling, self.stream, burial, Some(&refused.entry.event)).await?;
        }
        let aside = waiting.len() + again.len();
        handling.metrics.own.messages.with_label_values(&[self.stream, "aside"]).inc_by(aside as u64);
        Ok(())
    }
}

async fn acknowledge(batch: &[Received], kind: AckKind) {
    for received in batch {
        if let Err(error) = received.message.ack_with(kind).await {
            // It comes again and finds its inbox row.
            tracing::debug!(%error, "an acknowledgement was not sent");
            return;
        }
    }
}
