//! Domain time of the play, computed here from the same pair and factor that the services read.

use crate::clock;
use crate::dead::Broker;
use duban_local::ClockSetting;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The play's clock. Cheap to clone; all clones run alike.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    now: RwLock<Running>,
    factor: f64,
    database: String,
    broker: Broker,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    start: Timestamp,
    at: Instant,
}

impl Pace {
    /// Lets domain time run from `start`, `factor` times as fast as real time, in every service.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn begin(database: &str, broker: &Broker, start: Timestamp, factor: f64) -> anyhow::Result<Self> {
        let running = Running { start, at: Instant::now() };
        let pace = Self(Arc::new(Parts { now: RwLock::new(running), factor, database: database.to_owned(), broker: broker.clone() }));
        pace.run_from(start).await?;
        Ok(pace)
    }

    pub fn factor(&self) -> f64 {
        self.0.factor
    }

    /// Domain time now.
    pub fn now(&self) -> Timestamp {
        let running = *self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        let passed = running.at.elapsed().as_secs_f64() * self.0.factor;
        running.start.checked_add(SignedDuration::from_secs_f64(passed)).unwrap_or(Timestamp::MAX)
    }

    /// Waits until domain time has come to `at`, through steps.
    pub async fn until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now()).as_secs_f64() / self.0.factor;
            if left <= 0.0 {
                return;
            }
            // Looked at again now and then, since the clock may be stepped meanwhile.
            tokio::time::sleep(Duration::from_secs_f64(left.clamp(0.001, 0.5))).await;
        }
    }

    /// Steps over a stretch in which nothing comes in.
    ///
    /// # Errors
    /// As [`Pace::begin`].
    pub async fn step_to(&self, at: Timestamp) -> anyhow::Result<()> {
        if at > self.now() { self.run_from(at).await } else { Ok(()) }
    }

    async fn run_from(&self, start: Timestamp) -> anyhow::Result<()> {
        let setting = ClockSetting::Accelerated { start: start.to_string(), factor: self.0.factor };
        let version = setting.write(&self.0.database).await?;
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = Running { start, at: Instant::now() };
        clock::told_everywhere(&self.0.broker, version).await
    }
}
