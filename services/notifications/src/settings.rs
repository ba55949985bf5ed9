//! The settings of this service.

use crate::backoff::Schedule;
use crate::tell::LinkSettings;
use duban_platform::config::{Secret, web_address};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::time::Duration;

/// As given by flags, environment or file.
#[derive(Debug, Clone, clap::Args)]
pub struct Given {
    /// Mail relay: smtp://user:password@host:port, smtps://…; ?tls=required for STARTTLS.
    #[arg(long, env = "DUBAN_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Secret>,
    /// From whom mails come.
    #[arg(long, env = "DUBAN_MAIL_FROM", default_value = "督办 Duban <duban@localhost.localdomain>")]
    pub mail_from: String,
    /// Where people reach the pages; links in messages begin with it.
    #[arg(long, env = "DUBAN_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
    /// Key of acknowledgement links and of webhook secrets, base64 of 32 bytes.
    #[arg(long, env = "DUBAN_LINK_KEY", hide_env_values = true)]
    pub link_key: Secret,
    /// Days (domain time) after which an acknowledgement link no longer works.
    #[arg(long, env = "DUBAN_LINK_DAYS", default_value_t = 14)]
    pub link_days: u16,
    /// Time zone of the dates in messages.
    #[arg(long, env = "DUBAN_TIME_ZONE", default_value = "Asia/Shanghai")]
    pub time_zone: String,
    /// Let webhooks reach private and local addresses. Off unless this is a demonstration.
    #[arg(long, env = "DUBAN_WEBHOOK_PRIVATE")]
    pub webhook_private: Option<bool>,
    /// Attempts after which a delivery has failed.
    #[arg(long, env = "DUBAN_DELIVERY_ATTEMPTS", default_value_t = 14)]
    pub delivery_attempts: u32,
    /// Longest wait before the second attempt; it doubles from there. Milliseconds.
    #[arg(long, env = "DUBAN_DELIVERY_BACKOFF_MS", default_value_t = 5_000)]
    pub delivery_backoff_ms: u64,
    /// No wait between attempts is longer. Milliseconds.
    #[arg(long, env = "DUBAN_DELIVERY_BACKOFF_CAP_MS", default_value_t = 900_000)]
    pub delivery_backoff_cap_ms: u64,
    /// How long one attempt may take. Milliseconds.
    #[arg(long, env = "DUBAN_DELIVERY_TIMEOUT_MS", default_value_t = 15_000)]
    pub delivery_timeout_ms: u64,
    /// Most attempts under way at a time per webhook endpoint and copy.
    #[arg(long, env = "DUBAN_WEBHOOK_AT_ONCE", default_value_t = 2)]
    pub webhook_at_once: u16,
    /// Most mails under way at a time per copy.
    #[arg(long, env = "DUBAN_MAIL_AT_ONCE", default_value_t = 8)]
    pub mail_at_once: u16,
    /// Alerts that a person gets on a channel by themselves within the window; what is more goes out as one digest. 0: never.
    #[arg(long, env = "DUBAN_DIGEST_OVER", default_value_t = 10)]
    pub digest_over: u16,
    /// Length of that window. Milliseconds.
    #[arg(long, env = "DUBAN_DIGEST_WINDOW_MS", default_value_t = 60_000)]
    pub digest_window_ms: u64,
}

/// As used.
pub struct Settings {
    pub smtp_url: Option<Secret>,
    pub mail_from: lettre::message::Mailbox,
    /// Without a slash at the end.
    pub public_url: String,
    pub links: LinkSettings,
    pub time_zone: TimeZone,
    pub webhook_private: bool,
    pub schedule: Schedule,
    pub timeout: Duration,
    pub webhook_at_once: i32,
    pub mail_at_once: i32,
    /// 0: nothing is gathered.
    pub digest_over: i64,
    pub digest_window: Duration,
}

impl Given {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn checked(&self, demonstration: bool) -> anyhow::Result<Settings> {
        use anyhow::Context;
        web_address(&self.public_url).context("DUBAN_PUBLIC_URL")?;
        Ok(Settings {
            smtp_url: self.smtp_url.clone(),
            mail_from: self.mail_from.parse().context("DUBAN_MAIL_FROM is not an address")?,
            public_url: self.public_url.trim_end_matches('/').to_owned(),
            links: LinkSettings {
                key: self.link_key.key().context("DUBAN_LINK_KEY")?,
                lifetime: SignedDuration::from_hours(i64::from(self.link_days) * 24),
            },
            time_zone: TimeZone::get(&self.time_zone).context("DUBAN_TIME_ZONE")?,
            webhook_private: self.webhook_private.unwrap_or(demonstration),
            schedule: Schedule {
                base: Duration::from_millis(self.delivery_backoff_ms),
                cap: Duration::from_millis(self.delivery_backoff_cap_ms),
                attempts: self.delivery_attempts.max(1),
            },
            timeout: Duration::from_millis(self.delivery_timeout_ms.max(100)),
            webhook_at_once: i32::from(self.webhook_at_once.max(1)),
            mail_at_once: i32::from(self.mail_at_once.max(1)),
            digest_over: i64::from(self.digest_over),
            digest_window: Duration::from_millis(self.digest_window_ms),
        })
    }
}

impl Settings {
    /// How long a claim holds: the attempt itself, asking escalation before, and room to write down the outcome.
    pub fn lease(&self) -> Duration {
        self.timeout * 2 + Duration::from_secs(2)
    }

    /// Domain part of Message-IDs: that of the sender.
    pub fn domain(&self) -> &str {
        self.mail_from.email.domain()
    }
}
