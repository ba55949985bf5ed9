//! Wires the gateway.

use duban_gateway::{App, Settings, routes};
use duban_platform::{Platform, config};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings: Settings = config::parse();
    if let Some(folder) = &settings.common.state_dir {
        std::fs::create_dir_all(folder)?;
    }
    let platform = Platform::start("gateway", &settings.common, sqlx::migrate!()).await?;
    // Reports are accepted with Postgres down, so being ready does not depend on it.
    platform.health.without("database");
    let app = App::start(platform.clone(), &settings).await?;
    platform.serve_http(routes(app)).await?;
    platform.run_until_shutdown().await
}
