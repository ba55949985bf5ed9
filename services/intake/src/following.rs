//! Reports that follow another: joined to its case as supplements as soon as it is known; after an hour, or in a cycle, cases of their
//! own; and linked, if the other comes after all.
//!
//! This runs beside the intake of reports, in every copy, on rows that wait ([`waiting`]): whichever report came first makes no difference.

use crate::app::App;
use crate::register::{self, Opening};
use crate::store::waiting::{self, Released, Which};
use crate::store::{cases, identities, links, rejected, reports, timeline};
use duban_contracts::case::{Reason, Step};
use duban_contracts::report::AcceptedReport;
use duban_contracts::{NewEvent, ids};
use duban_engine::case::{Case, Told};
use duban_engine::judging::{self, Ground, Named};
use duban_engine::registering;
use duban_engine::supplementing::{self, Rule};
use duban_platform::consumer::{Failure, NotYet};
use duban_platform::db;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// At most so many in one transaction.
const BATCH: i64 = 200;
/// How often the rows are looked at without being told to.
const PACE: Duration = Duration::from_secs(1);
/// Every so many rounds those that wait in vain are looked for: that is dearer.
const HOPELESS_EVERY: u32 = 5;
/// How often those that became cases of their own are looked at: they may be many, and their target hardly ever comes.
const LONE_PACE: Duration = Duration::from_secs(60);
/// How long one is left alone that waits for a policy version or the directory.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until the service stops.
pub async fn run(app: App) {
    app.platform.schema_complete().await;
    let mut round = 0u32;
    let mut lone_at = Instant::now();
    loop {
        tokio::select! {
            () = app.platform.shutdown.cancelled() => return,
            () = app.followers.notified() => {}
            () = tokio::time::sleep(PACE) => round = round.wrapping_add(1),
        }
        let due = Due { hopeless: round.is_multiple_of(HOPELESS_EVERY), lone: lone_at <= Instant::now() };
        match look(&app, due).await {
            Ok(done) if done.lone => lone_at = Instant::now() + LONE_PACE,
            Ok(_) => {}
            Err(error) => {
                if is_trouble(&error) {
                    tracing::debug!(%error, "followers wait: looked for again in a second");
                } else {
                    tracing::warn!(%error, "followers wait: looked for again in a second");
                }
                tokio::time::sleep(PACE).await;
            }
        }
    }
}

/// What is looked at beside those whose target may have come.
struct Due {
    /// Those that wait in vain.
    hopeless: bool,
    /// Those that became cases of their own.
    lone: bool,
}

/// Tells what was looked at.
async fn look(app: &App, mut due: Due) -> Result<Due, Failure> {
    let pool = app.platform.db.pool();
    if waiting::any(pool, Which::Waiting).await? {
        // Until nothing is left: what was just joined may be what others follow.
        while join_known(app).await? > 0 {}
        if due.hopeless {
            while release_hopeless(app).await? > 0 {
                // Those of a cycle have become each other's known targets.
                due.lone = true;
            }
        }
    }
    if due.lone && waiting::any(pool, Which::Alone).await? {
        while join_lone(app).await? > 0 {}
    }
    if due.hopeless {
        app.measures.stand(&waiting::count(pool).await?, rejected::count_open(pool).await?);
    }
    Ok(due)
}

/// Joins what need not wait any longer; tells how many rows were taken.
pub async fn join_known(app: &App) -> Result<usize, Failure> {
    done(app, Work::Join(Which::Waiting)).await
}

/// Links those that became cases of their own with the report that they follow, where that has come after all; tells how many rows were
/// taken.
pub async fn join_lone(app: &App) -> Result<usize, Failure> {
    done(app, Work::Join(Which::Alone)).await
}

/// Registers those that wait in vain as cases of their own; tells how many.
pub async fn release_hopeless(app: &App) -> Result<usize, Failure> {
    done(app, Work::Release).await
}

/// What is done with rows, in batches.
#[derive(Debug, Clone, Copy)]
enum Work {
    Join(Which),
    Release,
}

