//! Domain time.

use duban_contracts::Timestamp;
use std::time::Duration;
use tokio::sync::watch;

/// The clock of domain time: cheap to clone, never steps back.
#[derive(Clone)]
pub struct Clock {}

/// Moves a manual clock.
#[derive(Clone)]
pub struct Hand {}

impl Clock {
    /// A clock that stands still until its hand moves it. For tests.
    pub fn manual(_start: Timestamp) -> (Self, Hand) {
        todo!()
    }

    /// Domain time now, to the microsecond.
    pub fn now(&self) -> Timestamp {
        todo!()
    }

    /// A time for an event that `cause` brought about: later than it, and later than the last that was given here.
    pub fn cause_after(&self, _cause: Timestamp) -> Timestamp {
        todo!()
    }

    /// A time for an event that nothing but the clock brought about.
    pub fn next(&self) -> Timestamp {
        todo!()
    }

    /// How long a sleeper has to wait in real time until `instant` of domain time; zero if it has passed.
    pub fn real_duration_until(&self, _instant: Timestamp) -> Duration {
        todo!()
    }

    /// Sleeps until `instant` of domain time, through steps and changes of factor.
    pub async fn sleep_until(&self, _instant: Timestamp) {
        todo!()
    }

    /// Changes whenever the clock was set.
    pub fn changed(&self) -> watch::Receiver<u64> {
        todo!()
    }
}

impl Hand {
    pub fn set(&self, _to: Timestamp) {
        todo!()
    }

    pub fn advance(&self, _by: Duration) {
        todo!()
    }
}
