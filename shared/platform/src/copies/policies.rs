//! Every policy version, compiled, in memory.

use crate::consumer::NotYet;
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, Timestamp, both};
use duban_policy::Policy;
use duban_policy::policy::correction::{Correction, Version, as_corrected};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::{Notify, watch};

/// All versions that were ever announced; an old one goes on serving what was opened under it, as later ones correct it. Cheap to clone.
#[derive(Clone)]
pub struct PolicyCopy(Arc<Inner>);

struct Inner {
    known: RwLock<Known>,
    count: watch::Sender<i64>,
    wanted: Notify,
}

/// Versions and corrections, of one moment.
#[derive(Default)]
struct Known {
    versions: BTreeMap<i64, Held>,
    corrections: Arc<Vec<Correction>>,
}

#[derive(Clone)]
struct Held {
    /// As it was written. None while it cannot be compiled here.
    policy: Option<Arc<Policy>>,
    /// As it is corrected.
    corrected: Option<Arc<Policy>>,
    is_applied: bool,
    effective_from: Timestamp,
}

impl Default for PolicyCopy {
    fn default() -> Self {
        Self(Arc::new(Inner { known: RwLock::default(), count: watch::Sender::new(0), wanted: Notify::new() }))
    }
}

impl PolicyCopy {
    /// The version, compiled, as later ones correct it.
    pub fn get(&self, version: i64) -> Option<Arc<Policy>> {
        self.known().versions.get(&version).and_then(|held| held.corrected.clone())
    }

    /// The version as the first so many corrections have it.
    pub fn as_of(&self, version: i64, corrections: usize) -> Option<Arc<Policy>> {
        let known = self.known();
        as_corrected(&known.compiled(), &known.corrections, version, corrections)
    }

    /// Every version that is held, as later ones correct it.
    pub fn held(&self) -> Vec<Arc<Policy>> {
        self.known().versions.values().filter_map(|held| held.corrected.clone()).collect()
    }

    /// The versions in force that correct earlier ones, in the order in which they came into force.
    pub fn corrections(&self) -> Arc<Vec<Correction>> {
        self.known().corrections.clone()
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

    /// The version in force at an instant of domain time: of those applied, the one that took effect last. What came in before the very
    /// first took effect is under the first: nothing waits for a policy that can never come.
    ///
    /// # Errors
    /// 503 if none has come yet.
    pub fn in_force(&self, at: Timestamp) -> Result<(i64, Arc<Policy>), Problem> {
        let known = self.known();
        let found = in_force_at(&known.versions, at).and_then(|(version, held)| Some((version, held.corrected.clone()?)));
        found.ok_or_else(|| {
            self.0.wanted.notify_one();
            Problem::unavailable(both("尚无现行制度", "no policy is in force yet"))
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
        let standing = self.known().versions.get(&version).and_then(|held| held.policy.clone());
        let compiled = match standing {
            Some(policy) => Ok(policy),
            None => Policy::compile(sources)
                .map(Arc::new)
                .map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        };
        let policy = compiled.as_ref().ok().cloned();
        let held = Held { corrected: policy.clone(), policy, is_applied, effective_from };
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.versions.insert(version, held);
        known.correct();
        drop(known);
        self.0.count.send_modify(|count| *count += 1);
        compiled.map(|_| ())
    }

    /// A known version's state has changed. False if the version is not held.
    pub(super) fn set_state(&self, version: i64, is_applied: bool, effective_from: Timestamp) -> bool {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = known.versions.get_mut(&version).filter(|held| held.policy.is_some()) else { return false };
        let is_changed = held.is_applied != is_applied || held.effective_from != effective_from;
        held.is_applied = is_applied;
        held.effective_from = effective_from;
        if is_changed {
            known.correct();
        }
        drop(known);
        if is_changed {
            self.0.count.send_modify(|count| *count += 1);
        }
        true
    }

    /// Which versions in force correct earlier ones, all of them at once: what was opened before follows from now on. Without effect while one
    /// of them is not held. The gateway and tests call it; elsewhere the platform does.
    pub fn put_corrections(&self, mut corrections: Vec<Correction>) {
        corrections.sort_by_key(|correction| (correction.since, correction.version));
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_held = |correction: &Correction| known.versions.get(&correction.version).is_some_and(|held| held.policy.is_some());
        if *known.corrections == corrections || !corrections.iter().all(is_held) {
            return;
        }
        known.corrections = Arc::new(corrections);
        known.correct();
        drop(known);
        self.0.count.send_modify(|count| *count += 1);
    }

    /// Resolves when somebody asked for a version that is not held.
    pub(super) async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn compiled(&self) -> BTreeMap<i64, Version> {
        let compiled =
            |(version, held): (&i64, &Held)| Some((*version, Version { since: held.effective_from, policy: held.policy.clone()? }));
        self.versions.iter().filter_map(compiled).collect()
    }

    /// Reckons every version as it is corrected now.
    fn correct(&mut self) {
        let compiled = self.compiled();
        for (version, held) in &mut self.versions {
            held.corrected = as_corrected(&compiled, &self.corrections, *version, self.corrections.len());
        }
    }
}

fn in_force_at(versions: &BTreeMap<i64, Held>, at: Timestamp) -> Option<(i64, &Held)> {
    let applied = || versions.iter().filter(|(_, held)| held.is_applied).map(|(version, held)| ((held.effective_from, *version), held));
    let last = applied().filter(|((from, _), _)| *from <= at).max_by_key(|(order, _)| *order);
    last.or_else(|| applied().min_by_key(|(order, _)| *order)).map(|((_, version), held)| (version, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_first_policy_is_under_the_first() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(in_force_at(&BTreeMap::new(), at(5)).is_none());
        let held = |is_applied, from| Held { policy: None, corrected: None, is_applied, effective_from: at(from) };
        let versions = BTreeMap::from([(1, held(true, 10)), (2, held(true, 20)), (3, held(false, 0))]);
        let version_at = |second| in_force_at(&versions, at(second)).map(|(version, _)| version).unwrap();
        assert_eq!([5, 10, 19, 20, 99].map(version_at), [1, 1, 1, 2, 2]);
    }
}