impl Work {
    async fn take(self, app: &App, tx: &mut PgConnection, only: Option<Uuid>) -> Result<Vec<Released>, sqlx::Error> {
        match self {
            Self::Join(which) => waiting::take_known(tx, which, only, BATCH).await,
            Self::Release => waiting::lock_hopeless(tx, app.settings.patience(), only, BATCH).await,
        }
    }

    async fn perform(self, app: &App, tx: &mut PgConnection, released: Vec<Released>) -> Result<(), Failure> {
        match self {
            Self::Join(_) => join(app, tx, released).await,
            Self::Release => release(app, tx, &released).await,
        }
    }
}

/// A batch; if it fails by the fault of one of it, each by itself. Tells how many rows were done.
async fn done(app: &App, work: Work) -> Result<usize, Failure> {
    match transact(app, work, None).await {
        Err(failure) if !is_trouble(&failure) => singly(app, work).await,
        outcome => outcome,
    }
}

async fn transact(app: &App, work: Work, only: Option<Uuid>) -> Result<usize, Failure> {
    let mut tx = app.platform.db.begin().await?;
    let released = work.take(app, &mut tx, only).await?;
    let count = released.len();
    if count > 0 {
        work.perform(app, &mut tx, released).await?;
        tx.commit().await?;
        app.platform.outbox.wake();
    }
    Ok(count)
}

/// Each by itself, so that one that cannot be done holds up no other: it is parked, with its reason, and tried again ever more seldom.
async fn singly(app: &App, work: Work) -> Result<usize, Failure> {
    let pool = app.platform.db.pool();
    let mut tx = app.platform.db.begin().await?;
    let rows = work.take(app, &mut tx, None).await?;
    tx.rollback().await?;
    let mut count = 0;
    for row in rows {
        match transact(app, work, Some(row.receipt)).await {
            Ok(taken) => count += taken,
            Err(failure) if is_trouble(&failure) => return Err(failure),
            Err(Failure::Waits { what, .. }) => waiting::put_off(pool, row.receipt, &what, PAUSE).await?,
            Err(failure) => {
                let reason = reason_of(&failure);
                tracing::warn!(receipt = %row.receipt, reason, "a report that follows another cannot be dealt with; it is tried again later");
                app.measures.follower_failed();
                waiting::park(pool, row.receipt, &reason).await?;
            }
        }
    }
    Ok(count)
}

/// Whether it is the database's trouble, which is nobody's fault.
fn is_trouble(failure: &Failure) -> bool {
    let error = match failure {
        Failure::Database(error) => Some(error),
        Failure::Other(error) => error.downcast_ref(),
        Failure::Event { .. } | Failure::Waits { .. } => None,
    };
    error.is_some_and(|error| db::is_down(error) || db::is_retryable(error))
}

/// What is kept of a failure: what is said of a value can hold the value, so only the first line, and not much of it.
fn reason_of(failure: &Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().chars().take(500).collect()
}

async fn join(app: &App, tx: &mut PgConnection, released: Vec<Released>) -> Result<(), Failure> {
    let receipts: Vec<Uuid> = released.iter().map(|row| row.receipt).collect();
    let bodies = reports::open(&mut *tx, &app.platform.seal, &receipts).await?;
    let mut bodies: HashMap<Uuid, AcceptedReport> = bodies.into_iter().map(|body| (body.receipt, body)).collect();
    let targets: Vec<Uuid> = released.iter().filter_map(|row| row.target_case).collect();
    let living = cases::living(tx, &targets).await?;
    let wanted: Vec<Uuid> = living.values().copied().chain(released.iter().filter_map(|row| row.alone)).collect();
    let mut joining = Joining {
        app,
        cases: cases::lock(tx, &wanted).await?.into_iter().map(|case| (case.id, case)).collect(),
        events: Vec::new(),
        entries: Vec::new(),
        links: Vec::new(),
        settled: Vec::new(),
        openings: Vec::new(),
    };
    for row in released {
        let target = row.target_case.and_then(|target| living.get(&target).copied());
        let body = bodies.remove(&row.receipt);
        joining.join(row, target, body)?;
    }
    joining.write(tx).await
}

