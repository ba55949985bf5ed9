//! What this copy of the gateway holds in memory: directory, producers, packs. Read from Postgres, kept in a file beside the process, so
//! that a gateway that starts while Postgres is down accepts reports all the same.

use crate::directory::store as directory_store;
use crate::policies::store as policy_store;
use crate::producers::{Producer, ProducerBook};
use duban_contracts::policy::{PolicySource, PolicyVersion};
use duban_contracts::{Problem, Timestamp, both};
use duban_platform::{Clock, Database};
use duban_policy::Policy;
use duban_policy::directory::{Directory, Language, Right};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, Notify};

/// Cheap to clone; all clones see a change at once.
#[derive(Clone)]
pub struct Holdings(Arc<Inner>);

struct Inner {
    db: Database,
    clock: Clock,
    producers: ProducerBook,
    demonstration: bool,
    file: Option<PathBuf>,
    held: RwLock<Held>,
    /// One refresh at a time.
    refreshing: Mutex<()>,
    wake: Notify,
}

/// As held, all of one moment.
#[derive(Clone, Default)]
struct Held {
    /// None until read from anywhere.
    directory: Option<Arc<Directory>>,
    sets: Vec<PolicySet>,
    /// What the last reading of the sets' table said, to tell whether anything is new.
    versions: Vec<PolicyVersion>,
}

/// A set that is, or will be, in force.
#[derive(Clone)]
struct PolicySet {
    version: i64,
    effective_from: Timestamp,
    applied: bool,
    sources: Arc<Vec<PolicySource>>,
    compiled: Arc<Policy>,
}

/// The file beside the process. Holds hashes of producers' tokens and names of people: mode 600.
#[derive(Serialize, Deserialize)]
struct Beside {
    directory: Directory,
    producers: Vec<Producer>,
    versions: Vec<PolicyVersion>,
    sources: BTreeMap<i64, Vec<PolicySource>>,
}

impl Holdings {
    /// Begins with what stands in the file, if there is one.
    pub fn new(db: Database, clock: Clock, producers: ProducerBook, demonstration: bool, state_dir: Option<&Path>) -> Self {
        let file = state_dir.map(|dir| dir.join("holdings.json"));
        let inner =
            Inner { db, clock, producers, demonstration, file, held: RwLock::default(), refreshing: Mutex::new(()), wake: Notify::new() };
        let holdings = Self(Arc::new(inner));
        holdings.read_file();
        holdings
    }

    /// The directory; empty before the first reading.
    pub fn directory(&self) -> Arc<Directory> {
        self.held().directory.unwrap_or_default()
    }

    /// The directory for whom an empty one would be a lie.
    ///
    /// # Errors
    /// 503 before the first reading.
    pub fn directory_read(&self) -> Result<Arc<Directory>, Problem> {
        self.held().directory.ok_or_else(|| Problem::unavailable(both("组织目录尚未载入", "the directory")))
    }

