//! Publishing rows, many in flight, and marking what was acknowledged.

use super::lease::Lease;
use super::store::{self, Waiting};
use super::{Relay, Trouble};
use crate::telemetry;
use async_nats::HeaderMap;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use duban_contracts::event::header;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use std::future::IntoFuture;
use tracing::Instrument;
use uuid::Uuid;

/// Rows per batch of what is published again: small, so that new rows pass by.
const PACE: i64 = 200;

/// More links than that make a span heavy and are dropped by most exporters.
const LINKS: usize = 100;

impl Relay {
    /// Publishes rows and marks those acknowledged. The first failure is told after that.
    pub(super) async fn publish(&self, lease: &Lease, publication: i32, rows: Vec<Waiting>, again: &str) -> Result<(), Trouble> {
        let span = tracing::info_span!(
            target: "duban::relay",
            parent: None,
            "relay",
            otel.name = %format!("{} send", self.stream),
            otel.kind = "producer",
            messaging.system = "nats",
            messaging.operation.name = "publish",
            messaging.operation.type = "send",
            messaging.destination.name = self.stream,
            messaging.batch.message_count = rows.len(),
        );
        for row in rows.iter().take(LINKS) {
            telemetry::link(&span, row.traceparent.as_deref());
        }
        async {
            let (acknowledged, trouble) = self.send(rows).await;
            if !acknowledged.is_empty() {
                if !store::mark(self.db.pool(), lease, publication, &acknowledged).await? {
                    lease.lost.cancel();
                }
                self.metrics.own.outbox_published.with_label_values(&[again]).inc_by(acknowledged.len() as u64);
            }
            trouble.map_or(Ok(()), Err)
        }
        .instrument(span)
        .await
    }

    /// Sends all rows before it waits for the first acknowledgement.
    async fn send(&self, rows: Vec<Waiting>) -> (Vec<Uuid>, Option<Trouble>) {
        let mut trouble = None;
        let mut in_flight = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, subject, headers, body) = message(row);
            match self.bus.jetstream.publish_with_headers(subject, headers, body.into()).await {
                Ok(acknowledgement) => in_flight.push((id, acknowledgement)),
                Err(error) => {
                    trouble = Some(Trouble::from(error));
                    break;
                }
            }
        }
        let mut link = self.bus.link();
        link.mark_unchanged();
        let mut acknowledged = Vec::with_capacity(in_flight.len());
        // Together, for each has its own time limit; and not over a lost connection, for its acknowledgements never come.
        let mut outcomes: FuturesUnordered<_> =
            in_flight.into_iter().map(|(id, acknowledgement)| acknowledgement.into_future().map(move |outcome| (id, outcome))).collect();
        loop {
            tokio::select! {
                biased;
                outcome = outcomes.next() => match outcome {
                    Some((id, Ok(_))) => acknowledged.push(id),
                    Some((_, Err(error))) => trouble = Some(Trouble::from(error)),
                    None => break,
                },
                _ = link.changed() => {
                    trouble = Some(Trouble::Broker("the connection was lost".to_owned()));
                    break;
                }
            }
        }
        (acknowledged, trouble)
    }

    /// A batch of what must be published again: the number of its rows; None when nothing is left.
    pub(super) async fn publish_again(&self, lease: &Lease, publication: i32) -> Result<Option<usize>, Trouble> {
        let Some(span) = store::open_republication(self.db.pool()).await? else { return Ok(None) };
        let rows = store::to_publish_again(self.db.pool(), &span, publication, PACE).await?;
        let count = rows.len();
        if count == 0 {
            tracing::info!("all that had to be published again is");
            store::end_republication(self.db.pool(), span.id).await?;
        } else {
            self.publish(lease, publication, rows, "yes").await?;
        }
        Ok(Some(count))
    }
}

/// CloudEvents in binary mode.
fn message(row: Waiting) -> (Uuid, String, HeaderMap, String) {
    let mut headers = HeaderMap::new();
    let source = row.subject.split('.').nth(1).unwrap_or_default().to_owned();
    headers.insert(header::SPEC_VERSION, "1.0");
    headers.insert(header::ID, row.id.to_string());
    headers.insert(header::SOURCE, format!("/duban/{source}"));
    headers.insert(header::TYPE, row.subject.as_str());
    headers.insert(header::TIME, row.time.0.to_string());
    headers.insert(header::SUBJECT, row.about.as_str());
    headers.insert(header::SUBJECT_VERSION, row.version.to_string());
    headers.insert(header::POLICY, row.policy.to_string());
    headers.insert(header::CONTENT_TYPE, "application/json");
    headers.insert(header::MESSAGE_ID, row.id.to_string());
    if let Some(case) = row.case_id {
        headers.insert(header::CASE, case.to_string());
    }
    if let Some(traceparent) = row.traceparent {
        headers.insert(header::TRACEPARENT, traceparent);
    }
    (row.id, row.subject, headers, row.body)
}

impl From<PublishError> for Trouble {
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::StreamGone,
            _ => Self::Broker(error.to_string()),
        }
    }
}
