//! Where the installation is and who asks: flags, then the environment, then the file of `duban up`.

use crate::env_file;
use anyhow::Context;
use std::path::PathBuf;

/// Settings of every command that talks to an installation.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Data folder of a local installation; its file `env` fills in what is not given.
    #[arg(long, global = true, env = "DUBAN_DIR", default_value = ".duban", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// The gateway, e.g. http://127.0.0.1:8080.
    #[arg(long, global = true, env = "DUBAN_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Token of a producer (for reports) or of a person (for everything else).
    #[arg(long, global = true, env = "DUBAN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The broker, with a producer's credentials, for reports over NATS.
    #[arg(long, global = true, env = "DUBAN_NATS_URL", hide_env_values = true, value_name = "URL")]
    pub nats_url: Option<String>,
}

/// What an operator reaches besides the gateway: the broker as `operator`, and the database as its owner.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The broker, without credentials.
    pub nats_url: String,
    pub password: String,
    /// Only where this machine's own Postgres runs, or `DUBAN_SUPERUSER_URL` names one.
    pub superuser_url: Option<String>,
}

impl Connection {
    /// For a local installation in `dir`, everything from its file.
    pub fn of_folder(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), url: None, token: None, nats_url: None }
    }

    /// The gateway's address, without a slash at the end.
    ///
    /// # Errors
    /// When neither flag, environment nor file names it.
    pub fn gateway_url(&self) -> anyhow::Result<String> {
        let url = self.setting(self.url.as_deref(), "DUBAN_URL", "--url")?;
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// The token of an administrator.
    ///
    /// # Errors
    /// When none is known.
    pub fn admin_token(&self) -> anyhow::Result<String> {
        self.setting(self.token.as_deref(), "DUBAN_ADMIN_TOKEN", "--token")
    }

    /// The token of a person who sees cases: `--token`, else the manager's of a local installation.
    ///
    /// # Errors
    /// When none is known.
    pub fn viewer_token(&self) -> anyhow::Result<String> {
        self.setting(self.token.as_deref(), "DUBAN_MANAGER_TOKEN", "--token")
    }

    /// The token of the web form's producer or, for `phone`, of the hotline's.
    ///
    /// # Errors
    /// When none is known.
    pub fn producer_token(&self, channel: &str) -> anyhow::Result<String> {
        let name = if channel == "phone" { "DUBAN_TOKEN_HOTLINE" } else { "DUBAN_TOKEN_WEB" };
        self.setting(self.token.as_deref(), name, "--token")
    }

    /// The broker with a producer's credentials in the URL.
    ///
    /// # Errors
    /// When none is known.
    pub fn producer_nats_url(&self) -> anyhow::Result<String> {
        self.setting(self.nats_url.as_deref(), "DUBAN_NATS_URL", "--nats-url")
    }

    /// The operator's ways in, from `DUBAN_OPERATOR_NATS_URL`, `DUBAN_OPERATOR_PASSWORD` and `DUBAN_SUPERUSER_URL`, or from the data folder.
    ///
    /// # Errors
    /// When there is neither.
    pub fn operator(&self) -> anyhow::Result<Operator> {
        let explain = "this command works as the operator, beside the gateway: run it where `duban up` keeps its data (--dir), \
                       or set DUBAN_OPERATOR_NATS_URL and DUBAN_OPERATOR_PASSWORD";
        let operator = env_file::operator(&self.dir)?;
        let find = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).or_else(|| operator.get(name).cloned());
        Ok(Operator {
            nats_url: find("DUBAN_OPERATOR_NATS_URL").context(explain)?,
            password: find("DUBAN_OPERATOR_PASSWORD").context(explain)?,
            superuser_url: find("DUBAN_SUPERUSER_URL"),
        })
    }

    /// `given`, else the environment, else the data folder's file.
    fn setting(&self, given: Option<&str>, name: &str, flag: &str) -> anyhow::Result<String> {
        if let Some(given) = given.filter(|value| !value.is_empty()) {
            return Ok(given.to_owned());
        }
        if let Ok(value) = std::env::var(name)
            && !value.is_empty()
        {
            return Ok(value);
        }
        env_file::read(&self.dir)?.remove(name).with_context(|| {
            format!(
                "{name} is not known: start an installation with `duban up`, or give {flag}, or set {name} (looked in {})",
                env_file::path(&self.dir).display()
            )
        })
    }
}
