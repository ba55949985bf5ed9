//! When a delivery that failed is tried again: exponential backoff with full jitter. Pure; randomness is an argument.

use std::time::Duration;

/// The schedule of retries. Mechanism time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Longest wait before the second attempt.
    pub base: Duration,
    /// No wait is longer than this.
    pub cap: Duration,
    /// After so many attempts the delivery has failed.
    pub attempts: u32,
}

impl Default for Schedule {
    /// Fourteen attempts over about fifty minutes (at most ninety-five): then the alert is told as unreachable, and the ladder, which
    /// climbs in hours, has lost little.
    fn default() -> Self {
        Self { base: Duration::from_secs(5), cap: Duration::from_secs(900), attempts: 14 }
    }
}

impl Schedule {
    /// The wait after attempt number `attempt` (from 1) has failed, or None when it was the last one.
    ///
    /// `chance` in 0..1 spreads the wait evenly from nothing to the step's longest ("full jitter"), so that what failed together does
    /// not come back together. `asked` is what the other side asked for (`Retry-After`): the wait is not shorter than that, within the cap.
    pub fn wait(&self, attempt: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let jittered = self.longest(attempt).mul_f64(chance.clamp(0.0, 1.0));
        Some(asked.map_or(jittered, |asked| asked.min(self.cap).max(jittered)))
    }

    /// The longest wait after attempt number `attempt`: it doubles until the cap.
    fn longest(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.saturating_mul(1u32 << doublings).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedules() -> impl Strategy<Value = Schedule> {
        (1u64..60, 1u64..100_000, 1u32..60).prop_map(|(base, cap, attempts)| Schedule {
            base: Duration::from_secs(base),
            cap: Duration::from_secs(cap),
            attempts,
        })
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_cap_or_than_the_doubled_step(schedule in schedules(), attempt in 1u32..80, chance in 0.0f64..1.0) {
            match schedule.wait(attempt, chance, None) {
                None => prop_assert!(attempt >= schedule.attempts),
                Some(wait) => {
                    prop_assert!(attempt < schedule.attempts);
                    prop_assert!(wait <= schedule.cap);
                    prop_assert!(wait.as_secs_f64() <= schedule.base.as_secs_f64() * 2f64.powi(attempt as i32 - 1) + 1e-6);
                }
            }
        }

        #[test]
        fn the_longest_wait_never_shrinks(schedule in schedules(), attempt in 1u32..80) {
            prop_assert!(schedule.longest(attempt) <= schedule.longest(attempt + 1));
        }

        #[test]
        fn the_other_side_is_not_asked_before_it_said(schedule in schedules(), chance in 0.0f64..1.0, asked in 0u64..200_000) {
            let asked = Duration::from_secs(asked);
            if let Some(wait) = schedule.wait(1, chance, Some(asked)) {
                prop_assert!(wait >= asked.min(schedule.cap));
                prop_assert!(wait <= schedule.cap);
            }
        }

        #[test]
        fn every_attempt_ends(schedule in schedules()) {
            let tries = (1..).take_while(|attempt| schedule.wait(*attempt, 1.0, None).is_some()).count();
            prop_assert_eq!(tries as u32 + 1, schedule.attempts);
        }
    }
}
