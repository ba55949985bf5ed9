//! What counts as late: what should have been raised while this copy could not, being down, without a broker or behind.
//!
//! Domain time may run a thousand times as fast as real time or be stepped by days, so lateness cannot be a length of domain time. The
//! copy remembers which domain time it had when it ticked; what was due before the tick of some seconds ago (real ones) was missed.

use duban_contracts::Timestamp;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Real time that a tick may lag behind without what it raises being late.
const ALLOWED: Duration = Duration::from_secs(5);

/// When this copy ticked, by both clocks.
#[derive(Debug, Default)]
pub struct Ticks(VecDeque<(Instant, Timestamp)>);

impl Ticks {
    /// Notes a tick. Gives the domain time before which what is due now is late.
    pub fn note(&mut self, real: Instant, domain: Timestamp) -> Timestamp {
        while self.0.get(1).is_some_and(|(second, _)| real.saturating_duration_since(*second) >= ALLOWED) {
            self.0.pop_front();
        }
        if self.0.back().is_none_or(|(last, _)| real.saturating_duration_since(*last) >= ALLOWED / 20) {
            self.0.push_back((real, domain));
        }
        self.0.front().map_or(domain, |(_, oldest)| *oldest)
    }

    /// Ticking has stopped for a while: what falls due meanwhile will be late.
    pub fn interrupted(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_due_before_the_first_tick_is_late() {
        let start = Instant::now();
        assert_eq!(Ticks::default().note(start, domain(1_000)), domain(1_000));
    }

    #[test]
    fn a_step_of_the_clock_makes_nothing_late() {
        let (start, mut ticks) = (Instant::now(), Ticks::default());
        ticks.note(start, domain(1_000));
        assert_eq!(ticks.note(start + Duration::from_secs(1), domain(90_000)), domain(1_000));
    }

    #[test]
    fn while_ticking_only_what_is_seconds_old_by_real_time_is_late() {
        let (start, mut ticks) = (Instant::now(), Ticks::default());
        for second in 0..=20 {
            ticks.note(start + Duration::from_secs(second), domain(1_000 * second as i64));
        }
        assert_eq!(ticks.note(start + Duration::from_secs(20), domain(20_000)), domain(15_000));
    }

    #[test]
    fn an_interruption_makes_late_what_fell_into_it() {
        let (start, mut ticks) = (Instant::now(), Ticks::default());
        ticks.note(start, domain(1_000));
        ticks.interrupted();
        assert_eq!(ticks.note(start + Duration::from_secs(1), domain(90_000)), domain(90_000));
    }
}
