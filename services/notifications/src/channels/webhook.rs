//! Webhooks, signed to the Standard Webhooks specification.

use super::resolving::{PrivateAddress, PublicOnly, is_private_literal};
use crate::letter::Outgoing;
use crate::outcome::Outcome;
use crate::settings::Settings;
use crate::signature::WebhookSecret;
use crate::store::claims::Claimed;
use crate::words::{self, Letter};
use duban_contracts::alert::AlertEvent;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Calls webhooks.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    allow_private: bool,
}

/// What a secret belongs to: the person's endpoint at this very address. Another address has another secret.
pub fn endpoint(person: &str, url: &str) -> String {
    format!("{person}\0{url}")
}

impl Caller {
    /// # Errors
    /// No TLS.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .timeout(settings.timeout)
            .user_agent(concat!("duban-notifications/", env!("CARGO_PKG_VERSION")));
        if !settings.webhook_private {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        Ok(Self { client: builder.build()?, allow_private: settings.webhook_private })
    }

    pub async fn send(&self, settings: &Settings, address: &str, claimed: &Claimed, outgoing: &Outgoing) -> Outcome {
        let Ok(url) = Url::parse(address) else { return Outcome::Failed { error: "the webhook's address is not a URL".to_owned() } };
        if !matches!(url.scheme(), "http" | "https") {
            return Outcome::Failed { error: "the webhook's address is neither http nor https".to_owned() };
        }
        if !self.allow_private && is_private_literal(&url) {
            return Outcome::Failed { error: PrivateAddress.to_string() };
        }
        let body = outgoing.payload.to_string();
        let id = format!("msg_{}", claimed.delivery.delivery);
        let secret = WebhookSecret::derived(&settings.links.key, &endpoint(&claimed.delivery.person, address));
        // Signatures are judged against the receiver's clock, so this is real time, not the clock of domain time.
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", secret.sign(&id, timestamp, body.as_bytes()))
            .body(body);
        match request.send().await {
            Ok(response) => judged(&response),
            Err(error) => unanswered(&error),
        }
    }
}

/// The body of an alert: ids, words as in a mail, and the links. The answer's body is never read.
pub fn payload(claimed: &Claimed, alert: &AlertEvent, letter: &Letter) -> Value {
    let paragraphs = words::paragraphs(letter);
    json!({
        "type": "alert.raised",
        "timestamp": alert.raised_at,
        "data": {
            "delivery": claimed.delivery.delivery,
            "alert": alert.alert,
            "duty": alert.duty,
            "case": alert.case,
            "number": letter.number,
            "person": claimed.delivery.person,
            "urgency": letter.urgency.code(),
            "sort": alert.sort,
            "rung": alert.rung,
            "repetition": alert.repetition,
            "unit": alert.unit,
            "pack": alert.pack,
            "rule": alert.rule,
            "article": alert.article,
            "due_at": alert.due_at,
            "raised_at": alert.raised_at,
            "language": letter.language.code(),
            "subject": words::subject(letter),
            "text": words::plain(&paragraphs),
            "acknowledge_url": letter.acknowledge_url,
            "url": letter.page_url,
        }
    })
}

/// What an answer means: 2xx is taken, 410 means that the endpoint is gone for good, all else may pass.
fn judged(response: &Response) -> Outcome {
    let status = response.status();
    match status {
        _ if status.is_success() => Outcome::Sent,
        StatusCode::GONE => Outcome::Failed { error: "the endpoint is gone: 410".to_owned() },
        _ if status.is_redirection() => {
            Outcome::TryAgain { error: format!("the endpoint redirects, which is not followed: {}", status.as_u16()), after: None }
        }
        _ => Outcome::TryAgain { error: format!("the endpoint answered {}", status.as_u16()), after: retry_after(response) },
    }
}

/// `Retry-After` in seconds; the form with a date is rare and ignored.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Why there was no answer, without the address.
fn unanswered(error: &reqwest::Error) -> Outcome {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<PrivateAddress>() {
            return Outcome::Failed { error: PrivateAddress.to_string() };
        }
        cause = inner.source();
    }
    let what = if error.is_timeout() {
        "the endpoint did not answer in time"
    } else if error.is_connect() {
        "the endpoint cannot be reached"
    } else {
        "the endpoint broke off"
    };
    Outcome::TryAgain { error: what.to_owned(), after: None }
}
