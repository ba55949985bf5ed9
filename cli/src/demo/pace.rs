//! Domain time of the play, computed here from the same setting that the services read.
//!
//! It runs, a few thousand times as fast as real time, from one thing that is to happen to the next; there it stands until that has happened
//! and all that follows from it is known everywhere. So a person who does something in time does it in time, however slow the machine is.

use crate::clock;
use crate::dead::Broker;
use anyhow::Context;
use duban_local::ClockSetting;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, PgConnection};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The play's clock. Cheap to clone; all clones run alike.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    now: RwLock<Hands>,
    factor: f64,
    database: Mutex<PgConnection>,
    broker: Broker,
    /// How many copies of services have to confirm a change.
    copies: usize,
}

#[derive(Debug, Clone, Copy)]
struct Hands {
    start: Timestamp,
    at: Instant,
    runs: bool,
}

/// The clock is stopped so much before it comes to its instant, and stepped there: telling it to all takes some milliseconds, which may not lead
/// past what is due right after.
const LEAD: Duration = Duration::from_millis(50);

impl Pace {
    /// Has domain time stand at `start` in every service. It will run `factor` times as fast as real time.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn begin(database: &str, broker: &Broker, start: Timestamp, factor: f64) -> anyhow::Result<Self> {
        let hands = Hands { start, at: Instant::now(), runs: false };
        let copies = clock::copies(broker).await?.len();
        let database = Mutex::new(PgConnection::connect(database).await.context("setting the clock")?);
        let pace = Self(Arc::new(Parts { now: RwLock::new(hands), factor, database, broker: broker.clone(), copies }));
        pace.stand_at(start).await?;
        Ok(pace)
    }

    pub fn factor(&self) -> f64 {
        self.0.factor
    }

    /// Domain time now.
    pub fn now(&self) -> Timestamp {
        let hands = *self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        if !hands.runs {
            return hands.start;
        }
        let passed = hands.at.elapsed().as_secs_f64() * self.0.factor;
        hands.start.checked_add(SignedDuration::from_secs_f64(passed)).unwrap_or(Timestamp::MAX)
    }

    /// Domain time goes on from where it stands.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&self) -> anyhow::Result<()> {
        let start = self.now();
        let setting = ClockSetting::Accelerated { start: start.to_string(), factor: self.0.factor };
        setting.write_on(&mut *self.0.database.lock().await).await?;
        self.set(Hands { start, at: Instant::now(), runs: true });
        // A copy that hears of it a moment later is not behind: it computes from the same instants.
        clock::tell(&self.0.broker).await
    }

    /// Waits until domain time, running, has nearly come to `at`.
    pub async fn nearly(&self, at: Timestamp) {
        let left = at.duration_since(self.now()).as_secs_f64() / self.0.factor;
        tokio::time::sleep(Duration::from_secs_f64(left.max(0.0)).saturating_sub(LEAD)).await;
    }

    /// Domain time stands at `at`, or where it is if that is past.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn stand_at(&self, at: Timestamp) -> anyhow::Result<()> {
        let (version, micros) = duban_local::clock::stand(&mut *self.0.database.lock().await, &at.to_string()).await?;
        self.set(Hands { start: Timestamp::from_microsecond(micros)?, at: Instant::now(), runs: false });
        clock::confirmed_by(&self.0.broker, version, self.0.copies).await
    }

    /// Domain time stands where it is.
    ///
    /// # Errors
    /// As [`Pace::stand_at`].
    pub async fn stand(&self) -> anyhow::Result<()> {
        self.stand_at(self.now()).await
    }

    /// From where it stands it goes on as real time does.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn leave(&self) -> anyhow::Result<()> {
        let setting = ClockSetting::Accelerated { start: self.now().to_string(), factor: 1.0 };
        let version = setting.write_on(&mut *self.0.database.lock().await).await?;
        clock::confirmed_by(&self.0.broker, version, self.0.copies).await
    }

    fn set(&self, hands: Hands) {
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = hands;
    }
}
