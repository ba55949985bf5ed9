//! Settings of intake, beside those that every service has.

use duban_platform::config::Secret;
use std::time::Duration;

#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Key of receipts and tracking codes, the gateway's too; base64 of 32 bytes.
    #[arg(long, env = "DUBAN_IDENTITY_KEY", hide_env_values = true)]
    pub identity_key: Secret,
    /// Key of the check part of tracking codes, the gateway's too; base64 of 32 bytes.
    #[arg(long, env = "DUBAN_CHECK_KEY", hide_env_values = true)]
    pub check_key: Secret,
    /// Most reports that are registered in one transaction.
    #[arg(long, env = "DUBAN_INTAKE_BATCH", default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub intake_batch: u16,
    /// Seconds (real ones) for which a report waits for the one that it follows before it becomes a case of its own.
    #[arg(long, env = "DUBAN_FOLLOW_PATIENCE", default_value_t = 3600)]
    pub follow_patience: u64,
    /// Days (real ones) for which a report that became a case of its own is still linked with the one that it follows, if that comes.
    #[arg(long, env = "DUBAN_FOLLOW_LONE_DAYS", default_value_t = 180)]
    pub follow_lone_days: u32,
    /// Days for which the text of a rejected report is kept after somebody has decided about it.
    #[arg(long, env = "DUBAN_KEEP_REJECTED_DAYS", default_value_t = 90)]
    pub keep_rejected_days: u32,
}

impl Settings {
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.follow_patience)
    }

    pub fn lone_kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.follow_lone_days) * 86_400)
    }

    pub fn rejected_kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_rejected_days) * 86_400)
    }
}
