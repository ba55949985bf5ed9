//! Intake: from accepted reports to cases.
//!
//! It promises that every accepted report ends in exactly one place: in a case of its own, in the case that it follows, among those that
//! wait for the report that they follow, or among the rejected, with a person told. Its parts, in the order of a report's journey:
//!
//! - [`intake_of_reports`] takes batches from the work queue: identity, other bodies under known keys, waiting, registration;
//! - [`duban_engine::judging`] says what a report is, by the packs of its unit; [`register`] writes cases, with numbers, history and events;
//! - [`following`] joins reports to the cases of the reports that they follow, whichever came first;
//! - [`rejecting`] keeps what cannot be registered; a person admits or dismisses it;
//! - [`listening`] tells of producers that have gone silent;
//! - [`requests`] is what others ask: lists, one case, acts; [`visibility`] (pure) says who sees what.

pub mod app;
pub mod following;
pub mod intake_of_reports;
pub mod listening;
pub mod measures;
pub mod register;
pub mod rejecting;
pub mod requests;
pub mod settings;
pub mod showing;
pub mod store;
pub mod visibility;

use anyhow::Context;
use app::App;
use duban_contracts::identity::IdentityKeys;
use duban_contracts::subjects::stream;
use duban_platform::Platform;
use duban_platform::consumer::Consume;
use intake_of_reports::IntakeOfReports;
use settings::Settings;
use std::time::Duration;

/// How often it is looked for what is old enough to be erased.
const AGEING: Duration = Duration::from_secs(600);

/// Starts what intake does: its consumer, its requests, and what goes on by itself.
///
/// # Errors
/// A key that cannot be read, or the broker's client has gone.
pub async fn start(platform: &Platform, settings: &Settings) -> anyhow::Result<App> {
    let keys = IdentityKeys {
        identity: settings.identity_key.key().context("DUBAN_IDENTITY_KEY")?,
        check: settings.check_key.key().context("DUBAN_CHECK_KEY")?,
    };
    let app = App::new(platform, keys, settings.clone());
    platform.keep_copies();
    requests::serve(&app).await?;
    let batch = usize::from(settings.intake_batch);
    platform.consume(Consume::new(IntakeOfReports { app: app.clone() }).stream(stream::REPORTS).batch(batch));
    platform.tasks.spawn(following::run(app.clone()));
    platform.tasks.spawn(listening::run(app.clone()));
    platform.tasks.spawn(age_out(app.clone()));
    Ok(app)
}

/// Erases, again and again, what has been kept for long enough.
async fn age_out(app: App) {
    loop {
        tokio::select! {
            () = app.platform.shutdown.cancelled() => return,
            () = tokio::time::sleep(AGEING) => {}
        }
        match store::waiting::expire_alone(app.platform.db.pool(), app.settings.lone_kept()).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "reports that became cases of their own wait for the one that they follow no longer"),
            Err(error) => tracing::debug!(%error, "ageing out waits"),
        }
        let now = app.platform.clock.now();
        match store::rejected::age_out(app.platform.db.pool(), now, app.settings.rejected_kept()).await {
            Ok(0) => {}
            Ok(erased) => tracing::info!(erased, "texts of rejected reports were erased"),
            Err(error) => tracing::debug!(%error, "ageing out waits"),
        }
    }
}
