//! People at work while processes die: they acknowledge alerts, write notes and carry cases to their close, each asking again under the same
//! request id until there is an answer, as their browsers and programs must.

use anyhow::Context;
use duban::gateway::Gateway;
use duban_contracts::Problem;
use duban_contracts::alert::AlertList;
use duban_contracts::case::{CaseAct, CaseListRequest};
use duban_tests::World;
use duban_tests::journey::{self, GENERAL_MANAGER, HANDLER};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long a person goes on asking.
const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(200);

/// What was answered as done.
#[derive(Debug, Default)]
pub struct Done {
    pub noted: usize,
    pub closed: BTreeSet<Uuid>,
    pub acknowledged: BTreeSet<Uuid>,
}

/// The store's staff at work.
pub struct Staff {
    working: Arc<AtomicBool>,
    people: JoinHandle<anyhow::Result<Done>>,
    desks: [Desk; 2],
}

/// What a person is at, for who wonders why nothing gets done. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
struct Desk(Arc<Mutex<String>>);

impl Desk {
    fn is_at(&self, what: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    fn told(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Lets them work until they are stopped.
///
/// # Errors
/// One of them cannot log in.
pub async fn at_work(world: &World) -> anyhow::Result<Staff> {
    let (handler, manager) = (world.installation.person(HANDLER).await?, world.installation.person(GENERAL_MANAGER).await?);
    let working = Arc::new(AtomicBool::new(true));
    let goes_on = working.clone();
    let desks = [Desk::default(), Desk::default()];
    let [his, hers] = desks.clone();
    let people = tokio::spawn(async move {
        let (carried, acknowledged) = tokio::try_join!(carry(&handler, &goes_on, &his), acknowledge(&manager, &goes_on, &hers))?;
        Ok(Done { acknowledged, ..carried })
    });
    Ok(Staff { working, people, desks })
}

/// A list that cannot be had now is asked for again.
async fn carry(handler: &Gateway, goes_on: &AtomicBool, desk: &Desk) -> anyhow::Result<Done> {
    let mut done = Done::default();
    while goes_on.load(Ordering::Relaxed) || done.closed.is_empty() {
        carry_one(handler, &mut done, desk).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(done)
}

async fn acknowledge(manager: &Gateway, goes_on: &AtomicBool, desk: &Desk) -> anyhow::Result<BTreeSet<Uuid>> {
    let mut done = BTreeSet::new();
    while goes_on.load(Ordering::Relaxed) || done.is_empty() {
        acknowledge_all(manager, &mut done, desk).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(done)
}

impl Staff {
    /// They finish what they have in hand. Who has had nothing to do yet waits for something: while escalation reads what happened under the kills
    /// it raises nothing, and on some machines all alerts come afterwards, when what was accepted has been worked off.
    ///
    /// # Errors
    /// When something was refused that should not have been, or never answered.
    pub async fn stop(self, patience: Duration) -> anyhow::Result<Done> {
        self.working.store(false, Ordering::Relaxed);
        let told = || self.desks.each_ref().map(Desk::told).join("; ");
        tokio::time::timeout(patience, self.people).await.with_context(|| format!("somebody did nothing in {patience:?}: {}", told()))??
    }
}

async fn acknowledge_all(manager: &Gateway, done: &mut BTreeSet<Uuid>, desk: &Desk) -> anyhow::Result<()> {
    let waiting = match manager.get::<AlertList>("/v1/alerts", &json!({ "state": "open", "limit": 5 })).await {
        Ok(waiting) => waiting.alerts,
        Err(error) => {
            desk.is_at(format!("the manager has no list of alerts, {} acknowledged: {error:#}", done.len()));
            return Ok(());
        }
    };
    desk.is_at(format!("the manager has {} alerts to acknowledge, {} acknowledged", waiting.len(), done.len()));
    for alert in waiting {
        let request = Uuid::now_v7();
        surely(|| manager.acknowledge(alert.alert, request)).await.context("acknowledging")?;
        done.insert(alert.alert);
    }
    Ok(())
}

/// Takes an open case of the store to its close, with a note on the way. One stays open always: who closed them all before escalation had
/// heard of them, as a quick handler may while it is killed, would leave the manager without an alert for ever.
async fn carry_one(handler: &Gateway, done: &mut Done, desk: &Desk) -> anyhow::Result<()> {
    let filter = CaseListRequest { unit: Some("BJ01".into()), state: Some("open".into()), limit: Some(2), ..CaseListRequest::default() };
    let list = match handler.cases(&filter).await {
        Ok(list) => list.cases,
        Err(error) => {
            desk.is_at(format!("the handler has no list of cases, {} closed: {error:#}", done.closed.len()));
            return Ok(());
        }
    };
    let [case, _stays_open] = list.as_slice() else {
        desk.is_at(format!("the handler has no second case, {} closed", done.closed.len()));
        return Ok(());
    };
    let case = case.case;
    desk.is_at(format!("the handler writes a note on {case}, {} closed", done.closed.len()));
    act(handler, case, &CaseAct::Note { text: "已电话联系客户".into() }).await.context("noting")?;
    done.noted += 1;
    for (name, step) in journey::steps()? {
        desk.is_at(format!("the handler is at {name} of {case}, {} closed", done.closed.len()));
        act(handler, case, &step).await.context(name)?;
    }
    done.closed.insert(case);
    Ok(())
}

/// One act, done once: the same request again after silence, a new one only when the answer says that nothing was done because the case had
/// changed.
async fn act(handler: &Gateway, case: Uuid, act: &CaseAct) -> anyhow::Result<()> {
    loop {
        let path = format!("/v1/cases/{case}");
        let whole: duban::case::CaseWhole = surely(|| handler.get(&path, &())).await?;
        let (request, version) = (Uuid::now_v7(), whole.detail.summary.version);
        match surely(|| handler.act(case, request, version, act)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == "version-conflict") => {}
            Err(error) => return Err(error),
        }
    }
}

/// Asks until there is an answer that says what became of it.
async fn surely<T, Asked: Future<Output = anyhow::Result<T>>>(mut ask: impl FnMut() -> Asked) -> anyhow::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_refused =
            error.downcast_ref::<Problem>().is_some_and(|problem| (400..500).contains(&problem.status) && problem.status != 429);
        anyhow::ensure!(!is_refused && Instant::now() < until, error);
        tokio::time::sleep(PAUSE).await;
    }
}
