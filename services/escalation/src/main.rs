//! `duban-escalation`: reads its settings, wires its parts, runs.

use duban_escalation::Rounds;
use duban_platform::{Platform, config};
use std::time::Duration;

/// Duties, ladders, alerts.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "duban-escalation", version, about = "Duties, ladders and alerts: who owes what by when, and who is told")]
struct Config {
    #[command(flatten)]
    common: config::Common,
    /// How often, at least, what is due is looked for, in milliseconds of real time.
    #[arg(long, env = "DUBAN_TICK_MS", default_value_t = 500)]
    tick_ms: u64,
    /// Seconds of real time after which the timers of all open duties are held against their plans again.
    #[arg(long, env = "DUBAN_AUDIT_S", default_value_t = 600)]
    audit_s: u64,
    /// For how many days events are kept over which drafts of packs can be rehearsed.
    #[arg(long, env = "DUBAN_REHEARSAL_DAYS", default_value_t = 400)]
    rehearsal_days: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse();
    let platform = Platform::start("escalation", &config.common, sqlx::migrate!()).await?;
    let rounds = Rounds {
        tick: Duration::from_millis(config.tick_ms.max(1)),
        audit: Duration::from_secs(config.audit_s.max(1)),
        keep_days: config.rehearsal_days,
    };
    duban_escalation::start(&platform, rounds).await?;
    platform.serve_http(axum::Router::new()).await?;
    platform.run_until_shutdown().await
}
