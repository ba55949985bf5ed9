//! Which files a folder of policies had when they were last given to an installation: kept in the data folder's file `applied`, so that the
//! next start sees what has been changed since.

use anyhow::Context;
use duban_policy::Source;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Digests of what was given; empty where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Of the organisation file.
    pub organisation: String,
    /// Of packs and calendars.
    pub packs: String,
}

impl Applied {
    /// Of a set as it lies there.
    pub fn of(sources: &[Source]) -> Self {
        let (organisation, packs): (Vec<_>, Vec<_>) = sources.iter().partition(|source| is_organisation(source));
        Self { organisation: digest(&organisation), packs: digest(&packs) }
    }

    /// As the file in `dir` says; empty without one.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = path(dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let of = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            found.unwrap_or_default().trim().to_owned()
        };
        Ok(Self { organisation: of("organisation"), packs: of("packs") })
    }

    /// Written only after the installation has taken what it stands for.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let text = format!(
            "# The policies that this installation was given last (SHA-256).\norganisation {}\npacks {}\n",
            self.organisation, self.packs
        );
        duban_local::place::write_private(&path(dir), &text).with_context(|| format!("writing {}", path(dir).display()))
    }
}

/// Told apart by content, as the compiler does.
pub fn is_organisation(source: &Source) -> bool {
    source.text.lines().any(|line| line.trim_start().starts_with("[organisation"))
}

fn path(dir: &Path) -> PathBuf {
    dir.join("applied")
}

/// Of names and texts, each with its length before it, so that no two sets read alike.
fn digest(sources: &[&Source]) -> String {
    let mut sorted = sources.to_vec();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for part in sorted.iter().flat_map(|source| [&source.name, &source.text]) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    #[test]
    fn a_change_of_the_organisation_is_told_from_one_of_the_packs() {
        let set = |organisation: &str, pack: &str| Applied::of(&[source("organisation.toml", organisation), source("a.toml", pack)]);
        let first = set("[organisation]", "x = 1");
        assert_eq!(first, set("[organisation]", "x = 1"));
        let staffed = set("[organisation]\n# new", "x = 1");
        assert!(staffed.organisation != first.organisation && staffed.packs == first.packs);
        let ruled = set("[organisation]", "x = 2");
        assert!(ruled.organisation == first.organisation && ruled.packs != first.packs);
        assert_ne!(Applied::of(&[source("a", "bc")]), Applied::of(&[source("ab", "c")]));
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_is_known_of_a_new_folder() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        assert_eq!(Applied::read(folder.path()).unwrap(), Applied::default());
        let applied = Applied::of(&[source("organisation.toml", "[organisation]"), source("a.toml", "x = 1")]);
        applied.write(folder.path()).unwrap();
        assert_eq!(Applied::read(folder.path()).unwrap(), applied);
    }
}
