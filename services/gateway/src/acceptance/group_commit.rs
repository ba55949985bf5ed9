//! Group commit: reports that arrive while a batch is on its way to disk make up the next one, and each caller is answered when its own
//! batch is there. One flush of the disk then serves hundreds of reports.
//!
//! A batch of [`Limits::singles_below`] or more goes as one atomic batch of JetStream, a smaller one as pipelined single publishes. When it
//! is not known whether a batch arrived (no answer, connection lost) it is sent again whole: intake drops what it has seen. A batch that
//! the server refused is tried one by one, once, so that one bad message fails alone; a full stream fails all of them.

use super::known::{self, Known};
use async_nats::client::{Client, RequestErrorKind};
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use duban_contracts::event::header;
use duban_contracts::subjects;
use duban_platform::telemetry;
use futures::future::{BoxFuture, OptionFuture, join_all};
use prometheus::HistogramVec;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;
use uuid::Uuid;

/// A report ready for the stream.
pub struct Envelope {
    pub receipt: Uuid,
    /// Hex, as in the payload.
    pub body_hash: String,
    pub headers: HeaderMap,
    pub payload: Bytes,
}

/// A report is on disk: stream and sequence of this sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    pub stream: Arc<str>,
    pub seq: u64,
}

/// Why a report was not taken. The sender may send it again under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// Registered before under this key with another body.
    Conflict,
    /// The stream holds as much as it may.
    Full,
    /// More waits here than we are willing to hold.
    Busy,
    /// The broker does not answer, or refuses this message.
    Unavailable,
}

/// Measures of the group commit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Below this many a batch goes as single publishes.
    pub singles_below: usize,
    /// At most this many reports in a batch (the server takes 1,000).
    pub most_reports: usize,
    /// At most so many bytes in a batch, unless a single report is larger.
    pub most_bytes: usize,
    /// So many bytes may wait in all.
    pub waiting_bytes: usize,
    /// How long one sending may take before its outcome counts as unknown.
    pub answer_within: Duration,
    /// How long a report may wait for the disk before its sender is told that it was not taken.
    pub give_up_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            singles_below: 25,
            most_reports: 500,
            most_bytes: 8 << 20,
            waiting_bytes: 32 << 20,
            answer_within: Duration::from_secs(3),
            give_up_after: Duration::from_secs(12),
        }
    }
}

/// Where reports are handed in. Cheap to clone.
#[derive(Clone)]
pub struct GroupCommit {
    queue: mpsc::UnboundedSender<Waiting>,
    /// Counts KiB, see [`Limits::waiting_bytes`].
    room: Arc<Semaphore>,
}

struct Waiting {
    envelope: Envelope,
    since: Instant,
    answer: oneshot::Sender<Result<OnDisk, NotTaken>>,
    _room: OwnedSemaphorePermit,
}

impl Waiting {
    fn answer(self, outcome: Result<OnDisk, NotTaken>) {
        // A caller that has gone away meanwhile needs no answer; its report is on disk all the same.
        let _ = self.answer.send(outcome);
    }
}

/// What sends: the broker, and intake to be asked what it knows.
#[derive(Clone)]
pub struct Ways {
    pub client: Client,
    pub known: Known,
    /// Makes the stream again when the server says that there is none.
    pub remake_stream: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    pub batch_sizes: HistogramVec,
}

impl GroupCommit {
    /// Starts the task that gathers and sends. It ends when the last clone is gone and all that waited has been answered.
    pub fn start(limits: Limits, ways: Ways) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(limits.waiting_bytes / 1024));
        (Self { queue, room }, gather(limits, ways, waiting))
    }

    /// Hands in a report and waits until it is on disk.
    ///
    /// # Errors
    /// See [`NotTaken`].
    pub async fn commit(&self, envelope: Envelope) -> Result<OnDisk, NotTaken> {
        // What a waiting report holds beside its payload comes to about a kilobyte.
        let kilobytes = u32::try_from(envelope.payload.len() / 1024 + 2).unwrap_or(u32::MAX);
        let permit = self.room.clone().try_acquire_many_owned(kilobytes).map_err(|_| NotTaken::Busy)?;
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { envelope, since: Instant::now(), answer, _room: permit };
        self.queue.send(waiting).map_err(|_| NotTaken::Unavailable)?;
        outcome.await.unwrap_or(Err(NotTaken::Unavailable))
    }
}

