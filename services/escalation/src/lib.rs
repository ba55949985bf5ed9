//! Escalation: who owes what by when, and who is told when it is not done.
//!
//! What it promises:
//!
//! - Each event opens and closes what the policy's rules say, once, in whatever order and however often it comes ([`intake_of_events`],
//!   [`duban_engine::matter`]). It knows nothing of cases: rule and key say what belongs together.
//! - Each rung of a duty's ladder is raised once, by whichever copy claims it, and never after the duty's close has committed
//!   ([`raise_due`], [`duban_engine::climb`]). After an outage every missed rung is raised once, in order, marked late ([`lateness`]).
//! - Rungs name posts; people are found at the time of raising, deputies and superiors included, and who is complained about is passed
//!   over ([`duban_engine::recipients`]). An alert keeps in whose place it went to others; who comes back is told once what of that still
//!   stands ([`returns`]).
//! - A correction of a calendar or a rule reaches every duty that stands once ([`correcting`]), and what it would change is listed before
//!   ([`foreseeing`]).
//! - What happened is kept, and a draft of other rules can be run over it ([`rehearsing`]).
//! - Timers that were lost are found, set right and told ([`auditing`]).
//! - A person sees what [`sight`] says, in lists, counts and single answers alike.
//!
//! What it decides is [`duban_engine`]'s, but for [`lateness`], which is the tick's own; [`store`] has the SQL; [`requests`] has a file for each
//! thing that can be asked.

pub mod auditing;
pub mod correcting;
mod diverted_in_words;
mod done_in_words;
pub mod figures;
pub mod foreseeing;
pub mod intake_of_events;
pub mod lateness;
pub mod own_events;
pub mod pages;
pub mod pulse;
pub mod raise_due;
pub mod recurring;
pub mod rehearsing;
pub mod requests;
pub mod returns;
pub mod sight;
pub mod store;
pub mod timing;
mod trials;
mod upkeep;

use duban_contracts::Timestamp;
use duban_contracts::subjects::stream;
use duban_platform::consumer::Consume;
use duban_platform::{Platform, db};
use figures::Figures;
use intake_of_events::IntakeOfEvents;
use pulse::Pulse;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What the parts of the service share.
pub struct App {
    pub platform: Platform,
    pub figures: Figures,
    /// Told when a transaction may have set a timer that runs out earlier than the tick expects.
    pub timers_changed: Notify,
    /// Told when own events may have come that own rules listen to.
    pub own_events_told: Notify,
    /// Told when a list of what a correction would change is asked for.
    pub foreseeing_wanted: Notify,
    /// Told when a rehearsal is asked for.
    pub rehearsal_wanted: Notify,
    /// For how many days of domain time events are kept for rehearsals.
    pub keep_days: u16,
    /// Of the tick, and of the handling of own events.
    ticks: Pulse,
    own_events: Pulse,
}

impl App {
    /// Whether an error is the database's trouble and no fault of the row that was at hand: then all is tried again as it is.
    fn is_trouble(&self, error: &sqlx::Error) -> bool {
        self.platform.db.noticed(error);
        db::is_down(error) || db::is_retryable(error)
    }

    /// Real seconds that lie between two instants of domain time, as the clock runs now.
    fn real_seconds(&self, from: Timestamp, to: Timestamp) -> f64 {
        let factor = self.platform.clock.setting().factor;
        let ahead = to.duration_since(from).as_secs_f64().max(0.0);
        if factor > 0.0 { ahead / factor } else { 0.0 }
    }
}

/// How often things are looked at by themselves, in real time.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Due rungs, at least.
    pub tick: Duration,
    /// Rest between two audits of all timers.
    pub audit: Duration,
    /// Days for which events are kept that a draft may be rehearsed over.
    pub keep_days: u16,
}

/// Starts consumers, requests and ticks.
///
/// # Errors
/// A request that cannot be announced.
pub async fn start(platform: &Platform, rounds: Rounds) -> anyhow::Result<Arc<App>> {
    let app = Arc::new(App {
        platform: platform.clone(),
        figures: Figures::new(platform),
        timers_changed: Notify::new(),
        own_events_told: Notify::new(),
        foreseeing_wanted: Notify::new(),
        rehearsal_wanted: Notify::new(),
        keep_days: rounds.keep_days,
        ticks: Pulse::new(),
        own_events: Pulse::new(),
    });
    let (ticks, own_events) = (app.clone(), app.clone());
    platform.health.ready("ticks", move || std::future::ready(ticks.ticks.check()));
    platform.health.ready("own-events", move || std::future::ready(own_events.own_events.check()));
    platform.keep_copies();
    // An event can open several duties, each of some kilobytes: larger batches would be a little faster, and take more than the 100 MB that a
    // service may have.
    let consume = Consume::new(IntakeOfEvents { app: app.clone() }).batch(250);
    platform.consume(consume.stream(stream::INTAKE).stream(stream::ARCHIVE).stream(stream::NOTIFICATIONS));
    requests::serve(&app).await?;
    platform.tasks.spawn(raise_due::run(app.clone(), rounds.tick));
    platform.tasks.spawn(own_events::run(app.clone()));
    platform.tasks.spawn(correcting::run(app.clone()));
    platform.tasks.spawn(foreseeing::run(app.clone()));
    platform.tasks.spawn(rehearsing::run(app.clone()));
    platform.tasks.spawn(auditing::run(app.clone(), rounds.audit));
    platform.tasks.spawn(upkeep::run(app.clone()));
    Ok(app)
}