    /// The set in force at an instant.
    pub fn policy_at(&self, at: Timestamp) -> Option<(i64, Arc<Policy>)> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        let in_force = held.sets.iter().filter(|set| set.applied && set.effective_from <= at);
        in_force.max_by_key(|set| (set.effective_from, set.version)).map(|set| (set.version, set.compiled.clone()))
    }

    /// A set that is held, compiled.
    pub fn policy_of(&self, version: i64) -> Option<Arc<Policy>> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        held.sets.iter().find(|set| set.version == version).map(|set| set.compiled.clone())
    }

    /// The files of a set that is held.
    pub fn sources_of(&self, version: i64) -> Option<Arc<Vec<PolicySource>>> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        held.sets.iter().find(|set| set.version == version).map(|set| set.sources.clone())
    }

    pub fn name_of(&self, person: &str) -> String {
        self.directory().person(person).map_or_else(|| person.to_owned(), |person| person.name.clone())
    }

    /// `zh` or `en`.
    pub fn language_of(&self, person: &str) -> Option<String> {
        let language = self.directory().person(person)?.language;
        Some(if language == Language::English { "en" } else { "zh" }.to_owned())
    }

    /// Whether a person may administer everywhere.
    pub fn administers(&self, person: &str) -> bool {
        self.directory().sees_everywhere(person, Right::Administer, self.0.clock.now())
    }

    /// A person by id, or by address if it is one person's alone.
    pub fn person_named(&self, name: &str) -> Option<String> {
        let directory = self.directory();
        if let Some(person) = directory.person(name) {
            return (!person.disabled).then(|| person.id.clone());
        }
        let has_address = |email: &Option<String>| email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(name));
        let mut found = directory.people().filter(|person| !person.disabled && has_address(&person.email));
        let person = found.next()?;
        found.next().is_none().then(|| person.id.clone())
    }

    /// Somebody says that something has changed.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until somebody says so, or a while.
    pub async fn woken_or_after(&self, patience: std::time::Duration) {
        let _ = tokio::time::timeout(patience, self.0.wake.notified()).await;
    }

    /// Reads what is new from Postgres and keeps it beside.
    ///
    /// # Errors
    /// The database's; what is held stays.
    pub async fn refresh(&self) -> Result<(), sqlx::Error> {
        let _turn = self.0.refreshing.lock().await;
        let pool = self.0.db.pool();
        let held = self.held();
        let version = directory_store::version(pool).await?;
        let versions = policy_store::versions(pool).await?;
        let new_directory = held.directory.as_ref().is_none_or(|directory| directory.version() != version);
        if !new_directory && held.versions == versions {
            return Ok(());
        }
        let (directory, producers) = directory_store::load(pool, self.0.clock.now()).await?;
        let mut sources = BTreeMap::new();
        for version in wanted(&versions, self.0.clock.now()) {
            let known = held.sets.iter().find(|set| set.version == version).map(|set| set.sources.as_ref().clone());
            let texts = match known {
                Some(texts) => texts,
                None => policy_store::sources(pool, version).await?,
            };
            sources.insert(version, texts);
        }
        self.take(Beside { directory, producers, versions, sources }, true);
        Ok(())
    }

    /// Puts what was read in place of what was held; with `keep` also into the file.
    fn take(&self, read: Beside, keep: bool) {
        if keep {
            self.write_file(&read);
        }
        let old = self.held();
        let compiled = |version: i64, texts: &[PolicySource]| match old.sets.iter().find(|set| set.version == version) {
            Some(set) => Some(set.compiled.clone()),
            None => Policy::compile(texts)
                .inspect_err(|faults| tracing::error!(version, faults = faults.len(), "a policy set does not compile here"))
                .ok()
                .map(Arc::new),
        };
        let sets = read.versions.iter().filter_map(|version| {
            let texts = read.sources.get(&version.version)?;
            Some(PolicySet {
                version: version.version,
                effective_from: version.effective_from,
                applied: version.state == "applied",
                compiled: compiled(version.version, texts)?,
                sources: Arc::new(texts.clone()),
            })
        });
        let sets = sets.collect();
        self.0.producers.replace(read.producers, self.0.demonstration);
        let held = Held { directory: Some(Arc::new(read.directory)), sets, versions: read.versions };
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    fn held(&self) -> Held {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read_file(&self) {
        let Some(file) = &self.0.file else { return };
        let read = std::fs::read(file).map_err(anyhow::Error::from).and_then(|bytes| Ok(serde_json::from_slice::<Beside>(&bytes)?));
        match read {
            Ok(beside) => {
                tracing::info!(directory = beside.directory.version(), "directory and packs read from beside the process");
                self.take(beside, false);
            }
            Err(error) if file.exists() => tracing::warn!(%error, "what was kept beside cannot be read"),
            Err(_) => {}
        }
    }

    fn write_file(&self, beside: &Beside) {
        let Some(file) = &self.0.file else { return };
        if let Err(error) = serde_json::to_vec(beside).map_err(std::io::Error::from).and_then(|bytes| replace_file(file, &bytes)) {
            tracing::warn!(%error, "directory and packs cannot be kept beside the process");
        }
    }
}

/// Sets that are or will be in force: the applied one of now, and whatever is announced or applied for later.
fn wanted(versions: &[PolicyVersion], now: Timestamp) -> Vec<i64> {
    let in_force =
        versions.iter().filter(|v| v.state == "applied" && v.effective_from <= now).max_by_key(|v| (v.effective_from, v.version));
    let later = versions.iter().filter(|v| v.state == "announced" || (v.state == "applied" && v.effective_from > now));
    in_force.into_iter().chain(later).map(|v| v.version).collect()
}

/// Whole or not at all: written beside, brought to disk, then renamed.
fn replace_file(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let fresh = file.with_extension(format!("new-{}", std::process::id()));
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(fresh, file)
}
