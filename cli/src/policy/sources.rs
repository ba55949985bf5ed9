//! The files of a policy set, as they lie in folders.

use crate::show::counted;
use anyhow::{Context, bail};
use duban_policy::{Diagnostic, Policy, Source};
use std::path::{Path, PathBuf};

/// Every TOML file below `paths` but `coverage.toml`, which is no part of a set. Names are relative to the folder named.
///
/// # Errors
/// When a file cannot be read, or there is none.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        let base = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new("")) };
        gather(path, base, &mut sources)?;
    }
    if sources.is_empty() {
        bail!("no packs (*.toml) in {}", paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "));
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn gather(path: &Path, base: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", path.display()))?.path();
            let is_wanted = entry.is_dir()
                || (entry.extension().is_some_and(|e| e == "toml") && entry.file_name().is_some_and(|n| n != "coverage.toml"));
            if is_wanted {
                gather(&entry, base, sources)?;
            }
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let name = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
    sources.push(Source { name, text });
    Ok(())
}

/// Compiles a folder's set.
///
/// # Errors
/// The first of its errors, and how many there are: `duban policy check` shows all.
pub fn compile(set: &Path) -> anyhow::Result<Policy> {
    Policy::compile(&read(&[set.to_path_buf()])?).map_err(|errors| refused(set, &errors))
}

/// Says that a set does not compile: the first of its errors, and how many there are.
pub fn refused(set: &Path, errors: &[Diagnostic]) -> anyhow::Error {
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    let errors = counted(errors.len(), "error", "errors");
    anyhow::anyhow!("{} has {errors}; the first: {first}\n`duban policy check {}` shows all", set.display(), set.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_every_toml_file_but_the_coverage() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        std::fs::create_dir(folder.path().join("calendars")).unwrap();
        for name in ["b.toml", "calendars/cn.toml", "coverage.toml", "README.md"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<String> = read(&[folder.path().to_path_buf()]).unwrap().into_iter().map(|s| s.name).collect();
        assert_eq!(names, ["b.toml", "calendars/cn.toml"]);
        assert!(read(&[folder.path().join("nothing")]).is_err());
    }
}
