//! The archive service: reads its configuration, wires, runs.

use clap::Parser;
use duban_archive::settings::Given;
use duban_platform::{Platform, config};

/// Files what is closed, and keeps it provably unchanged.
#[derive(Debug, Clone, Parser)]
#[command(name = "duban-archive", version, about)]
struct Config {
    #[command(flatten)]
    common: config::Common,
    #[command(flatten)]
    own: Given,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse();
    let settings = config.own.checked()?;
    let platform = Platform::start("archive", &config.common, sqlx::migrate!()).await?;
    duban_archive::start(&platform, settings).await?;
    platform.serve_http(axum::Router::new()).await?;
    platform.run_until_shutdown().await
}