/// While one batch is on its way, the next is gathered and intake is asked about it; at most one question is open, and while the disk is
/// busy questions are spaced, so that there are a few a batch at most.
async fn gather(limits: Limits, ways: Ways, mut queue: mpsc::UnboundedReceiver<Waiting>) {
    const BETWEEN_QUESTIONS: Duration = Duration::from_millis(4);
    let mut on_its_way: OptionFuture<BoxFuture<'static, ()>> = None.into();
    let mut busy = false;
    let mut question: OptionFuture<BoxFuture<'static, Vec<Waiting>>> = None.into();
    let mut asking = false;
    let mut next_question = Instant::now();
    let mut ready: Vec<Waiting> = Vec::new();
    let mut fresh: Vec<Waiting> = Vec::new();
    let mut open = true;
    loop {
        if !busy && !ready.is_empty() {
            let batch = take_batch(&mut ready, &limits);
            on_its_way = Some(Box::pin(to_disk(limits.clone(), ways.clone(), batch)) as BoxFuture<'static, ()>).into();
            busy = true;
        }
        if !open && !busy && !asking && ready.is_empty() {
            return;
        }
        // A few batches may be ready; beyond that what arrives stays in the queue.
        let may_ask = open && !asking && ready.len() < limits.most_reports;
        tokio::select! {
            biased;
            Some(()) = &mut on_its_way, if busy => {
                busy = false;
                on_its_way = None.into();
            }
            Some(answered) = &mut question, if asking => {
                asking = false;
                question = None.into();
                next_question = Instant::now() + BETWEEN_QUESTIONS;
                ready.extend(answered);
            }
            () = tokio::time::sleep_until(next_question), if may_ask && busy && Instant::now() < next_question => {}
            taken = queue.recv_many(&mut fresh, limits.most_reports), if may_ask && (!busy || Instant::now() >= next_question) => {
                if taken == 0 {
                    open = false;
                } else {
                    let asked = std::mem::take(&mut fresh);
                    question = Some(Box::pin(weed_out_conflicts(ways.known.clone(), asked)) as BoxFuture<'static, Vec<Waiting>>).into();
                    asking = true;
                }
            }
        }
    }
}

/// As many as make a batch, from the front.
fn take_batch(ready: &mut Vec<Waiting>, limits: &Limits) -> Vec<Waiting> {
    let mut bytes = 0;
    let fits = ready.iter().take(limits.most_reports).take_while(|waiting| {
        bytes += waiting.envelope.payload.len();
        bytes <= limits.most_bytes
    });
    let count = fits.count().max(1);
    let rest = ready.split_off(count);
    std::mem::replace(ready, rest)
}

/// Refuses those that intake has registered with another body.
async fn weed_out_conflicts(known: Known, asked: Vec<Waiting>) -> Vec<Waiting> {
    let answer = known.ask(asked.iter().map(|w| w.envelope.receipt)).await;
    if answer.is_empty() {
        return asked;
    }
    let (fine, conflicts) = asked.into_iter().partition(|w| !known::conflicts(&answer, w.envelope.receipt, &w.envelope.body_hash));
    let conflicts: Vec<Waiting> = conflicts;
    for waiting in conflicts {
        waiting.answer(Err(NotTaken::Conflict));
    }
    fine
}

/// What came of one sending of a batch.
enum Sent {
    /// Sequence of each message, in order.
    OnDisk {
        stream: Arc<str>,
        first: u64,
    },
    Full,
    Refused,
    /// It may be there or not.
    Unknown,
    NoStream,
}

async fn to_disk(limits: Limits, ways: Ways, batch: Vec<Waiting>) {
    ways.batch_sizes.with_label_values::<&str>(&[]).observe(batch.len() as f64);
    let span = span_of(&batch);
    send(limits, ways, batch).instrument(span).await;
}

/// One span for the whole batch, linked to each report's own where that is sampled.
fn span_of(batch: &[Waiting]) -> tracing::Span {
    // More links make a span heavy, and most exporters drop them.
    const LINKS: usize = 100;
    let traceparents = batch.iter().filter_map(|waiting| waiting.envelope.headers.get(header::TRACEPARENT).map(|value| value.as_str()));
    let mut sampled = traceparents.filter(|traceparent| traceparent.ends_with("-01")).take(LINKS).peekable();
    if sampled.peek().is_none() {
        return tracing::Span::none();
    }
    let span = tracing::info_span!(
        target: "duban::reports",
        parent: None,
        "send",
        otel.name = "REPORTS send",
        otel.kind = "producer",
        messaging.system = "nats",
        messaging.operation.name = "publish",
        messaging.operation.type = "send",
        messaging.destination.name = subjects::REPORT_ACCEPTED,
        messaging.batch.message_count = batch.len(),
    );
    sampled.for_each(|traceparent| telemetry::link(&span, Some(traceparent)));
    span
}

async fn send(limits: Limits, ways: Ways, batch: Vec<Waiting>) {
    if batch.len() < limits.singles_below {
        join_all(batch.into_iter().map(|waiting| alone(&limits, &ways, waiting))).await;
        return;
    }
    let give_up = batch.iter().map(|w| w.since).min().unwrap_or_else(Instant::now) + limits.give_up_after;
    loop {
        match together(&limits, &ways, &batch).await {
            Sent::OnDisk { stream, first } => {
                for (waiting, seq) in batch.into_iter().zip(first..) {
                    waiting.answer(Ok(OnDisk { stream: stream.clone(), seq }));
                }
                return;
            }
            Sent::Full => return batch.into_iter().for_each(|w| w.answer(Err(NotTaken::Full))),
            Sent::Refused => {
                tracing::warn!(reports = batch.len(), "the server refused a batch; its reports are tried one by one");
                join_all(batch.into_iter().map(|waiting| alone(&limits, &ways, waiting))).await;
                return;
            }
            Sent::NoStream => (ways.remake_stream)().await,
            Sent::Unknown => {}
        }
        if Instant::now() >= give_up {
            return batch.into_iter().for_each(|w| w.answer(Err(NotTaken::Unavailable)));
        }
        until_connected(&ways.client, give_up).await;
    }
}

/// One sending of the whole batch under an id of its own.
async fn together(limits: &Limits, ways: &Ways, batch: &[Waiting]) -> Sent {
    let id = Uuid::now_v7().simple().to_string();
    let count = batch.len();
    for (i, waiting) in batch.iter().enumerate() {
        let mut headers = waiting.envelope.headers.clone();
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", (i + 1).to_string());
        let payload = waiting.envelope.payload.clone();
        if i + 1 == count {
            headers.insert("Nats-Batch-Commit", "1");
            return judge(request(limits, &ways.client, headers, payload).await, count);
        }
        match timeout(limits.answer_within, ways.client.publish_with_headers(subjects::REPORT_ACCEPTED, headers, payload)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a batch was cut off");
                return Sent::Unknown;
            }
            Err(_) => return Sent::Unknown,
        }
    }
    Sent::Refused
}

/// A report on its own: until it is there, refused, or given up.
async fn alone(limits: &Limits, ways: &Ways, waiting: Waiting) {
    let give_up = waiting.since + limits.give_up_after;
    loop {
        let (headers, payload) = (waiting.envelope.headers.clone(), waiting.envelope.payload.clone());
        match judge(request(limits, &ways.client, headers, payload).await, 1) {
            Sent::OnDisk { stream, first } => return waiting.answer(Ok(OnDisk { stream, seq: first })),
            Sent::Full => return waiting.answer(Err(NotTaken::Full)),
            Sent::Refused => return waiting.answer(Err(NotTaken::Unavailable)),
            Sent::NoStream => (ways.remake_stream)().await,
            Sent::Unknown => {}
        }
        if Instant::now() >= give_up {
            return waiting.answer(Err(NotTaken::Unavailable));
        }
        until_connected(&ways.client, give_up).await;
    }
}

async fn request(limits: &Limits, client: &Client, headers: HeaderMap, payload: Bytes) -> Result<Bytes, RequestErrorKind> {
    let request = Request::new().headers(headers).payload(payload).timeout(Some(limits.answer_within));
    // `into_future` of the crate is Send but not Sync; awaited here it need not be.
    client.send_request(subjects::REPORT_ACCEPTED, request).await.map(|message| message.payload).map_err(|error| error.kind())
}

/// The server's acknowledgement, or its refusal.
#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(default)]
    stream: String,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

fn judge(answer: Result<Bytes, RequestErrorKind>, count: usize) -> Sent {
    let payload = match answer {
        Ok(payload) => payload,
        Err(RequestErrorKind::NoResponders) => return Sent::NoStream,
        Err(_) => return Sent::Unknown,
    };
    let Ok(acknowledgement) = serde_json::from_slice::<Acknowledgement>(&payload) else { return Sent::Unknown };
    match acknowledgement.error {
        None if acknowledgement.seq >= count as u64 => {
            Sent::OnDisk { stream: acknowledgement.stream.into(), first: acknowledgement.seq + 1 - count as u64 }
        }
        None => Sent::Unknown,
        Some(refusal) => {
            tracing::warn!(code = refusal.err_code, why = refusal.description, "the server did not take a batch");
            match refusal {
                // Store failed ('maximum messages exceeded', 'maximum bytes exceeded'), insufficient resources, account's storage used up.
                Refusal { err_code: 10_077 | 10_023 | 10_047 | 10_028 | 10_002, .. } => Sent::Full,
                Refusal { err_code: 10_059, .. } => Sent::NoStream,
                // The server is not ready (no leader, starting, shutting down): as good as no answer.
                Refusal { code: 503, .. } => Sent::Unknown,
                _ => Sent::Refused,
            }
        }
    }
}

/// Waits for the connection to come back, but no longer than until `give_up`.
async fn until_connected(client: &Client, give_up: Instant) {
    // After a failed sending on a living connection too, so that a server in trouble is not flooded.
    sleep(Duration::from_millis(50)).await;
    while client.connection_state() != async_nats::connection::State::Connected && Instant::now() < give_up {
        sleep(Duration::from_millis(20)).await;
    }
}
