//! Keeps the copies: from the own schema at start, from the gateway whenever there is something new.

use super::{DirectoryCopy, PolicyCopy, store};
use crate::{Bus, Database};
use duban_contracts::Problem;
use duban_contracts::directory::{Snapshot, SnapshotRequest};
use duban_contracts::policy::{PolicyHeld, PolicySnapshot, PolicySnapshotRequest, PolicySource, PolicyVersion};
use duban_contracts::subjects::service;
use duban_policy::directory::Directory;
use duban_policy::policy::correction::{Correction, Corrects};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked for what hints have not told.
const LOOK: Duration = Duration::from_secs(15);
/// How soon it is tried again while something is missing.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the own schema is read while the gateway does not answer: directory and policies whole, so seldom.
const RECALL: Duration = Duration::from_secs(60);
/// State of a version that is in force from its time on.
const APPLIED: &str = "applied";

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Asking(#[from] Problem),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the gateway's answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

struct Keeper {
    service: &'static str,
    bus: Bus,
    db: Database,
    directory: DirectoryCopy,
    policies: PolicyCopy,
    /// What the gateway was told of each version.
    told: BTreeMap<i64, Result<(), String>>,
    /// When the own schema was read while the gateway does not answer; None while it does.
    recalled: Option<Instant>,
    /// Set once what the own schema keeps has been read.
    is_read: Arc<AtomicBool>,
}

/// Keeps both copies until stopped.
pub(crate) async fn keep(
    service: &'static str,
    bus: Bus,
    db: Database,
    directory: DirectoryCopy,
    policies: PolicyCopy,
    is_read: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    let mut hints = hints(&bus).await;
    let mut keeper = Keeper { service, bus, db, directory, policies, told: BTreeMap::new(), recalled: None, is_read };
    tokio::select! {
        () = keeper.db.migrated() => {}
        () = stop.cancelled() => return,
    }
    let mut link = keeper.bus.link();
    loop {
        let outcome = keeper.refresh().await;
        if let Err(trouble) = &outcome {
            tracing::debug!(%trouble, "directory and policies could not be refreshed");
        }
        let wait = if outcome.is_err() || keeper.directory.version() == 0 { AGAIN } else { LOOK };
        let policies = keeper.policies.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            hint = hints.next() => if hint.is_none() { hints = stream::pending().boxed() },
            // A service that waits asks often; the gateway is not.
            () = async { policies.wanted().await; tokio::time::sleep(Duration::from_millis(200)).await } => {}
            _ = link.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Something new at the gateway, heard by every process.
async fn hints(bus: &Bus) -> BoxStream<'static, ()> {
    let mut all = Vec::new();
    for subject in ["duban.gateway.v1.directory.>", "duban.gateway.v1.policy.>"] {
        match bus.client.subscribe(subject).await {
            Ok(hints) => all.push(hints),
            Err(error) => tracing::warn!(%error, subject, "hints cannot be heard; changes come later"),
        }
    }
    if all.is_empty() { stream::pending().boxed() } else { stream::select_all(all).map(|_| ()).boxed() }
}

impl Keeper {
    /// From the gateway; where it does not answer, from the own schema, which another copy may have filled.
    async fn refresh(&mut self) -> Result<(), Trouble> {
        if self.directory.version() == 0 && self.recalled.is_none() {
            self.recall().await?;
        }
        let asked = match self.refresh_directory().await {
            Ok(()) => self.refresh_policies().await,
            Err(trouble) => Err(trouble),
        };
        match &asked {
            Ok(()) => self.recalled = None,
            // What another copy has heard meanwhile may be there.
            Err(_) if self.recalled.is_none_or(|recalled| recalled.elapsed() > RECALL) => self.recall().await?,
            Err(_) => {}
        }
        asked
    }

    async fn recall(&mut self) -> Result<(), Trouble> {
        if let Some(directory) = store::directory(self.db.pool()).await? {
            self.directory.put(directory);
        }
        let kept = store::policies(self.db.pool()).await?;
        for (version, sources) in &kept {
            if !self.policies.set_state(version.version, version.state == APPLIED, version.effective_from)
                && let Err(error) = self.compile(version, sources).await
            {
                tracing::error!(version = version.version, error, "a policy version cannot be compiled");
            }
        }
        if !kept.is_empty() {
            self.policies.put_corrections(corrections(kept.iter().map(|(version, _)| version)));
        }
        self.recalled = Some(Instant::now());
        self.is_read.store(true, Ordering::Release);
        Ok(())
    }

    async fn refresh_directory(&self) -> Result<(), Trouble> {
        let first = self.directory_page(None, 0).await?;
        if first.version <= self.directory.version() {
            return Ok(());
        }
        let mut directory: Directory = serde_json::from_value(first.directory)?;
        for page in 1..first.pages {
            // A change meanwhile is refused with 409, and all is read again.
            let page = self.directory_page(Some(first.version), page).await?;
            directory.merge(serde_json::from_value(page.directory)?);
        }
        store::put_directory(self.db.pool(), first.version, &serde_json::to_value(&directory)?).await?;
        tracing::info!(version = first.version, "new directory");
        self.directory.put(directory);
        Ok(())
    }

    async fn directory_page(&self, version: Option<i64>, page: u32) -> Result<Snapshot, Problem> {
        self.bus.request(service::GATEWAY, "directory.snapshot", &SnapshotRequest { version, page }).await
    }

    async fn refresh_policies(&mut self) -> Result<(), Trouble> {
        let known = policy_page(&self.bus, &PolicySnapshotRequest::default()).await?;
        store::put_states(self.db.pool(), &known.versions).await?;
        for version in &known.versions {
            if !self.policies.set_state(version.version, version.state == APPLIED, version.effective_from) {
                let sources = policy_sources(&self.bus, version.version).await?;
                store::put_policy(self.db.pool(), version, &sources).await?;
                let compiled = self.compile(version, &sources).await;
                if let Err(error) = &compiled {
                    tracing::error!(version = version.version, error, "a policy version cannot be compiled");
                }
                self.tell(version.version, compiled).await?;
            } else if !self.told.contains_key(&version.version) {
                self.tell(version.version, Ok(())).await?;
            }
        }
        self.policies.put_corrections(corrections(known.versions.iter()));
        Ok(())
    }

    /// Compiling takes its time: not on a thread that others wait for.
    async fn compile(&self, version: &PolicyVersion, sources: &[PolicySource]) -> Result<(), String> {
        let (policies, version, sources) = (self.policies.clone(), version.clone(), sources.to_vec());
        let compiling =
            tokio::task::spawn_blocking(move || policies.put(version.version, &sources, version.state == APPLIED, version.effective_from));
        compiling.await.unwrap_or_else(|_panic| Err("the compiler failed".to_owned()))
    }

    /// Confirms that this service holds the version, or says why not; a change waits for it.
    async fn tell(&mut self, version: i64, held: Result<(), String>) -> Result<(), Trouble> {
        if self.told.get(&version) == Some(&held) {
            return Ok(());
        }
        let message = PolicyHeld { service: self.service.to_owned(), version, error: held.clone().err() };
        let _: serde_json::Value = self.bus.request(service::GATEWAY, "policy.held", &message).await?;
        self.told.insert(version, held);
        Ok(())
    }
}

/// A version's sources from the gateway, whole, however many messages they take. A version never changes, so its pages always fit together.
///
/// # Errors
/// The gateway's problem: 404 for a version of which nobody else may know yet; 503 while it is down.
pub async fn policy_sources(bus: &Bus, version: i64) -> Result<Vec<PolicySource>, Problem> {
    sources(bus, &PolicySnapshotRequest { version: Some(version), ..PolicySnapshotRequest::default() }).await
}

/// The same of a draft that is rehearsed.
///
/// # Errors
/// As [`policy_sources`].
pub async fn draft_sources(bus: &Bus, draft: i64) -> Result<Vec<PolicySource>, Problem> {
    sources(bus, &PolicySnapshotRequest { draft: Some(draft), ..PolicySnapshotRequest::default() }).await
}

async fn sources(bus: &Bus, asked: &PolicySnapshotRequest) -> Result<Vec<PolicySource>, Problem> {
    let mut first = policy_page(bus, asked).await?;
    for page in 1..first.pages {
        join(&mut first.sources, policy_page(bus, &PolicySnapshotRequest { page, ..asked.clone() }).await?.sources);
    }
    Ok(first.sources)
}

async fn policy_page(bus: &Bus, asked: &PolicySnapshotRequest) -> Result<PolicySnapshot, Problem> {
    bus.request(service::GATEWAY, "policy.snapshot", asked).await
}

/// The versions in force that correct earlier ones.
fn corrections<'a>(versions: impl Iterator<Item = &'a PolicyVersion>) -> Vec<Correction> {
    let correcting = versions.filter(|version| version.state == APPLIED && !version.corrects.is_empty());
    let correction = |version: &PolicyVersion| Correction {
        version: version.version,
        since: version.effective_from,
        corrects: Corrects::read(&version.corrects),
        approved_by: version.approved_by.clone(),
    };
    correcting.map(correction).collect()
}

/// Appends the next page: its first source goes on with the last one where they have the same name.
fn join(sources: &mut Vec<PolicySource>, next: Vec<PolicySource>) {
    for source in next {
        match sources.last_mut() {
            Some(last) if last.name == source.name => last.text.push_str(&source.text),
            _ => sources.push(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_cut_between_pages_is_whole_again() {
        let source = |name: &str, text: &str| PolicySource { name: name.into(), text: text.into() };
        let mut sources = vec![source("a", "1"), source("b", "2")];
        join(&mut sources, vec![source("b", "3")]);
        join(&mut sources, vec![source("b", "4"), source("c", "5")]);
        assert_eq!(sources, [source("a", "1"), source("b", "234"), source("c", "5")]);
    }
}
