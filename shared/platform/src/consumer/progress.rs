//! How far the service has come in a stream: whether it has caught up, how far it is behind, and what its owner may forget.

use super::message::Received;
use super::store;
use crate::bus::{Link, created};
use crate::relay::{FLOOR, Floor, Oldest};
use crate::{Bus, Database, Metrics, Platform};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{Info, PullConsumer};
use async_nats::jetstream::context::GetStreamErrorKind;
use duban_contracts::{Timestamp, subjects};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// After this long a service raises what is due although it has not caught up.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(500);
const FIGURES: Duration = Duration::from_secs(5);
const TELL: Duration = Duration::from_secs(15);
/// A stream that is missing for so long holds nothing that could be waited for: its service has never run here.
const MISSING: Duration = Duration::from_secs(10);
/// Handled events that are remembered until the floor has passed them.
const REMEMBERED: usize = 20_000;

pub(super) struct Progress {
    stream: &'static str,
    bus: Bus,
    db: Database,
    metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Which connection it is that all this was learnt over, by [`Link::times`]. Over another one it says nothing.
    times: u64,
    /// The end of the stream when we began or came back, and when that was; None: to be noted.
    noted: Option<Noted>,
    is_caught_up: bool,
    /// When waiting began: not again at each re-making of a stream.
    since: Option<Instant>,
    /// Events that this copy has handled, by their place in the stream.
    handled: BTreeMap<u64, (Uuid, Timestamp)>,
}

struct Noted {
    created: Timestamp,
    last: u64,
}

impl Progress {
    pub fn new(platform: &Platform, stream: &'static str) -> Self {
        Self {
            stream,
            bus: platform.bus.clone(),
            db: platform.db.clone(),
            metrics: platform.metrics.clone(),
            state: Mutex::new(State { since: Some(Instant::now()), ..State::default() }),
        }
    }

    /// Whether the service has caught up, as far as was learnt over this very connection.
    pub fn is_caught_up(&self, link: Link) -> bool {
        self.state().is_caught_up_over(link.times)
    }

    /// The consumer was made sure of: at start, after a reconnect, after the stream was made anew. The stream's end is to be noted.
    pub fn note(&self) {
        let times = self.times();
        self.state().begin(times);
    }

    fn times(&self) -> u64 {
        self.bus.link().borrow().times
    }

    pub fn handled(&self, batch: &[Received]) {
        let mut state = self.state();
        for received in batch {
            if let Ok(event) = &received.event {
                state.handled.insert(received.sequence, (event.id, event.time));
            }
        }
        while state.handled.len() > REMEMBERED {
            state.handled.pop_first();
        }
    }

