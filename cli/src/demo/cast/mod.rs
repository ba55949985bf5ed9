//! The scripted staff: for every case it takes the next step that the pack allows, as the person whose post it is, after a while that
//! `cast.toml` says; some are negligent, so that duties are breached and ladders climb. And it acknowledges alerts, some late, and hands in what is owed regularly.

mod acting;
mod alerts;
mod cases;
mod hand_in;
mod rules;

pub use rules::Rules;

use alerts::Acknowledgements;
use cases::CasesAtWork;
use hand_in::HandIns;

use super::pace::Pace;
use crate::gateway::Gateway;
use crate::install::Installation;
use crate::policy::sources;
use crate::show::counted;
use anyhow::Context;
use duban_policy::Policy;
use duban_policy::directory::{Directory, Right};
use duban_policy::organisation::Organisation;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
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

/// What the staff has in hand, and when it will do what comes next.
#[derive(Debug, Default)]
pub struct AtWork {
    cases: CasesAtWork,
    alerts: Acknowledgements,
    hand_ins: HandIns,
}

impl AtWork {
    /// When the next thing is planned for.
    pub fn next(&self) -> Option<Timestamp> {
        [self.cases.next(), self.alerts.next(), self.hand_ins.next()].into_iter().flatten().min()
    }
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
    /// Of them, reports that were owed regularly.
    pub handed_in: u64,
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
        let organisation = Organisation::parse(organisation)
            .map_err(|errors| anyhow::anyhow!("the organisation file has {}", counted(errors.len(), "error", "errors")))?;
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

    /// Looks at everything that is open and plans what is not planned yet.
    ///
    /// # Errors
    /// When the gateway does not answer for long.
    pub async fn look(&self, at_work: &mut AtWork) -> anyhow::Result<()> {
        tokio::try_join!(
            self.look_at_cases(&mut at_work.cases),
            self.look_at_alerts(&mut at_work.alerts),
            self.look_at_duties(&mut at_work.hand_ins)
        )?;
        Ok(())
    }

    /// Does what was planned for now or earlier; how much that was.
    pub async fn act(&self, at_work: &mut AtWork) -> usize {
        let (cases, alerts, hand_ins) = tokio::join!(
            self.work_on_cases(&mut at_work.cases),
            self.acknowledge(&mut at_work.alerts),
            self.hand_in(&mut at_work.hand_ins)
        );
        cases + alerts + hand_ins
    }

    /// How many reports that are owed regularly were handed in so far.
    pub fn handed_in(&self) -> usize {
        usize::try_from(self.tally().handed_in).unwrap_or(usize::MAX)
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

    /// The gateway, asked as a person; over the same connections.
    async fn gateway_of(&self, person: &str) -> anyhow::Result<Gateway> {
        match self.installation.people.get(person) {
            Some(token) => Ok(self.overseer.with_token(token)),
            None => self.installation.person(person).await,
        }
    }

    fn count(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Who is asked to act at a unit that has nobody: whoever the directory falls back on.
    fn someone_who(&self, right: Right, unit: &str) -> Option<String> {
        self.directory.who_can(right, unit, self.pace.now()).into_iter().map(|permission| permission.person).next()
    }
}

/// How long the gateway may be out of reach.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again while there is no answer.
async fn patiently<T, F: Future<Output = anyhow::Result<T>>>(ask: impl Fn() -> F) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(200)).await,
            answer => return answer.context("the staff cannot see what there is to do"),
        }
    }
}
