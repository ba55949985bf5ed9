//! Mail by SMTP, over connections that are kept.

use crate::letter::Outgoing;
use crate::outcome::Outcome;
use crate::settings::Settings;
use crate::store::claims::Claimed;
use anyhow::Context;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::error::Error as _;
use std::time::Duration;

/// The mail relay.
#[derive(Clone)]
pub struct Relay(AsyncSmtpTransport<Tokio1Executor>);

impl Relay {
    /// # Errors
    /// The URL cannot be used.
    pub fn new(url: &str, settings: &Settings) -> anyhow::Result<Self> {
        let pool = PoolConfig::new().max_size(u32::try_from(settings.mail_at_once).unwrap_or(8)).idle_timeout(Duration::from_secs(30));
        // The URL holds a password, so the error names the setting alone.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok().context("DUBAN_SMTP_URL cannot be used")?;
        Ok(Self(builder.timeout(Some(settings.timeout)).pool_config(pool).build()))
    }

    pub async fn send(&self, settings: &Settings, address: &str, claimed: &Claimed, outgoing: &Outgoing) -> Outcome {
        let message = match compose(settings, address, claimed, outgoing) {
            Ok(message) => message,
            Err(Unsendable::Address) => return Outcome::Failed { error: "the person's email address is not one".to_owned() },
            Err(Unsendable::Message(error)) => return Outcome::Failed { error: format!("the mail cannot be written: {error}") },
        };
        match self.0.send(message).await {
            Ok(_) => Outcome::Sent,
            Err(error) => refused(&error),
        }
    }
}

/// Why no mail can be made.
enum Unsendable {
    Address,
    Message(lettre::error::Error),
}

impl From<AddressError> for Unsendable {
    fn from(_: AddressError) -> Self {
        Self::Address
    }
}

impl From<lettre::error::Error> for Unsendable {
    fn from(error: lettre::error::Error) -> Self {
        Self::Message(error)
    }
}

/// The mail: its id is the delivery's, so that a repetition is recognised; one about a duty refers to its thread and, within it, that of its
/// urgency.
fn compose(settings: &Settings, address: &str, claimed: &Claimed, outgoing: &Outgoing) -> Result<Message, Unsendable> {
    let domain = settings.domain();
    let mut message = Message::builder()
        .from(settings.mail_from.clone())
        .to(Mailbox::new(Some(outgoing.name.clone()).filter(|name| !name.is_empty()), address.parse()?))
        .message_id(Some(format!("<{}@{domain}>", claimed.delivery.delivery)))
        .subject(outgoing.subject.clone());
    if let (Some(duty), Some(urgency)) = (claimed.delivery.duty, outgoing.urgency) {
        let urgency = format!("<duty.{duty}.{}@{domain}>", urgency.code());
        message = message.in_reply_to(urgency.clone()).references(format!("<duty.{duty}@{domain}> {urgency}"));
    }
    let message = message
        // Written by a machine: no automatic replies (RFC 3834).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(
            MultiPart::alternative()
                .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(outgoing.plain.clone()))
                .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(outgoing.html.clone())),
        )?;
    Ok(message)
}

/// What a refusal means. What the server said is told by its code alone: its words often hold the address.
fn refused(error: &smtp::Error) -> Outcome {
    match error.status().map(u16::from) {
        // Our own credentials or the connection were refused: that is put right in the settings, and the mail goes out then.
        Some(code @ (530 | 534 | 535 | 538 | 454 | 421)) => {
            Outcome::TryAgain { error: format!("the mail relay refused us: {code}"), after: None }
        }
        Some(code) if error.is_permanent() => Outcome::Failed { error: format!("the mail server refused it for good: {code}") },
        Some(code) => Outcome::TryAgain { error: format!("the mail server refused it for now: {code}"), after: None },
        None if error.is_timeout() => Outcome::TryAgain { error: "the mail relay did not answer in time".to_owned(), after: None },
        None if is_not_trusted(error) => {
            Outcome::TryAgain { error: "the mail relay's certificate is not trusted, or is for another name".to_owned(), after: None }
        }
        None => Outcome::TryAgain { error: "the mail relay cannot be reached".to_owned(), after: None },
    }
}

/// Whether the relay was reached and TLS came to nothing: rustls tells so as data that is not valid, at whatever depth.
fn is_not_trusted(error: &smtp::Error) -> bool {
    let mut why = error.source();
    while let Some(found) = why {
        if found.downcast_ref::<std::io::Error>().is_some_and(|found| found.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        why = found.source();
    }
    false
}
