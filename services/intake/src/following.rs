//! Reports that follow another: joined to its case as supplements as soon as it is known; after an hour, or in a cycle, cases of their
//! own; and linked, if the other comes after all.
//!
//! This runs beside the intake of reports, in every copy, on rows that wait ([`waiting`]): whichever report came first makes no difference.

use crate::app::App;
use crate::case::{Case, Happening};
use crate::register::{self, Opening};
use crate::requests::act::step;
use crate::store::waiting::{self, Released};
use crate::store::{cases, identities, links, rejected, reports, timeline};
use duban_contracts::case::{Reason, Step};
use duban_contracts::report::AcceptedReport;
use duban_contracts::{NewEvent, ids};
use duban_platform::consumer::Failure;
use duban_policy::policy::FollowsClosed;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// At most so many in one transaction.
const BATCH: i64 = 200;
/// How often the rows are looked at without being told to.
const PACE: Duration = Duration::from_secs(1);
/// Every so many rounds those that wait in vain are looked for: that is dearer.
const HOPELESS_EVERY: u32 = 5;

/// Runs until the service stops.
pub async fn run(app: App) {
    app.platform.schema_complete().await;
    let mut round = 0u32;
    loop {
        tokio::select! {
            () = app.platform.shutdown.cancelled() => return,
            () = app.followers.notified() => {}
            () = tokio::time::sleep(PACE) => round = round.wrapping_add(1),
        }
        let hopeless = round.is_multiple_of(HOPELESS_EVERY);
        if let Err(error) = look(&app, hopeless).await {
            tracing::debug!(%error, "followers wait: looked for again in a second");
            tokio::time::sleep(PACE).await;
        }
    }
}

async fn look(app: &App, hopeless: bool) -> Result<(), Failure> {
    let pool = app.platform.db.pool();
    if waiting::any(pool).await? {
        // Until nothing is left: what was just joined may be what others follow.
        while join_known(app).await? > 0 {}
        if hopeless {
            while release_hopeless(app).await? > 0 {}
        }
    }
    if hopeless {
        let (count, oldest) = waiting::count(pool).await?;
        app.measures.stand(count, oldest, rejected::count_open(pool).await?);
    }
    Ok(())
}

