//! Domain time: what is stamped on cases and events, what deadlines and calendars go by.
//!
//! It is the database's `clock_timestamp()`, so that two copies agree: its offset to the machine is measured at connect and every minute,
//! and time never steps back. For a demonstration or a test it runs accelerated or stepped: start + factor × elapsed, as schema `clock`
//! says, which every role may read and only the operator may write ([`control`]). Timeouts, leases, sessions and signatures are mechanism
//! time and do not come from here.

pub mod control;
mod keeping;
mod setting;
mod store;

pub(crate) use keeping::keep;
pub use setting::Setting;
pub use store::SCHEMA_SQL;

use duban_contracts::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// The clock of domain time. Cheap to clone; clones are one clock.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: RwLock<Source>,
    /// The latest instant that anyone was told, microseconds.
    last: AtomicI64,
    /// The latest instant that was given to an event, microseconds.
    given: AtomicI64,
    changed: watch::Sender<u64>,
    /// Whether it has been set right, and no longer shows the machine's own time.
    is_known: watch::Sender<bool>,
}

/// Where the hands stand.
enum Source {
    /// Real time (the database's, as far as known) was `real` microseconds at `at`.
    Running {
        real: i64,
        at: Instant,
        setting: Setting,
    },
    Standing(i64),
}

/// Moves a manual clock.
#[derive(Clone)]
pub struct Hand(Clock);

impl Clock {
    /// A clock on the machine's time, to be corrected once the database has been asked.
    pub fn on_machine() -> Self {
        Self::with(Source::Running { real: machine_now(), at: Instant::now(), setting: Setting::default() })
    }

    /// A clock that stands still until its hand moves it. For tests.
    pub fn manual(start: Timestamp) -> (Self, Hand) {
        let clock = Self::with(Source::Standing(start.as_microsecond()));
        (clock.clone(), Hand(clock))
    }

    fn with(source: Source) -> Self {
        let is_known = watch::Sender::new(matches!(source, Source::Standing(_)));
        Self(Arc::new(Inner {
            source: RwLock::new(source),
            last: AtomicI64::new(i64::MIN),
            given: AtomicI64::new(i64::MIN),
            changed: watch::Sender::new(0),
            is_known,
        }))
    }

    /// Domain time now, to the microsecond. Never earlier than any answer before.
    ///
    /// Where time is stepped and stands in between, what has just happened counts as past: events follow one another by microseconds, and
    /// what falls due at once would otherwise wait for the next step.
    pub fn now(&self) -> Timestamp {
        let hands = self.hands();
        let now = if self.is_stepped() { hands.max(self.0.given.load(Ordering::Relaxed)) } else { hands };
        let last = self.0.last.fetch_max(now, Ordering::Relaxed);
        instant(now.max(last))
    }

    /// A time for an event that something of `cause` brought about: later than that, and later than any that was given before.
    pub fn cause_after(&self, cause: Timestamp) -> Timestamp {
        self.give(cause.as_microsecond().saturating_add(1))
    }

    /// A time for an event that nothing but the clock brought about.
    pub fn next(&self) -> Timestamp {
        self.give(i64::MIN)
    }

