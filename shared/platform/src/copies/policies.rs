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

    /// The version in force at an instant of domain time: of those applied, the one that took effect last. What came in before the very
    /// first took effect is under the first: nothing waits for a policy that can never come.
    ///
    /// # Errors
    /// 503 if none has come yet.
    pub fn in_force(&self, at: Timestamp) -> Result<(i64, Arc<Policy>), Problem> {
        let versions = self.versions();
        let applied = || versions.iter().filter(|(_, held)| held.is_applied).map(|(version, held)| ((held.effective_from, *version), held));
        let last = applied().filter(|((from, _), _)| *from <= at).max_by_key(|(order, _)| *order);
        let found = last
            .or_else(|| applied().min_by_key(|(order, _)| *order))
            .and_then(|((_, version), held)| Some((version, held.policy.clone()?)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_first_policy_is_under_the_first() {
        let (copy, at) = (PolicyCopy::default(), |second| Timestamp::from_second(second).unwrap());
        assert!(copy.in_force(at(5)).is_err());
        for (version, applied, from) in [(1, true, 10), (2, true, 20), (3, false, 0)] {
            copy.put(version, &[], applied, at(from)).unwrap();
        }
        let in_force = |second| copy.in_force(at(second)).map(|(version, _)| version).unwrap();
        assert_eq!([5, 10, 19, 20, 99].map(in_force), [1, 1, 1, 2, 2]);
    }
}
