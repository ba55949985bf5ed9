//! `duban install`: fills an installation that runs elsewhere, such as in containers.

use crate::connection::Connection;
use crate::install::{self, InstallSettings, TokensOf};
use crate::policy::applied::Applied;
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
    let settings = InstallSettings {
        policies: arguments.policies.clone(),
        tokens: TokensOf::Nobody,
        known: credentials::known(dir)?,
        offered: connection.token.clone().or_else(|| std::env::var("DUBAN_ADMIN_TOKEN").ok()),
        keep_in: Some(dir.clone()),
        applied: Applied::read(dir)?,
    };
    let mut installation = install::install_at(&connection.operator()?, &connection.gateway_url()?, &settings).await?;
    installation.applied.write(dir)?;
    let manager = credentials::manager(&mut installation).await?;
    credentials::keep(dir, &installation)?;
    credentials::tell(dir, &installation, &[])?;
    let env = env_file::path(dir);
    let said = serde_json::json!({ "url": installation.url, "login": manager.login, "env": env, "policies": installation.news });
    show.print(&said, |_| {
        format!(
            "installed at {}: log in as {} with {}\n{}\nTokens of the producers and of the administrator stand in {}. Send a first report:\n\n  {}",
            installation.url,
            manager.login,
            manager.password,
            welcome::policies(&installation),
            env.display(),
            welcome::first_report_by_program(&installation.unit),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