/// Joins what need not wait any longer; tells how many rows were taken.
pub async fn join_known(app: &App) -> Result<usize, Failure> {
    let mut tx = app.platform.db.begin().await?;
    let released = waiting::take_known(&mut tx, BATCH).await?;
    if released.is_empty() {
        return Ok(0);
    }
    let receipts: Vec<Uuid> = released.iter().map(|row| row.receipt).collect();
    let bodies = reports::open(&mut *tx, &app.platform.seal, &receipts).await?;
    let mut bodies: HashMap<Uuid, AcceptedReport> = bodies.into_iter().map(|body| (body.receipt, body)).collect();
    let targets: Vec<Uuid> = released.iter().filter_map(|row| row.target_case).collect();
    let living = cases::living(&mut tx, &targets).await?;
    let wanted: Vec<Uuid> = living.values().copied().chain(released.iter().filter_map(|row| row.alone)).collect();
    let mut joining = Joining {
        app,
        cases: cases::lock(&mut tx, &wanted).await?.into_iter().map(|case| (case.id, case)).collect(),
        events: Vec::new(),
        entries: Vec::new(),
        links: Vec::new(),
        settled: Vec::new(),
        openings: Vec::new(),
    };
    let count = released.len();
    for row in released {
        let target = row.target_case.and_then(|target| living.get(&target).copied());
        let body = bodies.remove(&row.receipt);
        joining.join(row, target, body)?;
    }
    joining.write(&mut tx).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(count)
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
                self.supplement(target, &row, body.as_ref());
                self.reopen(target, &row, *step, &event);
            }
            // A text that was erased meanwhile can still be joined, not registered.
            (Rule::Join | Rule::NewCase, body) => self.supplement(target, &row, body.as_ref()),
        }
        Ok(())
    }

    /// What the pack says of a report that follows a case in this state.
    fn rule_for(&self, target: Uuid) -> Result<Rule, Failure> {
        let Some(case) = self.cases.get(&target).filter(|case| case.closed) else { return Ok(Rule::Join) };
        self.app.platform.policies.require(case.policy)?;
        let Some(policy) = self.app.platform.policies.get(case.policy) else { return Ok(Rule::Join) };
        let Some(kind) = policy.kind(&case.pack, &case.kind) else { return Ok(Rule::Join) };
        Ok(match &kind.follows_closed {
            FollowsClosed::Join => Rule::Join,
            FollowsClosed::NewCase => Rule::NewCase,
            FollowsClosed::Reopen { step } => match kind.step(step) {
                Some(step) => Rule::Reopen {
                    event: step.event.clone(),
                    step: Box::new(Step {
                        name: step.id.clone(),
                        from: case.stage.clone(),
                        to: step.to.clone().unwrap_or_else(|| kind.first_stage().to_owned()),
                        by: String::new(),
                        article: Some(step.article.clone()).filter(|article| !article.is_empty()),
                    }),
                },
                None => Rule::Join,
            },
        })
    }

    fn supplement(&mut self, target: Uuid, row: &Released, body: Option<&AcceptedReport>) {
        let report = body.map(|body| &body.report);
        let note: Vec<&str> = report.into_iter().flat_map(|report| [report.subject.as_deref(), report.text.as_deref()]).flatten().collect();
        let channel = report.map_or("", |report| report.channel.as_str());
        let words = Words {
            text: format!("A supplement came ({channel})"),
            text_zh: format!("收到补充来件（{channel}）"),
            note: (!note.is_empty()).then(|| note.join("\n")),
            article: None,
        };
        let happening = Happening { receipt: Some(row.receipt), ..Happening::default() };
        self.tell(target, "supplemented", words, happening, row.traceparent.clone());
        self.settled.push((row.receipt, "supplement", target));
        self.app.measures.count("supplement", 1);
    }

    /// The pack's step is made by the supplement itself; it is told by its own name, and as every reopening is.
    fn reopen(&mut self, target: Uuid, row: &Released, step: Step, event: &str) {
        let Some(case) = self.cases.get_mut(&target) else { return };
        step::reopened(case, &step.to);
        let names = if event == "reopened" { vec!["reopened"] } else { vec![event, "reopened"] };
        for happened in names {
            let words = Words {
                text: "Reopened: a supplement came".to_owned(),
                text_zh: "收到补充来件，案件重新开启".to_owned(),
                note: None,
                article: step.article.clone(),
            };
            let happening = Happening { step: Some(step.clone()), receipt: Some(row.receipt), ..Happening::default() };
            self.tell(target, happened, words, happening, row.traceparent.clone());
        }
    }

    /// The report that an own case follows has come after all: a person is asked whether the two are one matter.
    fn link_late(&mut self, alone: Uuid, target: Uuid) {
        if alone == target {
            return;
        }
        let number = |id: Uuid| self.cases.get(&id).map(|case| case.number.clone()).unwrap_or_default();
        let (own, other) = (number(alone), number(target));
        let at = self.app.platform.clock.now();
        self.links.push(links::NewLink { case: alone, other: target, sort: "follows", at });
        for (case, other, number) in [(alone, target, other), (target, alone, own)] {
            let words = Words {
                text: format!("Belongs with {number}, which came later or earlier: look whether the two are to be merged"),
                text_zh: format!("与{number}为前后来件，请核实是否并案"),
                note: None,
                article: None,
            };
            self.tell(case, "linked", words, Happening { other: Some(other), ..Happening::default() }, None);
        }
    }

    fn tell(&mut self, case: Uuid, happened: &str, words: Words, happening: Happening, traceparent: Option<String>) {
        let Some(case) = self.cases.get_mut(&case) else { return };
        let clock = &self.app.platform.clock;
        let traceparent = traceparent.or_else(|| case.traceparent.clone());
        let event = case.tell(clock, clock.now(), happened, happening).with_traceparent(traceparent);
        self.entries.push(timeline::NewEntry {
            id: event.id,
            case: case.id,
            version: event.version,
            at: event.time,
            event: format!("case.{happened}"),
            text: words.text,
            text_zh: words.text_zh,
            by: String::new(),
            note: words.note,
            article: words.article,
        });
        self.events.push(event);
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

/// What becomes of a report whose target is known.
enum Rule {
    Join,
    Reopen { step: Box<Step>, event: String },
    NewCase,
}

struct Words {
    text: String,
    text_zh: String,
    note: Option<String>,
    article: Option<String>,
}

/// Registers those that wait in vain as cases of their own; tells how many.
pub async fn release_hopeless(app: &App) -> Result<usize, Failure> {
    let mut tx = app.platform.db.begin().await?;
    let hopeless = waiting::lock_hopeless(&mut tx, app.settings.patience(), BATCH).await?;
    if hopeless.is_empty() {
        return Ok(0);
    }
    let traces: HashMap<Uuid, Option<String>> = hopeless.iter().map(|row| (row.receipt, row.traceparent.clone())).collect();
    let receipts: Vec<Uuid> = hopeless.iter().map(|row| row.receipt).collect();
    let bodies = reports::open(&mut *tx, &app.platform.seal, &receipts).await?;
    let openings: Vec<Opening> = bodies
        .into_iter()
        .map(|body| {
            let trace = traces.get(&body.receipt).cloned().flatten();
            own_case(body, trace, Some(in_vain()))
        })
        .collect();
    let opened = register::register(app, &mut tx, &openings).await?;
    let own: Vec<(Uuid, Uuid)> = openings.iter().map(|opening| (opening.accepted.receipt, opening.case)).collect();
    waiting::set_alone(&mut tx, &own).await?;
    identities::settle(&mut tx, &own.iter().map(|(receipt, case)| (*receipt, "registered", *case)).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    app.measures.count("alone", opened.len());
    tracing::info!(reports = opened.len(), "reports whose target did not come were registered as cases of their own");
    Ok(hopeless.len())
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
