//! Domain time of the play: the same in every service, and never past the next thing that is to happen.
//!
//! It goes by steps, each confirmed by every copy of every service before anything else is done. A stretch without anything takes as long as it
//! would at `factor` times real time, in steps of a fifth of a second; the last one ends at the very instant of the next thing, and there it
//! stands until that has happened and all that follows from it is known everywhere. So a person who does something in time does it in time,
//! however slow the machine is.

use crate::clock;
use crate::dead::Broker;
use anyhow::Context;
use duban_local::ClockSetting;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, PgConnection};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The play's clock. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    now: RwLock<Timestamp>,
    factor: f64,
    database: Mutex<PgConnection>,
    broker: Broker,
    /// How many copies of services have to confirm a change.
    copies: usize,
}

/// Real time between two steps.
const STEP: Duration = Duration::from_millis(200);

impl Pace {
    /// Has domain time stand at `start` in every service. It will go `factor` times as fast as real time.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn begin(database: &str, broker: &Broker, start: Timestamp, factor: f64) -> anyhow::Result<Self> {
        let copies = clock::copies(broker).await?.len();
        let database = Mutex::new(PgConnection::connect(database).await.context("setting the clock")?);
        let pace = Self(Arc::new(Parts { now: RwLock::new(start), factor, database, broker: broker.clone(), copies }));
        pace.stand_at(start).await?;
        Ok(pace)
    }

    pub fn factor(&self) -> f64 {
        self.0.factor
    }

    /// Domain time now.
    pub fn now(&self) -> Timestamp {
        *self.0.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on towards `at` for as long as a step takes, and no further than there.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn step_towards(&self, at: Timestamp) -> anyhow::Result<()> {
        let begun = Instant::now();
        let left = at.duration_since(self.now()).as_secs_f64().max(0.0);
        let most = STEP.as_secs_f64() * self.0.factor;
        if left <= most {
            self.stand_at(at).await?;
        } else {
            self.stand_at(self.now().checked_add(SignedDuration::from_secs_f64(most))?).await?;
        }
        let takes = Duration::from_secs_f64(left.min(most) / self.0.factor);
        tokio::time::sleep(takes.saturating_sub(begun.elapsed())).await;
        Ok(())
    }

    /// Domain time stands at `at`, or where it is if that is past.
    ///
    /// # Errors
    /// When the database does not answer, or a copy does not confirm.
    pub async fn stand_at(&self, at: Timestamp) -> anyhow::Result<()> {
        let (version, micros) = duban_local::clock::stand(&mut *self.0.database.lock().await, &at.to_string()).await?;
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = Timestamp::from_microsecond(micros)?;
        clock::confirmed_by(&self.0.broker, version, self.0.copies).await
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
}
