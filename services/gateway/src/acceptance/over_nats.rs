//! Reports over NATS: `duban.report.v1.<channel>.<producer>`, the same body and key as over HTTP. The broker lets a producer send under its
//! own name alone, so the subject says who it is. The reply is the receipt or `{"error": problem}`; without a reply subject nothing is promised.

use super::refused::RefusedReports;
use super::{Acceptance, Arrived, Body};
use async_nats::{Client, HeaderMap, Message};
use duban_contracts::event::header;
use duban_contracts::report::Refused;
use duban_contracts::{Problem, subjects};
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many reports are under way at once; more wait in the client's buffer.
const AT_ONCE: usize = 4_096;

/// What listens.
#[derive(Clone)]
pub struct Listener {
    pub client: Client,
    pub acceptance: Acceptance,
    pub refused: RefusedReports,
}

impl Listener {
    /// Listens until shutdown, then lets those under way finish (they are tracked).
    ///
    /// # Errors
    /// The subscription cannot be made.
    pub async fn run(self, tasks: TaskTracker, shutdown: CancellationToken) -> Result<(), async_nats::SubscribeError> {
        let mut arriving = self.client.queue_subscribe(subjects::PRODUCER_REPORTS, "gateway".into()).await?;
        let room = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => break,
                message = arriving.next() => message,
            };
            let Some(message) = message else { break };
            let Ok(slot) = room.clone().acquire_owned().await else { break };
            let listener = self.clone();
            tasks.spawn(async move {
                listener.take(message).await;
                drop(slot);
            });
        }
        if let Err(error) = arriving.unsubscribe().await {
            tracing::debug!(%error, "the reports' subscription was not given up in order");
        }
        Ok(())
    }

    async fn take(&self, message: Message) {
        let mut tokens = message.subject.rsplit('.');
        let (producer, channel) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
        let outcome = self.accept(producer, channel, &message).await;
        let reply = match &outcome {
            Ok(accepted) => serde_json::to_vec(accepted),
            Err(problem) => serde_json::to_vec(&Refused { error: problem.clone() }),
        };
        if let (Some(subject), Ok(reply)) = (message.reply.clone(), reply)
            && let Err(error) = self.client.publish(subject, reply.into()).await
        {
            tracing::debug!(%error, "a receipt was not sent");
        }
        // After the answer, and not within the room for reports: keeping waits for Postgres, reception does not.
        if let Err(problem) = outcome
            && matches!(problem.status, 400 | 413 | 422)
        {
            self.refused.keep_beside(producer, problem, message.payload.clone());
        }
    }

    async fn accept(&self, producer: &str, channel: &str, message: &Message) -> Result<duban_contracts::report::Accepted, Problem> {
        // Disabled since it connected: refused here at once, at its next connection by the broker.
        let producer = self.acceptance.sender(producer)?;
        let arrived = Arrived {
            idempotency_key: text(message.headers.as_ref(), header::IDEMPOTENCY_KEY),
            body: Body::Bytes(&message.payload),
            channel: Some(channel),
            traceparent: text(message.headers.as_ref(), header::TRACEPARENT),
            over: "nats",
        };
        self.acceptance.accept(&producer, arrived).await
    }
}

fn text<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers.and_then(|headers| headers.get(name)).map(|value| value.as_str())
}
