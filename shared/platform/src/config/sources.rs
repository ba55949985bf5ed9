//! Where settings come from besides flags and environment: `X_FILE` variables and a TOML file.
//!
//! What is found there is put before the real arguments, as if it had been typed first: clap then lets what was really typed win.

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The arguments with what `X_FILE` variables and the settings file say put before what was typed.
///
/// # Errors
/// A file that cannot be read, or a setting in it that does not exist or has no fitting form.
pub(super) fn complete(
    command: &Command,
    args: Vec<OsString>,
    environment: impl Fn(&OsStr) -> Option<OsString>,
) -> anyhow::Result<Vec<OsString>> {
    let file = match settings_file(&args, &environment) {
        Some(path) => read_toml(&path)?,
        None => toml::Table::new(),
    };
    for name in file.keys() {
        if !command.get_arguments().any(|arg| named(arg, name)) {
            bail!("the settings file has {name:?}, which is no setting; see --help");
        }
    }
    let mut injected = Vec::new();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let Some(value) = lookup(arg, long, &file, &environment)? else { continue };
        match arg.get_action() {
            ArgAction::SetTrue if value == "true" => injected.push(format!("--{long}").into()),
            ArgAction::SetTrue => {}
            _ => {
                let mut flag = OsString::from(format!("--{long}="));
                flag.push(value);
                injected.push(flag);
            }
        }
    }
    let mut all = args.into_iter();
    Ok(all.next().into_iter().chain(injected).chain(all).collect())
}

/// The value for a setting that the environment does not give directly.
fn lookup(arg: &Arg, long: &str, file: &toml::Table, environment: impl Fn(&OsStr) -> Option<OsString>) -> anyhow::Result<Option<OsString>> {
    if let Some(variable) = arg.get_env() {
        if environment(variable).is_some() {
            return Ok(None);
        }
        let mut by_file = variable.to_owned();
        by_file.push("_FILE");
        if let Some(path) = environment(&by_file) {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} names {}, which cannot be read", by_file.display(), Path::new(&path).display()))?;
            return Ok(Some(text.trim_end_matches(['\r', '\n']).into()));
        }
    }
    match file.iter().find(|(name, _)| named(arg, name)) {
        Some((name, value)) => Ok(Some(
            plain(value)
                .with_context(|| format!("the settings file gives {name:?} ({long}) a value that is neither text, number nor list"))?
                .into(),
        )),
        None => Ok(None),
    }
}

fn named(arg: &Arg, name: &str) -> bool {
    arg.get_long().is_some_and(|long| long == name || long.replace('-', "_") == name)
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(|items| items.join(",")),
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn settings_file(args: &[OsString], environment: impl Fn(&OsStr) -> Option<OsString>) -> Option<PathBuf> {
    for (i, arg) in args.iter().enumerate() {
        if arg == "--config" {
            return args.get(i + 1).map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(PathBuf::from(path));
        }
    }
    environment(OsStr::new("DUBAN_CONFIG")).map(PathBuf::from)
}

fn read_toml(path: &Path) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("settings file {}", path.display()))?;
    // The error's own text would repeat the line, which may hold a secret.
    text.parse().map_err(|error: toml::de::Error| anyhow::anyhow!("settings file {}: {}", path.display(), error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use clap::{CommandFactory, FromArgMatches};

    #[derive(Debug, clap::Parser)]
    struct Settings {
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long, env = "DUBAN_TEST_SECRET_SETTING", hide_env_values = true)]
        secret: Secret,
        #[arg(long, env = "DUBAN_TEST_DAYS", default_value_t = 3)]
        keep_days: u32,
    }

    fn read(args: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let command = Settings::command().args_override_self(true);
        let args = std::iter::once("duban").chain(args.iter().copied()).map(OsString::from).collect();
        let args = complete(&command, args, |name| environment.iter().find(|(n, _)| OsStr::new(n) == name).map(|(_, value)| value.into()))?;
        Ok(Settings::from_arg_matches(&command.try_get_matches_from(args)?)?)
    }

    fn file(name: &str, text: &str) -> String {
        let path = std::env::temp_dir().join(format!("duban-{}-{name}", uuid::Uuid::now_v7()));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    #[test]
    fn a_flag_wins_over_a_file_and_a_file_over_the_default() {
        let toml = file("settings.toml", "secret = \"from the file\"\nkeep_days = 7\n");
        let settings = read(&["--config", &toml], &[]).unwrap();
        assert_eq!((settings.secret.expose(), settings.keep_days), ("from the file", 7));
        let settings = read(&["--config", &toml, "--keep-days", "9"], &[]).unwrap();
        assert_eq!(settings.keep_days, 9);
        assert!(settings.config.is_some());
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own_and_is_never_shown() {
        let path = file("secret", "s3cret\n");
        let toml = file("settings.toml", "secret = \"other\"");
        let settings = read(&["--config", &toml], &[("DUBAN_TEST_SECRET_SETTING_FILE", &path)]).unwrap();
        assert_eq!(settings.secret.expose(), "s3cret");
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let toml = file("settings.toml", "secrte = \"x\"");
        let error = read(&["--config", &toml], &[]).unwrap_err().to_string();
        assert!(error.contains("secrte"), "{error}");
    }
}
