//! What every service of Duban stands on: the broker, the database, the inbox and outbox that make 'nothing lost, nothing done twice'
//! true, the clock of domain time, requests and their kept answers, telemetry, health.
//!
//! A service's `main` reads its configuration with [`config::parse`], calls [`Platform::start`], registers its consumers and
//! requests, and ends in [`Platform::run_until_shutdown`]. It starts without waiting for Postgres or NATS: everything here reconnects
//! and retries in the background, and [`health`] tells what is missing.

pub mod acting;
pub mod bus;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod copies;
pub mod db;
pub mod dead_letters;
mod guard;
pub mod health;
pub mod metrics;
pub mod outbox;
mod platform;
pub mod reach;
pub mod relay;
pub mod rpc;
pub mod sealing;
pub mod telemetry;

pub use bus::Bus;
pub use clock::Clock;
pub use copies::{DirectoryCopy, PolicyCopy};
pub use db::{Database, Ts};
pub use guard::guarded;
pub use health::Health;
pub use metrics::Metrics;
pub use outbox::Outbox;
pub use platform::Platform;
pub use sealing::Seal;
pub use tokio_util::sync::CancellationToken;

/// Every process that stands on this: batches make and drop hundreds of thousands of small strings a second, across threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
