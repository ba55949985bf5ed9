//! When a filing that could not be done yet is tried again. Pure; mechanism time.

use std::time::Duration;

/// The longest wait for an owner that has not handled a close yet.
pub const FOR_PROGRAMS: Duration = Duration::from_secs(240);
/// The longest wait for duties that outlive a close.
pub const FOR_PEOPLE: Duration = Duration::from_secs(3_600);

/// The wait after attempt number `attempt` (from 1): doubling from a quarter of a second to `most`, the latter half of it by `chance` in
/// 0..1. So what has waited for days is asked for seldom, what is ready in a moment soon. There is no last attempt: what is closed is filed,
/// however long an owner needs.
pub fn wait(attempt: i32, most: Duration, chance: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(14);
    let longest = Duration::from_millis(250 << doublings).min(most);
    longest / 2 + longest.mul_f64(chance.clamp(0.0, 1.0)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_to_their_longest_and_no_further(attempt in -3i32..1_000, chance in 0.0f64..1.0) {
            for most in [FOR_PROGRAMS, FOR_PEOPLE] {
                let waited = wait(attempt, most, chance);
                prop_assert!(waited >= Duration::from_millis(125) && waited <= most);
                prop_assert!(attempt < 15 || waited >= most / 2);
                prop_assert!(wait(attempt, most, 0.0) <= wait(attempt.saturating_add(1), most, 0.0));
            }
        }
    }
}
