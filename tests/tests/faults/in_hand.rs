//! What a process has in hand: without it a kill would show nothing.

use super::producers::Sent;
use super::{SETTLING, Victim};
use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use duban_contracts::subjects::{service, stream};
use duban_tests::World;
use std::time::{Duration, Instant};

/// Looked at so often: what is in hand is so for milliseconds.
const PAUSE: Duration = Duration::from_millis(3);

/// Where messages to each process wait and are counted.
pub struct InHand<'a> {
    jetstream: jetstream::Context,
    sent: &'a Sent,
}

impl<'a> InHand<'a> {
    /// # Errors
    /// The broker cannot be reached.
    pub async fn of(world: &World, sent: &'a Sent) -> anyhow::Result<Self> {
        Ok(Self { jetstream: jetstream::new(world.stack.ground.connect_nats("operator").await?), sent })
    }

    /// Waits until each of those that are to die has messages in hand. Gives how many each had, as they were looked at one after the other.
    ///
    /// # Errors
    /// One has nothing to do for minutes.
    pub async fn wait(&self, victims: &[Victim]) -> anyhow::Result<Vec<u64>> {
        let began = Instant::now();
        loop {
            let mut counts = Vec::with_capacity(victims.len());
            for victim in victims {
                counts.push(self.count(*victim).await.unwrap_or(0));
            }
            if counts.iter().all(|count| *count > 0) {
                return Ok(counts);
            }
            anyhow::ensure!(began.elapsed() < SETTLING, "{victims:?} have {counts:?} messages in hand");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reports without an answer at the gateway and its broker; with the others, events that were handed over or wait to be.
    async fn count(&self, victim: Victim) -> anyhow::Result<u64> {
        Ok(match victim {
            Victim::Service("gateway") | Victim::Broker => self.sent.waiting() as u64,
            Victim::Service("intake") | Victim::Database => self.unhandled(stream::REPORTS, service::INTAKE).await?,
            Victim::Service(name) => self.unhandled(stream::INTAKE, name).await?,
        })
    }

    async fn unhandled(&self, stream: &str, consumer: &str) -> anyhow::Result<u64> {
        let found: PullConsumer = self.jetstream.get_consumer_from_stream(consumer, stream).await?;
        let info = found.cached_info();
        Ok(info.num_pending + info.num_ack_pending as u64)
    }
}
