//! The scripted staff: for every case it takes the next step that the pack allows, as the person whose post it is, after a while that
//! `cast.toml` says; some are negligent, so that duties are breached and ladders climb. And it acknowledges alerts, some late, and hands in what is owed regularly.

mod acting;
mod alerts;
mod cases;
mod hand_in;
mod rules;

pub use rules::Rules;

use super::pace::Pace;
use crate::gateway::Gateway;
use crate::install::Installation;
use crate::policy::sources;
use anyhow::Context;
use duban_policy::Policy;
use duban_policy::directory::{Directory, Right};
use duban_policy::organisation::Organisation;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// The staff and what it goes by.
pub struct Cast {
    rules: Rules,
    policy: Policy,
    directory: Directory,
    pace: Pace,
    installation: Installation,
    /// The gateway as one who sees every unit.
    overseer: Gateway,
    tally: Mutex<Tally>,
    done: Mutex<Vec<Done>>,
}

/// One act of the staff: when it was planned for, and when it was made.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// The case, or the duty of what was handed in.
    pub of: Uuid,
    /// Of the case after it; 0 for what was handed in.
    pub version: i64,
    pub planned: Timestamp,
    pub at: Timestamp,
}

/// What the staff did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    pub acts: u64,
    pub acknowledged: u64,
    pub refused: u64,
    /// Why acts were refused, and how often.
    pub refusals: BTreeMap<String, u64>,
}

impl Cast {
    /// # Errors
    /// When rules or packs cannot be read, or nobody in the organisation sees everything.
    pub async fn hire(rules: &Path, policies: &Path, installation: &Installation, pace: Pace) -> anyhow::Result<Self> {
        let rules = Rules::read(rules)?;
        let sources = sources::read(&[policies.to_path_buf()])?;
        let policy = sources::compile(policies)?;
        let organisation =
            sources.iter().find(|s| s.text.lines().any(|l| l.trim_start().starts_with("[organisation"))).context("no organisation file")?;
        let organisation =
            Organisation::parse(organisation).map_err(|errors| anyhow::anyhow!("the organisation file has {} errors", errors.len()))?;
        let directory = organisation.directory(0);
        let now = pace.now();
        let sees = |id: &str| directory.sees_everywhere(id, Right::See, now);
        let overseer = directory
            .people()
            .map(|person| person.id.as_str())
            .find(|id| sees(id))
            .context("nobody in the organisation sees every unit")?;
        let overseer = installation.person(overseer).await?;
        Ok(Self {
            rules,
            policy,
            directory,
            pace,
            installation: installation.clone(),
            overseer,
            tally: Mutex::default(),
            done: Mutex::default(),
        })
    }

    /// Works until the play is over (the future is dropped).
    ///
    /// # Errors
    /// When the gateway does not answer for long.
    pub async fn work(&self) -> anyhow::Result<()> {
        tokio::try_join!(self.work_on_cases(), self.acknowledge_alerts(), self.hand_in())?;
        Ok(())
    }

    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every act that was made, in order.
    pub fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, of: Uuid, version: i64, planned: Timestamp) {
        let done = Done { of, version, planned, at: self.pace.now() };
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(done);
    }

    fn count(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Who is asked to act at a unit that has nobody: whoever the directory falls back on.
    fn someone_who(&self, right: Right, unit: &str) -> Option<String> {
        self.directory.who_can(right, unit, self.pace.now()).into_iter().map(|permission| permission.person).next()
    }
}
