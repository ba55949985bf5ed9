//! Notifications: tells people what escalation raises, over email and signed webhooks, and says who could not be reached.
//!
//! What it promises:
//! - One message per alert and person, one delivery per channel of his, each with an id derived from alert, person and channel: a mail's
//!   `Message-ID` and a webhook's `webhook-id`. A sending that was cut off is repeated under the same id, never under another.
//! - Nothing is sent for an alert that was acknowledged, or whose duty has ended, as far as its own copy knows at that moment; escalation is
//!   asked too, and when it does not answer the message goes out.
//! - A destination that is slow or dead delays nobody but itself.
//! - What is too much at once for one person goes out as one message with the count ([`gathering`]).
//! - Who is back from an absence gets one message that lists what others were alerted of in his place and still stands, by the same deliveries.
//! - When every channel of an alert for a person has failed it is told (`alert.unreachable`), counted and listed.
//! - Addresses stand in the directory's copy alone: tables, events, logs and answers have them masked.
//!
//! A delivery's journey: [`intake_of_events`] → [`tell`] → [`send_due`] → [`channels`] → [`outcome`].

pub mod backoff;
pub mod channels;
pub mod gathering;
pub mod intake_of_events;
pub mod letter;
pub mod link;
pub mod mask;
pub mod measures;
pub mod outcome;
pub mod public_range;
pub mod requests;
pub mod rights;
pub mod send_due;
pub mod settings;
pub mod signature;
mod store;
pub mod tell;
pub mod unreachable;
pub mod words;

pub use settings::Settings;

use channels::Channels;
use duban_contracts::subjects::{self, service, stream};
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
    pub channels: Channels,
    /// Something was written that may be due.
    pub wake: Arc<Notify>,
}

/// Alerts, and of duties only what ends or moves them: an alert says of its duty what a message needs, and most duties never raise one.
fn of_escalation(app: &App) -> Consume<IntakeOfEvents> {
    let of_duties =
        ["duty.closed", "duty.cancelled", "duty.withdrawn", "duty.moved"].map(|name| subjects::event(service::ESCALATION, name));
    let consume = Consume::new(IntakeOfEvents { app: app.clone() }).stream(stream::ESCALATION).batch(500);
    let consume = ["alert.>", "return.>"].map(|name| subjects::event(service::ESCALATION, name)).into_iter().fold(consume, Consume::only);
    of_duties.into_iter().fold(consume, Consume::only)
}

/// Starts consumers, requests and the sender.
///
/// # Errors
/// A setting that cannot be used.
pub async fn start(platform: &Platform, settings: Settings) -> anyhow::Result<App> {
    let app = App {
        measures: Measures::new(&platform.metrics),
        channels: Channels::new(&settings)?,
        settings: Arc::new(settings),
        platform: platform.clone(),
        wake: Arc::new(Notify::new()),
    };
    platform.keep_copies();
    platform.consume(of_escalation(&app));
    platform.consume(Consume::new(IntakeOfEvents { app: app.clone() }).stream(stream::INTAKE).batch(500));
    requests::serve(&app).await?;
    platform.tasks.spawn(send_due::run(app.clone()));
    platform.tasks.spawn(measures::watch(app.clone()));
    Ok(app)
}