/// What comes of a batch of released reports.
struct Joining<'a> {
    app: &'a App,
    cases: HashMap<Uuid, Case>,
    events: Vec<NewEvent>,
    entries: Vec<timeline::NewEntry>,
    links: Vec<links::NewLink>,
    settled: Vec<(Uuid, &'static str, Uuid)>,
    /// Reports that become cases of their own, linked with the closed case that they follow.
    openings: Vec<(Opening, Uuid)>,
}

impl Joining<'_> {
    fn join(&mut self, row: Released, target: Option<Uuid>, body: Option<AcceptedReport>) -> Result<(), Failure> {
        let Some(target) = target.filter(|target| self.cases.contains_key(target)) else {
            return Err(anyhow::anyhow!("report {} follows one whose case is not there", row.receipt).into());
        };
        if let Some(alone) = row.alone {
            self.link_late(alone, target);
            return Ok(());
        }
        match (self.rule_for(target)?, body) {
            (Rule::NewCase, Some(body)) => self.openings.push((own_case(body, row.traceparent, None), target)),
            (Rule::Reopen { step, event }, body) => {
                self.supplement(target, &row, body.as_ref())?;
                self.reopen(target, &row, &step, &event);
            }
            // A text that was erased meanwhile can still be joined, not registered.
            (Rule::Join | Rule::NewCase, body) => self.supplement(target, &row, body.as_ref())?,
        }
        Ok(())
    }

    /// What the pack says of a report that follows a case in this state.
    fn rule_for(&self, target: Uuid) -> Result<Rule, Failure> {
        let Some(case) = self.cases.get(&target).filter(|case| case.closed) else { return Ok(Rule::Join) };
        self.app.platform.policies.require(case.policy)?;
        let policy = self.app.platform.policies.get(case.policy);
        let kind = policy.as_ref().and_then(|policy| policy.kind(&case.pack, &case.kind));
        Ok(kind.map_or(Rule::Join, |kind| supplementing::rule_for(case, kind)))
    }

    fn supplement(&mut self, target: Uuid, row: &Released, body: Option<&AcceptedReport>) -> Result<(), Failure> {
        // Before it is told: whoever is named must not be told.
        let named = body.map(|body| self.named_in(target, body)).transpose()?.unwrap_or_default();
        let clock = &self.app.platform.clock;
        if let Some(case) = self.cases.get_mut(&target) {
            case.doubt(named.doubts);
            case.keep_out(&named.people, &named.units);
            let report = body.map(|body| &body.report);
            let told = supplementing::supplement(case, row.receipt, report, clock.now(), &|cause| clock.cause_after(cause));
            self.take(target, told, row.traceparent.clone());
        }
        self.settled.push((row.receipt, "supplement", target));
        self.app.measures.count("supplement", 1);
        Ok(())
    }

    /// Whom a supplement names as complained about.
    fn named_in(&self, target: Uuid, body: &AcceptedReport) -> Result<Named, Failure> {
        let Some(case) = self.cases.get(&target).filter(|_| !body.report.fields.is_empty()) else { return Ok(Named::default()) };
        self.app.platform.policies.require(case.policy)?;
        let directory = self.app.directory().map_err(|problem| NotYet(problem.to_string()))?;
        let Some(policy) = self.app.platform.policies.get(case.policy) else { return Ok(Named::default()) };
        let Some(kind) = policy.kind(&case.pack, &case.kind) else { return Ok(Named::default()) };
        let contacts = self.app.contacts.of(&directory);
        let ground = Ground { policy: &policy, policy_version: case.policy, directory: &directory, contacts: &contacts };
        Ok(judging::named_in(&ground, kind, &case.unit, body))
    }

    fn reopen(&mut self, target: Uuid, row: &Released, step: &Step, event: &str) {
        let clock = &self.app.platform.clock;
        let Some(case) = self.cases.get_mut(&target) else { return };
        let Some(policy) = self.app.platform.policies.get(case.policy) else { return };
        let Some(kind) = policy.kind(&case.pack, &case.kind) else { return };
        let told = supplementing::reopen(case, kind, row.receipt, (step, event), clock.now(), &|cause| clock.cause_after(cause));
        told.into_iter().for_each(|told| self.take(target, told, row.traceparent.clone()));
    }

    /// The report that an own case follows has come after all: a person is asked whether the two are one matter.
    fn link_late(&mut self, alone: Uuid, target: Uuid) {
        if alone == target {
            return;
        }
        let at = self.app.platform.clock.now();
        self.links.push(links::NewLink { case: alone, other: target, sort: "follows", at });
        for (case, other) in [(alone, target), (target, alone)] {
            let clock = &self.app.platform.clock;
            let Some(found) = self.cases.get_mut(&case) else { continue };
            let told = registering::belongs_with(found, other, clock.now(), &|cause| clock.cause_after(cause));
            self.take(case, told, None);
        }
    }

    /// Takes what was told of a case, to be written; in the trace of the report that brought it about, else in the case's own.
    fn take(&mut self, case: Uuid, told: Told, traceparent: Option<String>) {
        let traceparent = traceparent.or_else(|| self.cases.get(&case)?.traceparent.clone());
        self.entries.push(timeline::NewEntry::of(case, &told, ""));
        self.events.push(told.event.with_traceparent(traceparent));
    }

    async fn write(mut self, tx: &mut PgConnection) -> Result<(), Failure> {
        let app = self.app;
        if !self.openings.is_empty() {
            let openings: Vec<Opening> = self.openings.iter().map(|(opening, _)| opening.clone()).collect();
            let opened = register::register(app, tx, &openings).await?;
            app.measures.registered(&opened);
            for (case, (opening, target)) in opened.into_iter().zip(std::mem::take(&mut self.openings)) {
                self.settled.push((opening.accepted.receipt, "registered", case.id));
                let own = case.id;
                self.cases.insert(own, case);
                self.link_late(own, target);
            }
        }
        identities::settle(tx, &self.settled).await?;
        let mut touched: Vec<Case> = self.cases.into_values().collect();
        touched.sort_by_key(|case| case.id);
        cases::save(tx, &touched).await?;
        timeline::insert(tx, &app.platform.seal, &self.entries).await?;
        links::insert(tx, &self.links).await?;
        app.platform.outbox.write(tx, &self.events).await?;
        Ok(())
    }
}