    fn give(&self, at_least: i64) -> Timestamp {
        let at_least = at_least.max(self.now().as_microsecond());
        let after = |given: i64| Some(given.saturating_add(1).max(at_least));
        // The closure always gives a value, so both arms are the former one.
        let given = match self.0.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after) {
            Ok(before) | Err(before) => before,
        };
        instant(given.saturating_add(1).max(at_least))
    }

    /// Never gives an event a time up to `instant`: called with the latest time in the outbox when a copy starts.
    pub(crate) fn not_before(&self, instant: Timestamp) {
        self.0.given.fetch_max(instant.as_microsecond(), Ordering::Relaxed);
    }

    /// How long a sleeper has to wait in real time until `instant` of domain time as the clock runs now; zero if it has passed; very
    /// long if the clock stands.
    pub fn real_duration_until(&self, instant: Timestamp) -> Duration {
        let ahead = instant.as_microsecond().saturating_sub(self.now().as_microsecond());
        if ahead <= 0 {
            return Duration::ZERO;
        }
        let factor = match &*self.source() {
            Source::Running { setting, .. } => setting.factor,
            Source::Standing(_) => 0.0,
        };
        Duration::try_from_secs_f64(ahead as f64 / 1e6 / factor).unwrap_or(FOREVER).min(FOREVER)
    }

    /// Sleeps until `instant` of domain time, through steps and changes of factor.
    pub async fn sleep_until(&self, instant: Timestamp) {
        let mut changed = self.changed();
        while self.now() < instant {
            tokio::select! {
                () = tokio::time::sleep(self.real_duration_until(instant)) => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// Counts up whenever the clock was set: stepped, or made to run at another factor.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Waits until it has been set right once: who acts by the machine's own time before that takes a demonstration's day for years past.
    pub async fn known(&self) {
        // The sender lives as long as the clock.
        let _ = self.0.is_known.subscribe().wait_for(|is_known| *is_known).await;
    }

    /// The setting that it runs by. A manual clock has the default one.
    pub fn setting(&self) -> Setting {
        match &*self.source() {
            Source::Running { setting, .. } => setting.clone(),
            Source::Standing(_) => Setting::default(),
        }
    }

    /// Corrects the clock: real time is `real` microseconds now, and runs by `setting`.
    fn correct(&self, real: i64, setting: Setting) {
        let mut source = self.0.source.write().unwrap_or_else(PoisonError::into_inner);
        let (is_set_anew, is_first) = match &*source {
            Source::Running { setting: before, .. } => (*before != setting, *before == Setting::default()),
            Source::Standing(_) => return,
        };
        *source = Source::Running { real, at: Instant::now(), setting };
        if is_set_anew && is_first {
            // What was told by the machine's own time before the setting was known says nothing of a demonstration's.
            self.0.last.store(i64::MIN, Ordering::Relaxed);
        }
        drop(source);
        self.0.is_known.send_replace(true);
        if is_set_anew {
            self.0.changed.send_modify(|count| *count += 1);
        }
    }

    fn hands(&self) -> i64 {
        match &*self.source() {
            Source::Running { real, at, setting } => {
                let elapsed = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
                setting.domain(real.saturating_add(elapsed))
            }
            Source::Standing(at) => *at,
        }
    }

    fn is_stepped(&self) -> bool {
        matches!(&*self.source(), Source::Running { setting, .. } if setting.factor == 0.0)
    }

    fn source(&self) -> std::sync::RwLockReadGuard<'_, Source> {
        self.0.source.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand {
    /// Moves the clock; a time before the present one is ignored, for time never steps back.
    pub fn set(&self, to: Timestamp) {
        let mut source = self.0.0.source.write().unwrap_or_else(PoisonError::into_inner);
        if let Source::Standing(at) = &mut *source {
            *at = to.as_microsecond().max(*at);
        }
        drop(source);
        self.0.0.changed.send_modify(|count| *count += 1);
    }

    pub fn advance(&self, by: Duration) {
        self.set(self.0.now().saturating_add(by).unwrap_or(Timestamp::MAX));
    }
}

/// As good as never for a sleeper: it looks again after an hour at the latest.
const FOREVER: Duration = Duration::from_secs(3600);

fn machine_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_times_of_events_is_later_than_its_cause_and_than_every_other() {
        let (clock, hand) = Clock::manual(at("2026-03-01T08:00:00Z"));
        let cause = at("2026-03-01T08:00:05Z");
        let first = clock.cause_after(cause);
        assert!(first > cause);
        assert!(clock.next() > first);
        hand.advance(Duration::from_secs(60));
        assert_eq!(clock.next(), at("2026-03-01T08:01:00Z"));
    }

    #[test]
    fn time_never_steps_back() {
        let clock = Clock::on_machine();
        let now = clock.now();
        clock.correct(machine_now() - 60_000_000, Setting::default());
        assert!(clock.now() >= now);
    }

    #[test]
    fn a_demonstration_in_the_past_is_not_held_back_by_what_was_told_before_it_was_known() {
        let clock = Clock::on_machine();
        let _ = clock.now();
        let start = at("2012-05-17T13:00:00Z");
        clock.correct(start.as_microsecond(), Setting { version: 1, real_start: start, domain_start: start, factor: 0.0 });
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn what_falls_due_at_once_is_due_while_a_stepped_clock_stands() {
        let clock = Clock::on_machine();
        let start = at("2026-03-02T01:00:00Z");
        clock.correct(start.as_microsecond(), Setting { version: 1, real_start: start, domain_start: start, factor: 0.0 });
        let opened = clock.cause_after(clock.now());
        assert!(clock.now() >= opened);
        assert!(clock.now() < start.checked_add(jiff::SignedDuration::from_millis(1)).unwrap());
    }

    #[test]
    fn a_demonstration_runs_by_its_factor() {
        let clock = Clock::on_machine();
        let setting =
            Setting { version: 2, real_start: at("2026-03-01T00:00:00Z"), domain_start: at("2026-05-01T00:00:00Z"), factor: 600.0 };
        clock.correct(at("2026-03-01T00:00:10Z").as_microsecond(), setting);
        let now = clock.now();
        assert!(now >= at("2026-05-01T01:40:00Z"), "{now}");
        let wait = clock.real_duration_until(now.saturating_add(Duration::from_secs(600)).unwrap());
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(500), "{wait:?}");
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_stepped_past_its_time() {
        let (clock, hand) = Clock::manual(at("2026-03-01T08:00:00Z"));
        let due = at("2026-03-08T08:00:00Z");
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(due).await }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        hand.set(due);
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }
}