    /// Watches until stopped.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let (mut figures, mut told) = (Instant::now(), Instant::now());
        let mut link = self.bus.link();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                changed = link.changed() => if changed.is_ok() && link.borrow_and_update().is_up { self.note() },
                () = stop.cancelled() => return,
            }
            if !self.bus.is_connected() {
                continue;
            }
            let is_waiting = !self.state().is_caught_up;
            if !is_waiting && figures.elapsed() < FIGURES {
                continue;
            }
            figures = Instant::now();
            match self.look(is_waiting).await {
                Ok(info) if told.elapsed() > TELL => {
                    told = Instant::now();
                    if let Err(error) = self.tell(&info).await {
                        tracing::debug!(
                            stream = self.stream,
                            error = format!("{error:#}"),
                            "the stream's owner was not told how far we are"
                        );
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(stream = self.stream, error = format!("{error:#}"), "no figures of the consumer");
                    self.give_up_waiting();
                }
            }
        }
    }

    async fn look(&self, is_waiting: bool) -> anyhow::Result<Info> {
        let times = self.times();
        if is_waiting {
            self.note_end(times).await?;
        }
        let consumer: PullConsumer = self.bus.jetstream.get_consumer_from_stream(self.bus.service(), self.stream).await?;
        let info = consumer.cached_info().clone();
        let behind = info.num_pending + info.num_ack_pending as u64;
        self.metrics.own.consumer_lag.with_label_values(&[self.stream]).set(i64::try_from(behind).unwrap_or(i64::MAX));
        if self.state().has_come_to(info.ack_floor.stream_sequence, behind, times) {
            tracing::info!(stream = self.stream, "caught up");
        }
        self.give_up_waiting();
        Ok(info)
    }

    /// Notes the stream's end once; anew if the stream is another one meanwhile.
    async fn note_end(&self, times: u64) -> anyhow::Result<()> {
        let stream = match self.bus.jetstream.get_stream(self.stream).await {
            Ok(stream) => stream,
            Err(error) => {
                if matches!(error.kind(), GetStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND) {
                    self.do_without();
                }
                return Err(error.into());
            }
        };
        let info = stream.cached_info();
        let mut state = self.state();
        if state.times == times && state.noted.as_ref().is_none_or(|noted| noted.created != created(info)) {
            state.noted = Some(Noted { created: created(info), last: info.state.last_sequence });
        }
        Ok(())
    }

    /// Made later, the stream is caught up with then: its consumer's making notes it.
    fn do_without(&self) {
        let mut state = self.state();
        if !state.is_caught_up && state.since.is_some_and(|since| since.elapsed() > MISSING) {
            state.is_caught_up = true;
            tracing::info!(stream = self.stream, "the stream is not there: nothing to catch up with");
        }
    }

    fn give_up_waiting(&self) {
        let mut state = self.state();
        if !state.is_caught_up && state.since.is_some_and(|since| since.elapsed() > PATIENCE) {
            state.is_caught_up = true;
            tracing::warn!(stream = self.stream, "not caught up after five minutes: going on");
        }
    }

    /// Tells the stream's owner the newest event up to which all are handled, and hears what it still keeps.
    async fn tell(&self, info: &Info) -> anyhow::Result<()> {
        let Some(owner) = subjects::service::ALL.into_iter().find(|service| service.eq_ignore_ascii_case(self.stream)) else {
            return Ok(());
        };
        let reached = {
            let mut state = self.state();
            let later = state.handled.split_off(&(info.ack_floor.stream_sequence + 1));
            let reached = state.handled.pop_last();
            state.handled = later;
            // Kept, so that a quiet stream is told of again.
            reached.inspect(|(sequence, event)| {
                state.handled.insert(*sequence, *event);
            })
        };
        let Some((_, (event, time))) = reached else { return Ok(()) };
        let floor = Floor { consumer: self.bus.service().to_owned(), event, time };
        let answer: Oldest = self.bus.request(owner, FLOOR, &floor).await?;
        store::put_oldest(self.db.pool(), self.stream, answer.oldest.unwrap_or(time)).await?;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins anew over a connection: nothing is known of the stream's end yet.
    fn begin(&mut self, times: u64) {
        self.times = times;
        self.noted = None;
        self.handled.clear();
        if self.is_caught_up {
            self.since = Some(Instant::now());
        }
        self.is_caught_up = false;
    }

    fn is_caught_up_over(&self, times: u64) -> bool {
        self.is_caught_up && self.times == times
    }

    /// The shared consumer has come so far, as was learnt over a connection. True if it has caught up by this.
    fn has_come_to(&mut self, floor: u64, behind: u64, times: u64) -> bool {
        let has_passed = self.noted.as_ref().is_some_and(|noted| behind == 0 || floor >= noted.last);
        let is_news = has_passed && self.times == times && !self.is_caught_up;
        self.is_caught_up |= is_news;
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_caught_up_with_before_a_reconnect_counts_for_nothing_after_it() {
        let end = |last| Some(Noted { created: Timestamp::UNIX_EPOCH, last });
        let mut state = State { times: 1, ..State::default() };
        state.noted = end(10);
        assert!(!state.has_come_to(9, 1, 1));
        assert!(state.has_come_to(10, 3, 1) && state.is_caught_up_over(1));
        // Back, and not looked at yet: whoever raises must wait for that look.
        assert!(!state.is_caught_up_over(2));
        // An answer of before that comes late is no news of now.
        state.begin(2);
        state.noted = end(20);
        assert!(!state.has_come_to(20, 0, 1) && !state.is_caught_up_over(2));
        assert!(state.has_come_to(20, 0, 2) && state.is_caught_up_over(2));
    }
}
