//! `duban up`: a whole installation on this machine, in the foreground; `down` and `clean` end it.

use crate::connection::{Connection, Operator};
use crate::credentials::{self, Manager};
use crate::install::{self, InstallSettings, Installation, TokensOf};
use crate::policy::applied::Applied;
use crate::show::Show;
use crate::{env_file, welcome};
use anyhow::{Context, bail};
use duban_local::{Stack, StackSettings, stack};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct UpArguments {
    /// Folder of packs, calendars and the organisation.
    #[arg(long, default_value = "policies")]
    pub policies: PathBuf,
    /// More copies of a service: escalation=2. May be repeated.
    #[arg(long = "copies", value_name = "SERVICE=N", value_parser = copies)]
    pub copies: Vec<(&'static str, usize)>,
    /// Port of pages and API; absent: that of the last start, else any that is free.
    #[arg(long, env = "DUBAN_GATEWAY_PORT")]
    pub gateway_port: Option<u16>,
    #[arg(long, env = "DUBAN_POSTGRES_PORT")]
    pub postgres_port: Option<u16>,
    #[arg(long, env = "DUBAN_NATS_PORT")]
    pub nats_port: Option<u16>,
    /// Port of the mail catcher's page.
    #[arg(long, env = "DUBAN_MAIL_PAGE_PORT")]
    pub mail_page_port: Option<u16>,
    /// A superuser's URL of a PostgreSQL (17 or newer) that runs already, instead of a private one.
    #[arg(long, env = "DUBAN_POSTGRES_URL", hide_env_values = true)]
    pub postgres_url: Option<String>,
    /// A NATS server that runs already with deploy/nats/nats.conf and this folder's passwords, instead of a private one.
    #[arg(long, env = "DUBAN_BROKER_URL")]
    pub broker_url: Option<String>,
    /// Start, say that all is ready, and stop again: for trying an installation.
    #[arg(long)]
    pub exit: bool,
}

fn copies(text: &str) -> Result<(&'static str, usize), String> {
    let (service, number) = text.split_once('=').ok_or("SERVICE=N is expected")?;
    let known = duban_contracts::subjects::service::ALL.into_iter().find(|name| *name == service);
    Ok((known.ok_or_else(|| format!("there is no service {service}"))?, number.parse().map_err(|_| "a number is expected")?))
}

impl UpArguments {
    /// What the stack in `dir` is started with.
    pub fn stack_settings(&self, dir: &Path) -> StackSettings {
        StackSettings {
            copies: self.copies.iter().copied().collect(),
            gateway_port: self.gateway_port,
            postgres_port: self.postgres_port,
            nats_port: self.nats_port,
            mail_page_port: self.mail_page_port,
            postgres_url: self.postgres_url.clone(),
            nats_url: self.broker_url.clone(),
            ..StackSettings::kept(dir)
        }
    }
}

/// # Errors
/// When a part does not start; its log's end is in the message.
pub async fn run(arguments: &UpArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let dir = &connection.dir;
    let steps = Steps::new(show);
    let started = tokio::select! {
        started = start(arguments.stack_settings(dir), connection, &arguments.policies, TokensOf::Nobody, &steps) => started?,
        interrupted = stack::interrupted() => {
            interrupted?;
            bail!("interrupted while starting; nothing is lost, what was started is stopped");
        }
    };
    let Started { mut stack, installation, manager } = started;
    steps.done();
    welcome::print(&stack, &installation, &manager, show)?;
    let ended = if arguments.exit {
        None
    } else {
        tokio::select! {
            interrupted = stack::interrupted() => { interrupted?; None }
            ended = stack.until_something_ends() => Some(ended),
        }
    };
    show.say("\nstopping: services, then the broker, then Postgres …");
    stack.stop().await;
    show.say("stopped. The data stays; `duban up` continues with it.");
    match ended {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A stack that is ready and filled.
#[derive(Debug)]
pub struct Started {
    pub stack: Stack,
    pub installation: Installation,
    /// For looking at the pages.
    pub manager: Manager,
}

/// Starts, fills, waits, and then writes `env`. `connection` is to the same folder.
///
/// # Errors
/// When a part does not start, or refuses what is installed.
pub async fn start(
    settings: StackSettings,
    connection: &Connection,
    policies: &Path,
    tokens: TokensOf,
    steps: &Steps,
) -> anyhow::Result<Started> {
    let dir = connection.dir.clone();
    let known = credentials::known(&dir)?;
    // Before what was told is taken away: an older version kept nothing besides.
    credentials::keep(&dir, &known)?;
    steps.begin("PostgreSQL, NATS and the services");
    // What it says of the last run is true no longer, and a shell would believe it.
    let mut stack = Stack::launch(StackSettings { ready_file: Some(env_file::NAME), ..settings }).await?;
    steps.begin("administrator, packs, organisation, producers");
    let install_settings = InstallSettings {
        policies: policies.to_path_buf(),
        tokens,
        known,
        offered: connection.token.clone(),
        keep_in: Some(dir.clone()),
        applied: Applied::read(&dir)?,
    };
    let mut installation = install::install(&stack, &install_settings).await?;
    installation.applied.write(&dir)?;
    let manager = credentials::manager(&mut installation).await?;
    credentials::keep(&dir, &installation)?;
    write_operator(&dir, &install::operator(&stack)?)?;
    steps.begin("all services ready");
    stack.wait_until_ready().await?;
    let looking = [("DUBAN_DATABASE_URL", stack.ground.database_url("inspector")?), ("DUBAN_MAIL_URL", stack.mail.page_url())];
    credentials::tell(&dir, &installation, &looking)?;
    Ok(Started { stack, installation, manager })
}

fn write_operator(dir: &Path, operator: &Operator) -> anyhow::Result<()> {
    let settings = [
        ("DUBAN_OPERATOR_NATS_URL", operator.nats_url.clone()),
        ("DUBAN_OPERATOR_PASSWORD", operator.password.clone()),
        ("DUBAN_SUPERUSER_URL", operator.superuser_url.clone().unwrap_or_default()),
    ];
    env_file::write_operator(dir, &settings)
}

/// `duban down`.
///
/// # Errors
/// When what runs does not stop.
pub async fn down(connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let ran = stack::stop_running(&connection.dir).await?;
    let words = if ran { "stopped; the data stays" } else { "nothing runs here" };
    show.print(&json!({ "stopped": ran }), |_| words.to_owned())?;
    Ok(ExitCode::SUCCESS)
}

/// `duban clean`: stops and forgets everything in the folder.
///
/// # Errors
/// When the folder is not one of ours, or cannot be removed.
pub async fn clean(connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let dir = &connection.dir;
    if is_empty(dir)? {
        show.print(&json!({ "forgotten": false }), |_| "there is nothing to forget".to_owned())?;
        return Ok(ExitCode::SUCCESS);
    }
    forget(dir).await?;
    show.print(&json!({ "forgotten": true }), |_| format!("{} is forgotten", dir.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Stops what runs in a folder of ours, and removes it.
///
/// # Errors
/// When the folder is not one of ours, does not stop, or cannot be removed.
pub async fn forget(dir: &Path) -> anyhow::Result<()> {
    if !dir.join("lock").exists() && !dir.join("secrets").exists() {
        bail!("{} does not look like a data folder of `duban up`; it is left alone", dir.display());
    }
    stack::stop_running(dir).await?;
    // Where Postgres runs as another user, its folder may be a link to one that he can reach.
    let postgres = dir.join("postgres");
    if postgres.is_symlink()
        && let Ok(real) = postgres.canonicalize()
    {
        std::fs::remove_dir_all(&real).with_context(|| format!("removing {}", real.display()))?;
    }
    std::fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))
}

/// Also when it is not there at all.
///
/// # Errors
/// When it cannot be read.
pub fn is_empty(dir: &Path) -> anyhow::Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("reading {}", dir.display())),
    }
}

/// A line per step: a spinner where somebody looks, plain lines elsewhere, nothing for programs.
#[derive(Debug)]
pub struct Steps {
    bar: ProgressBar,
    show: Show,
}

impl Steps {
    pub fn new(show: Show) -> Self {
        let bar =
            ProgressBar::with_draw_target(None, if show.live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, show }
    }

    pub fn begin(&self, what: &'static str) {
        self.bar.set_message(what);
        if !self.show.live() {
            self.show.say(format!("… {what}"));
        }
    }

    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_name_a_service_and_a_number() {
        assert_eq!(copies("escalation=2"), Ok(("escalation", 2)));
        assert!(copies("escalator=2").is_err() && copies("escalation").is_err() && copies("escalation=x").is_err());
    }

    #[tokio::test]
    async fn a_folder_that_is_not_ours_is_not_forgotten() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        assert!(clean(&Connection::of_folder(folder.path()), Show::new(true)).await.is_err());
        assert!(folder.path().join("thesis.txt").exists());
    }
}
