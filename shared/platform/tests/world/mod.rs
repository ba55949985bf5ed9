//! The world of these tests: a Postgres and a broker of one's own, services made of nothing but the platform, and events between them.

#![allow(dead_code)] // each test file uses its part

use anyhow::Context;
use async_nats::jetstream::consumer::PullConsumer;
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::{Event, NewEvent, Timestamp};
use duban_local::Ground;
use duban_platform::Platform;
use duban_platform::config::{Common, LogFormat};
use duban_platform::consumer::{BatchHandler, Failure, NotYet};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

pub struct World {
    pub ground: Ground,
}

impl World {
    pub async fn new() -> anyhow::Result<Self> {
        Ok(Self { ground: Ground::for_test().await? })
    }

    /// A copy of a service, with a table of its own to write effects into.
    pub async fn service(&self, name: &'static str) -> anyhow::Result<Platform> {
        let platform = Platform::start(name, &self.settings(name)?, migrations()).await?;
        tokio::time::timeout(Duration::from_secs(120), platform.db.migrated()).await.context("not migrated in time")?;
        tokio::time::timeout(Duration::from_secs(120), platform.bus.connected()).await.context("not connected in time")?;
        Ok(platform)
    }

    pub fn settings(&self, name: &str) -> anyhow::Result<Common> {
        let secrets = self.ground.secrets();
        Ok(Common {
            config: None,
            nats_url: self.ground.nats_url().to_owned(),
            nats_user: Some(name.to_owned()),
            nats_password: Some(secrets.nats_password(name)?.parse()?),
            database_url: self.ground.database_url(name)?.parse()?,
            database_connections: 8,
            bind: "127.0.0.1:0".parse()?,
            claim_public: Some(secrets.claim_public()?),
            seal_key: secrets.seal_key(name)?.parse()?,
            state_dir: None,
            log_format: LogFormat::Human,
            demonstration: true,
            keep_outbox_days: 3,
            keep_dead_letter_days: 90,
        })
    }

    /// A claim that the gateway would sign.
    pub fn claim(&self, person: &str) -> anyhow::Result<String> {
        self.claim_of(Asker::Person { person: person.to_owned(), session: Uuid::nil() })
    }

    pub fn claim_of(&self, asker: Asker) -> anyhow::Result<String> {
        let seed = duban_platform::config::key_of(&self.ground.secrets().claim_seed()?)?;
        Ok(Claim::new(asker, Timestamp::now().as_second()).sign(&ed25519_dalek::SigningKey::from_bytes(&seed)))
    }
}

fn migrations() -> sqlx::migrate::Migrator {
    use sqlx::SqlSafeStr;
    use sqlx::migrate::{Migration, MigrationType};
    let sql = "create table effect (event uuid not null, word text not null, at timestamptz not null default clock_timestamp())";
    sqlx::migrate::Migrator::with_migrations(vec![Migration::new(1, "effect".into(), MigrationType::Simple, sql.into_sql_str(), false)])
}

/// What the services here tell each other.
#[derive(Debug, Serialize, Deserialize)]
pub struct Word {
    pub word: String,
}

/// Events of intake, each with its number as its word.
pub fn words(platform: &Platform, numbers: std::ops::Range<usize>) -> Vec<NewEvent> {
    numbers
        .map(|number| {
            let about = format!("case/{number}");
            NewEvent::new("intake", "case.registered", about, 1, platform.clock.next(), &Word { word: format!("word {number}") })
        })
        .collect()
}

/// Commits events to a service's outbox.
pub async fn tell(platform: &Platform, events: &[NewEvent]) -> anyhow::Result<()> {
    let mut tx = platform.db.begin().await?;
    platform.outbox.write(&mut tx, events).await?;
    tx.commit().await?;
    platform.outbox.wake();
    Ok(())
}

/// Writes each event's word down; refuses and waits as it is told.
#[derive(Clone, Default)]
pub struct WriteDown {
    /// Words with this in them are refused while `refuses`.
    pub poison: Option<&'static str>,
    pub refuses: Arc<AtomicBool>,
    /// Everything waits while this is set.
    pub waits: Arc<AtomicBool>,
}

impl BatchHandler for WriteDown {
    fn ready(&self, _: &Event) -> Result<(), NotYet> {
        if self.waits.load(Ordering::SeqCst) { Err(NotYet("the test".to_owned())) } else { Ok(()) }
    }

    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        let mut all = Vec::new();
        for event in batch {
            let Word { word } = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
            if self.refuses.load(Ordering::SeqCst) && self.poison.is_some_and(|poison| word.contains(poison)) {
                return Err(Failure::of(event, "poison"));
            }
            all.push((event.id, word));
        }
        sqlx::query("insert into effect (event, word) select * from unnest($1::uuid[], $2::text[])")
            .bind(all.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(all.into_iter().map(|(_, word)| word).collect::<Vec<_>>())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Waits until the number that a query gives is the wanted one.
pub async fn until(pool: &PgPool, sql: &'static str, wanted: i64, within: Duration) -> anyhow::Result<()> {
    let end = tokio::time::Instant::now() + within;
    loop {
        let last = sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await;
        if matches!(last, Ok(found) if found == wanted) {
            return Ok(());
        }
        anyhow::ensure!(tokio::time::Instant::now() < end, "{sql} gives {last:?}, wanted {wanted}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Asks the broker something, after which it has read the subscriptions that went before: from here on it hands requests over.
pub async fn known_to_the_broker(platform: &Platform) -> anyhow::Result<()> {
    platform.bus.client.request("$JS.API.INFO", "".into()).await?;
    Ok(())
}

/// Waits until a service has acknowledged everything that stands in a stream: what came twice has been dropped, or has had its effect.
pub async fn worked_off(platform: &Platform, stream: &'static str, within: Duration) -> anyhow::Result<()> {
    let end = tokio::time::Instant::now() + within;
    loop {
        let consumer: Result<PullConsumer, _> = platform.bus.jetstream.get_consumer_from_stream(platform.bus.service(), stream).await;
        let left = consumer.map(|consumer| (consumer.cached_info().num_pending, consumer.cached_info().num_ack_pending));
        if matches!(left, Ok((0, 0))) {
            return Ok(());
        }
        anyhow::ensure!(tokio::time::Instant::now() < end, "of {stream} is left, unread and unacknowledged: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn number(pool: &PgPool, sql: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

/// How many effects there are, and how many events they are of: the same, when nothing was lost or done twice.
pub const EFFECTS: &str = "select count(*) from effect";
pub const EVENTS: &str = "select count(distinct event) from effect";
