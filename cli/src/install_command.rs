//! `duban install`: fills an installation that runs elsewhere, such as in containers.

use crate::connection::Connection;
use crate::install::{self, InstallSettings, TokensOf};
use crate::show::Show;
use crate::{credentials, env_file, welcome};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct InstallArguments {
    /// Folder of packs, calendars and the organisation.
    #[arg(long, default_value = "policies")]
    pub policies: PathBuf,
}

pub(super) async fn run(arguments: &InstallArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let dir = &connection.dir;
    let known = credentials::known(dir)?;
    let settings = InstallSettings { policies: arguments.policies.clone(), tokens: TokensOf::Nobody, known };
    let installation = install::install_at(&connection.operator()?, &connection.gateway_url()?, &settings).await?;
    let manager = credentials::manager(dir, &installation).await?;
    credentials::write(dir, &installation, &manager, &[])?;
    let said = serde_json::json!({ "url": installation.url, "login": manager.login, "env": env_file::path(dir) });
    show.print(&said, |_| {
        let env = env_file::path(dir).display().to_string();
        format!(
            "installed at {}: log in as {} with {}\n\n{}",
            installation.url,
            manager.login,
            manager.password,
            welcome::first_report(&env)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
