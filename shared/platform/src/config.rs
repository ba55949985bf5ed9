//! Settings: flags before environment before file before default.

mod sources;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Settings that every service has.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// TOML file with any of the settings, by their long names.
    #[arg(long, env = "DUBAN_CONFIG")]
    pub config: Option<PathBuf>,
    /// Broker, without credentials; several may be separated by commas.
    #[arg(long, env = "DUBAN_NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub nats_url: String,
    /// Broker user; default: the service's name.
    #[arg(long, env = "DUBAN_NATS_USER")]
    pub nats_user: Option<String>,
    #[arg(long, env = "DUBAN_NATS_PASSWORD", hide_env_values = true)]
    pub nats_password: Option<Secret>,
    /// Postgres, with the service's own role.
    #[arg(long, env = "DUBAN_DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// Most connections that one copy opens.
    #[arg(long, env = "DUBAN_DATABASE_CONNECTIONS", default_value_t = 12)]
    pub database_connections: u32,
    /// Address of health and metrics; the gateway's also of API and pages.
    #[arg(long, env = "DUBAN_BIND", default_value = "127.0.0.1:0")]
    pub bind: SocketAddr,
    /// Public half of the gateway's claim key, base64.
    #[arg(long, env = "DUBAN_CLAIM_PUBLIC")]
    pub claim_public: Option<String>,
    /// Key under which dead letters and what is set aside are sealed, base64 of 32 bytes; older keys may follow, separated by commas.
    #[arg(long, env = "DUBAN_SEAL_KEY", hide_env_values = true)]
    pub seal_key: Secret,
    /// Folder for what must be known without Postgres: the clock's last setting; the gateway's directory and policy.
    #[arg(long, env = "DUBAN_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    #[arg(long, env = "DUBAN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,
    /// A demonstration installation: its well-known credentials work only here.
    #[arg(long, env = "DUBAN_DEMONSTRATION", default_value_t = false, action = clap::ArgAction::Set)]
    pub demonstration: bool,
    /// Days for which published outbox rows are kept, so that a lost stream can be filled again.
    #[arg(long, env = "DUBAN_KEEP_OUTBOX_DAYS", default_value_t = 3)]
    pub keep_outbox_days: u32,
    /// Days after which dead letters are erased.
    #[arg(long, env = "DUBAN_KEEP_DEAD_LETTER_DAYS", default_value_t = 90)]
    pub keep_dead_letter_days: u32,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

/// A setting that is never shown and is overwritten when dropped.
#[derive(Clone)]
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret as a key: base64 of 32 bytes.
    ///
    /// # Errors
    /// Anything else; the message does not repeat it.
    pub fn key(&self) -> anyhow::Result<[u8; 32]> {
        key_of(self.expose())
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(zeroize::Zeroizing::new(text.to_owned())))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// A key of 32 bytes from base64, with or without padding.
///
/// # Errors
/// Not base64, or not 32 bytes.
pub fn key_of(text: &str) -> anyhow::Result<[u8; 32]> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let bytes = STANDARD_NO_PAD.decode(text.trim().trim_end_matches('=')).map_err(|_| anyhow::anyhow!("a key must be base64"))?;
    bytes.try_into().map_err(|_| anyhow::anyhow!("a key must be 32 bytes, base64"))
}

/// That links made from this text lead somewhere: the beginning of an address of the web.
///
/// # Errors
/// Anything but `http://` or `https://` and a host.
pub fn web_address(text: &str) -> anyhow::Result<()> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_one = host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[') && !host.contains(char::is_whitespace);
    anyhow::ensure!(is_one, "{text:?} is no address such as https://duban.example");
    Ok(())
}

/// Reads the settings of this process; prints what is wrong and exits if they cannot be read.
///
/// Flags come before the environment, the environment before the file, the file before the default. Every environment variable `X` may be
/// given as `X_FILE`, the name of a file that holds the value (secrets mounted by an orchestrator).
pub fn parse<C: clap::Parser>() -> C {
    let args: Vec<OsString> = std::env::args_os().collect();
    let command = C::command().args_override_self(true);
    let args = sources::complete(&command, args, |name| std::env::var_os(name)).unwrap_or_else(|error| {
        command.clone().error(clap::error::ErrorKind::ValueValidation, format!("{error:#}")).exit();
    });
    let matches = command.clone().try_get_matches_from(args).unwrap_or_else(|error| explain(&command, &error));
    C::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Ends with clap's complaint, and with what it does not say: the variable by which the setting may have been given, and what it is for.
fn explain(command: &clap::Command, error: &clap::Error) -> ! {
    let _ = error.print();
    for line in told(command, error) {
        eprintln!("{line}");
    }
    std::process::exit(error.exit_code());
}

fn told(command: &clap::Command, error: &clap::Error) -> Vec<String> {
    let names: Vec<&str> = match error.get(clap::error::ContextKind::InvalidArg) {
        Some(clap::error::ContextValue::String(name)) => vec![name],
        Some(clap::error::ContextValue::Strings(names)) => names.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    // A name is shown as in the usage: `--bind <BIND>`.
    let of = |name: &&str| {
        let long = name.strip_prefix("--")?.split([' ', '=']).next()?;
        command.get_arguments().find(|argument| argument.get_long() == Some(long))
    };
    let line = |argument: &clap::Arg| {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        Some(format!("  {}: {}", argument.get_env()?.display(), if help.is_empty() { "see --help" } else { &help }))
    };
    names.iter().filter_map(of).filter_map(line).collect()
}
