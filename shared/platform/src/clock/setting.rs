//! How domain time runs: start + factor × elapsed.

use duban_contracts::Timestamp;
use serde::{Deserialize, Serialize};

/// The one row of `clock.setting`. The default is real time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Counts the changes.
    pub version: i64,
    /// The database's real time at which domain time was `domain_start`.
    pub real_start: Timestamp,
    pub domain_start: Timestamp,
    /// Domain seconds per real second; 0 stands still.
    pub factor: f64,
}

impl Default for Setting {
    fn default() -> Self {
        Self { version: 0, real_start: Timestamp::UNIX_EPOCH, domain_start: Timestamp::UNIX_EPOCH, factor: 1.0 }
    }
}

impl Setting {
    /// Domain time, in microseconds since 1970, for real time of the same sort.
    pub fn domain(&self, real: i64) -> i64 {
        let elapsed = real.saturating_sub(self.real_start.as_microsecond());
        let scaled = if self.factor == 1.0 { elapsed } else { (elapsed as f64 * self.factor) as i64 };
        self.domain_start.as_microsecond().saturating_add(scaled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_is_exact_and_a_standing_clock_stands() {
        assert_eq!(Setting::default().domain(1_772_000_000_123_457), 1_772_000_000_123_457);
        let standing = Setting { factor: 0.0, domain_start: "2026-03-01T00:00:00Z".parse().unwrap(), ..Setting::default() };
        assert_eq!(standing.domain(5), standing.domain(1_772_000_000_123_457));
    }
}
