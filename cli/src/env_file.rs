//! `.duban/env`: what `duban up` writes for shells to `source` and for later commands to read, once all is ready. Beside it, for its owner
//! alone, what is kept from run to run (`credentials`), and what only the operator may know (`operator`).

use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Its name in the data folder.
pub const NAME: &str = "env";

/// The file in the data folder.
pub fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// The settings in `dir`'s file; empty when there is none.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(dir: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    read_if_there(&path(dir))
}

fn read_if_there(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Writes the file, readable by its owner alone, whole or not at all.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write(dir: &Path, settings: &[(&str, String)]) -> anyhow::Result<()> {
    let mut text =
        String::from("# Written by `duban up` or `duban install`; to be sourced by a shell. Secrets of this installation alone.\n");
    for (name, value) in settings {
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    duban_local::place::write_private(&path(dir), &text).with_context(|| format!("writing {}", path(dir).display()))
}

/// What was kept; where an earlier version kept nothing, what it told.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn kept(dir: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let kept = read_if_there(&dir.join("credentials"))?;
    if kept.is_empty() { read(dir) } else { Ok(kept) }
}

/// Writes `credentials`, readable by its owner alone, whole or not at all.
///
/// # Errors
/// When the folder cannot be written to.
pub fn keep(dir: &Path, settings: &[(&str, String)]) -> anyhow::Result<()> {
    write_plain(&dir.join("credentials"), settings)
}

/// Takes `credentials` away, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub fn keep_nothing(dir: &Path) -> anyhow::Result<()> {
    Ok(duban_local::place::remove_if_there(&dir.join("credentials"))?)
}

/// `operator`: what only the operator of a local installation may know (the broker's operator, the database's owner).
///
/// # Errors
/// When the file is there and cannot be read.
pub fn operator(dir: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    read_if_there(&dir.join("operator"))
}

/// Writes `operator`, readable by its owner alone.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_operator(dir: &Path, settings: &[(&str, String)]) -> anyhow::Result<()> {
    write_plain(&dir.join("operator"), settings)
}

fn write_plain(path: &Path, settings: &[(&str, String)]) -> anyhow::Result<()> {
    let text: String = settings.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect();
    duban_local::place::write_private(path, &text).with_context(|| format!("writing {}", path.display()))
}

/// Single quotes, as every shell reads them.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Reads back what [`write`] wrote, and plain `NAME=value` lines besides.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim())))
        .collect()
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace(r"'\''", "'"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_read_back_and_only_the_owner_may() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        write(folder.path(), &[("DUBAN_URL", "http://127.0.0.1:8080".into()), ("DUBAN_PASSWORD", "it's $x `y`".into())]).unwrap();
        let read = read(folder.path()).unwrap();
        assert_eq!(read["DUBAN_URL"], "http://127.0.0.1:8080");
        assert_eq!(read["DUBAN_PASSWORD"], "it's $x `y`");
        assert_eq!(std::fs::metadata(path(folder.path())).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_shell_reads_the_same_values() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        write(folder.path(), &[("DUBAN_PASSWORD", "it's $x `y`".into())]).unwrap();
        let script = format!(". {} && printf %s \"$DUBAN_PASSWORD\"", path(folder.path()).display());
        let said = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "it's $x `y`");
    }

    #[test]
    fn no_file_means_no_settings() {
        assert!(read(Path::new("/nonexistent-folder")).unwrap().is_empty());
    }
}
