//! Archive: files what is closed, and keeps it provably unchanged.
//!
//! What it promises:
//! - Every close of a case is filed once: the closing event makes a job in the same transaction as its inbox row, and the job waits as long as
//!   an owner of a part of the file needs, through restarts of everybody.
//! - A record has an index number that no other has, the file as one canonical JSON text with its SHA-256, sealed under a key of its own.
//! - The record, its key, its ledger entry, its event and the end of the job are one transaction.
//! - The ledger is append-only and chained: [`ledger::verify`] finds what was changed, taken out or put in. Who reads a file is in it before
//!   he has it.
//! - A case that is reopened and closed again gets another edition; so does one whose duties outlive its close (a follow-up call, a debt to
//!   be collected), when the last of them has ended.
//!
//! The journey: [`intake_of_events`] → [`file_closed`] ([`owners`], [`case_file`], [`sealed_content`], [`ledger`]) → `record.filed`.

pub mod backoff;
pub mod case_file;
pub mod file_closed;
pub mod intake_of_events;
pub mod ledger;
pub mod measures;
pub mod owners;
pub mod requests;
pub mod rights;
pub mod sealed_content;
pub mod settings;
mod store;

pub use settings::Settings;

use duban_contracts::subjects::stream;
use duban_platform::Platform;
use duban_platform::consumer::Consume;
use intake_of_events::IntakeOfEvents;
use measures::Measures;
use std::sync::Arc;
use tokio::sync::Notify;

/// What every part of the service works with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub platform: Platform,
    pub settings: Arc<Settings>,
    pub measures: Measures,
    /// A case was closed.
    pub wake: Arc<Notify>,
}

/// Starts consumers, requests and the filing.
///
/// # Errors
/// The broker's client refuses the service's own definition.
pub async fn start(platform: &Platform, settings: Settings) -> anyhow::Result<App> {
    let app = App {
        measures: Measures::new(&platform.metrics),
        settings: Arc::new(settings),
        platform: platform.clone(),
        wake: Arc::new(Notify::new()),
    };
    platform.keep_copies();
    platform.consume(Consume::new(IntakeOfEvents { app: app.clone() }).stream(stream::INTAKE).batch(500));
    requests::serve(&app).await?;
    platform.tasks.spawn(file_closed::run(app.clone()));
    platform.tasks.spawn(measures::watch(app.clone()));
    Ok(app)
}
