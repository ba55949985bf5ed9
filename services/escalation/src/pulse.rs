//! Whether a task still does its rounds: a service whose tick fails again and again, or has ended, is not ready though its process turns.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a task may be without a round that succeeded.
const WITHIN: Duration = Duration::from_secs(120);

/// When a task last ended a round well.
#[derive(Debug)]
pub struct Pulse(Mutex<Instant>);

impl Pulse {
    /// Begins now.
    pub fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// A round ended well.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// For readiness.
    ///
    /// # Errors
    /// In a few words, how long there was none.
    pub fn check(&self) -> Result<(), String> {
        let quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if quiet <= WITHIN { Ok(()) } else { Err(format!("no round ended well for {} s", quiet.as_secs())) }
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_without_a_good_round_for_two_minutes_makes_the_service_unready() {
        let pulse = Pulse::new();
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(pulse.check(), Ok(()));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(pulse.check(), Err("no round ended well for 130 s".to_owned()));
        pulse.beat();
        assert_eq!(pulse.check(), Ok(()));
    }
}
