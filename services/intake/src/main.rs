//! The program of intake: reads its settings and wires.

use duban_intake::settings::Settings;
use duban_platform::{Platform, config};

#[derive(Debug, Clone, clap::Parser)]
#[command(name = "duban-intake", version, about = "Reports, cases, who sees what")]
struct Config {
    #[command(flatten)]
    common: config::Common,
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse();
    let platform = Platform::start("intake", &config.common, sqlx::migrate!()).await?;
    duban_intake::start(&platform, &config.settings).await?;
    platform.serve_http(axum::Router::new()).await?;
    platform.run_until_shutdown().await
}
