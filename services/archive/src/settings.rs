//! The settings of this service.

use anyhow::Context;
use jiff::tz::TimeZone;
use std::time::Duration;

/// As given by flags, environment or file.
#[derive(Debug, Clone, clap::Args)]
pub struct Given {
    /// Time zone by whose years records are numbered.
    #[arg(long, env = "DUBAN_TIME_ZONE", default_value = "Asia/Shanghai")]
    pub time_zone: String,
    /// Most files that one copy fetches at a time.
    #[arg(long, env = "DUBAN_FILINGS_AT_ONCE", default_value_t = 8)]
    pub filings_at_once: u16,
    /// How long an owner has to hand over its part of a file. Milliseconds.
    #[arg(long, env = "DUBAN_DOSSIER_TIMEOUT_MS", default_value_t = 5_000)]
    pub dossier_timeout_ms: u64,
}

/// As used.
pub struct Settings {
    pub time_zone: TimeZone,
    pub filings_at_once: usize,
    pub dossier_timeout: Duration,
}

impl Given {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn checked(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            time_zone: TimeZone::get(&self.time_zone).context("DUBAN_TIME_ZONE")?,
            filings_at_once: usize::from(self.filings_at_once.max(1)),
            dossier_timeout: Duration::from_millis(self.dossier_timeout_ms.max(100)),
        })
    }
}

impl Settings {
    /// How long a claim holds: three owners asked one after the other, and the filing itself.
    pub fn lease(&self) -> Duration {
        self.dossier_timeout * 3 + Duration::from_secs(10)
    }
}
