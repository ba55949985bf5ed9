//! Every policy version, compiled, in memory.

use crate::consumer::NotYet;
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, Timestamp};
use duban_policy::Policy;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::{Notify, watch};

/// All versions that were ever announced; an old one goes on serving what was opened under it. Cheap to clone.
#[derive(Clone)]
pub struct PolicyCopy(Arc<Inner>);

struct Inner {
    versions: RwLock<BTreeMap<i64, Held>>,
    count: watch::Sender<i64>,
    wanted: Notify,
}

#[derive(Clone)]
struct Held {
    /// None while it cannot be compiled here.
    policy: Option<Arc<Policy>>,
    is_applied: bool,
    effective_from: Timestamp,
}

impl Default for PolicyCopy {
    fn default() -> Self {
        Self(Arc::new(Inner { versions: RwLock::default(), count: watch::Sender::new(0), wanted: Notify::new() }))
    }
}

impl PolicyCopy {
    /// The version, compiled.
    pub fn get(&self, version: i64) -> Option<Arc<Policy>> {
        self.versions().get(&version).and_then(|held| held.policy.clone())
    }

    /// Whether the version that an event names is held. Version 0 (no policy applies) always is.
    ///
    /// # Errors
    /// It is not held yet; it is being fetched.
    pub fn require(&self, version: i64) -> Result<(), NotYet> {
        if version == 0 || self.get(version).is_some() {
            return Ok(());
        }
        self.0.wanted.notify_one();
        Err(NotYet(format!("policy version {version}")))
    }

    /// The version in force at an instant of domain time: of those applied, the one that took effect last.
    ///
    /// # Errors
    /// 503 if none has come yet.
    pub fn in_force(&self, at: Timestamp) -> Result<(i64, Arc<Policy>), Problem> {
        let found = self
            .versions()
            .iter()
            .filter(|(_, held)| held.is_applied && held.effective_from <= at)
            .max_by_key(|(version, held)| (held.effective_from, **version))
            .and_then(|(version, held)| Some((*version, held.policy.clone()?)));
        found.ok_or_else(|| {
            self.0.wanted.notify_one();
            Problem::unavailable("no policy is in force yet")
        })
    }

    /// Changes whenever a version came or changed its state.
    pub fn changed(&self) -> watch::Receiver<i64> {
        self.0.count.subscribe()
    }

    /// Compiles a version and puts it in place. The gateway and tests call it; elsewhere the platform does.
    ///
    /// # Errors
    /// What is wrong with the sources; the version is then known but not held.
    pub fn put(&self, version: i64, sources: &[PolicySource], is_applied: bool, effective_from: Timestamp) -> Result<(), String> {
        let compiled = match self.get(version) {
            Some(policy) => Ok(policy),
            None => Policy::compile(sources)
                .map(Arc::new)
                .map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        };
        let held = Held { policy: compiled.as_ref().ok().cloned(), is_applied, effective_from };
        self.0.versions.write().unwrap_or_else(PoisonError::into_inner).insert(version, held);
        self.0.count.send_modify(|count| *count += 1);
        compiled.map(|_| ())
    }

    /// A known version's state has changed. False if the version is not held.
    pub(super) fn set_state(&self, version: i64, is_applied: bool, effective_from: Timestamp) -> bool {
        let mut versions = self.0.versions.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = versions.get_mut(&version).filter(|held| held.policy.is_some()) else { return false };
        let is_changed = held.is_applied != is_applied || held.effective_from != effective_from;
        held.is_applied = is_applied;
        held.effective_from = effective_from;
        drop(versions);
        if is_changed {
            self.0.count.send_modify(|count| *count += 1);
        }
        true
    }

    /// Resolves when somebody asked for a version that is not held.
    pub(super) async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    fn versions(&self) -> RwLockReadGuard<'_, BTreeMap<i64, Held>> {
        self.0.versions.read().unwrap_or_else(PoisonError::into_inner)
    }
}