async fn release(app: &App, tx: &mut PgConnection, hopeless: &[Released]) -> Result<(), Failure> {
    let traces: HashMap<Uuid, Option<String>> = hopeless.iter().map(|row| (row.receipt, row.traceparent.clone())).collect();
    let receipts: Vec<Uuid> = hopeless.iter().map(|row| row.receipt).collect();
    let bodies = reports::open(&mut *tx, &app.platform.seal, &receipts).await?;
    if bodies.len() < hopeless.len() {
        return Err(anyhow::anyhow!("the text of a report that waits in vain is not there").into());
    }
    let openings: Vec<Opening> = bodies
        .into_iter()
        .map(|body| {
            let trace = traces.get(&body.receipt).cloned().flatten();
            own_case(body, trace, Some(in_vain()))
        })
        .collect();
    let opened = register::register(app, tx, &openings).await?;
    let own: Vec<(Uuid, Uuid)> = openings.iter().map(|opening| (opening.accepted.receipt, opening.case)).collect();
    waiting::set_alone(tx, &own).await?;
    identities::settle(tx, &own.iter().map(|(receipt, case)| (*receipt, "registered", *case)).collect::<Vec<_>>()).await?;
    app.measures.count("alone", opened.len());
    tracing::info!(reports = opened.len(), "reports whose target did not come were registered as cases of their own");
    Ok(())
}

fn own_case(accepted: AcceptedReport, traceparent: Option<String>, unsorted: Option<Reason>) -> Opening {
    Opening { cause: accepted.received_at, accepted, case: ids::fresh(), traceparent, unsorted, by: String::new(), kept: true }
}

fn in_vain() -> Reason {
    Reason {
        text: "It follows a report that has not come, or that follows it in turn".to_owned(),
        text_zh: "所补充的来件尚未收到，或二者互为补充，请核实".to_owned(),
        article: None,
    }
}
