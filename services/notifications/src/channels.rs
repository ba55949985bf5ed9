//! The ways out: mail and webhooks.

mod email;
mod resolving;
mod webhook;

pub use webhook::{endpoint, payload};

use crate::App;
use crate::letter::Outgoing;
use crate::outcome::Outcome;
use crate::settings::Settings;
use crate::store::claims::Claimed;
use crate::tell::Channel;

/// Connections that are kept, shared by all attempts.
#[derive(Clone)]
pub struct Channels {
    email: Option<email::Relay>,
    webhook: webhook::Caller,
}

impl Channels {
    /// # Errors
    /// The relay's URL cannot be used.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let email = settings.smtp_url.as_ref().map(|url| email::Relay::new(url.expose(), settings)).transpose()?;
        Ok(Self { email, webhook: webhook::Caller::new(settings)? })
    }

    /// Makes one attempt.
    pub async fn send(&self, app: &App, channel: Channel, address: &str, claimed: &Claimed, outgoing: &Outgoing) -> Outcome {
        match (channel, &self.email) {
            (Channel::Email, Some(relay)) => relay.send(&app.settings, address, claimed, outgoing).await,
            (Channel::Email, None) => Outcome::Failed { error: "no mail relay is set (DUBAN_SMTP_URL)".to_owned() },
            (Channel::Webhook, _) => self.webhook.send(&app.settings, address, claimed, outgoing).await,
        }
    }
}
