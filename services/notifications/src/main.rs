//! The notifications service: reads its configuration, wires, runs.

use clap::Parser;
use duban_notifications::settings::Given;
use duban_platform::{Platform, config};

/// Tells people what escalation raises, over email and signed webhooks.
#[derive(Debug, Clone, Parser)]
#[command(name = "duban-notifications", version, about)]
struct Config {
    #[command(flatten)]
    common: config::Common,
    #[command(flatten)]
    own: Given,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse();
    let settings = config.own.checked(config.common.demonstration)?;
    let platform = Platform::start("notifications", &config.common, sqlx::migrate!()).await?;
    duban_notifications::start(&platform, settings).await?;
    platform.serve_http(axum::Router::new()).await?;
    platform.run_until_shutdown().await
}
