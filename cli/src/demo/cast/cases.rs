//! Working through the cases: which step comes next, when, and by whom.

use super::acting::Outcome;
use super::{Cast, patiently};
use crate::case::CaseWhole;
use duban_contracts::Timestamp;
use duban_contracts::case::{CaseAct, CaseList, CaseListRequest, CaseSummary};
use duban_policy::directory::Right;
use duban_policy::policy::{Actor, Kind, Step, StepSort};
use futures::StreamExt;
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many cases are worked on at once: people do not wait for one another.
const AT_ONCE: usize = 12;

/// The open cases, and what comes next in each.
#[derive(Debug, Default)]
pub(super) struct CasesAtWork(HashMap<Uuid, (CaseSummary, Intent)>);

impl CasesAtWork {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|(_, intent)| intent.planned.as_ref()).map(|planned| planned.at).min()
    }
}

/// What the staff knows of a case besides its summary.
#[derive(Debug, Default)]
struct Intent {
    stage: String,
    /// Steps made or refused in this stage.
    done: HashSet<String>,
    /// Acts made in any stage: once is enough.
    acted: HashSet<String>,
    /// When the last thing was done, by plan: what comes next takes its time from then, so that the machine's own latency does not add up.
    since: Option<Timestamp>,
    planned: Option<Planned>,
    /// The version of the case at which there was nothing to do.
    idle_at: Option<i64>,
}

/// What comes next.
#[derive(Debug, Clone)]
struct Planned {
    what: What,
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A step of the pack.
    Step(String),
    /// This person has it in hand first.
    Assign(String),
    /// An unsorted case is sorted to this kind.
    Sort(String),
}

impl What {
    fn name(&self) -> &str {
        match self {
            What::Step(step) => step,
            What::Assign(_) => "assign",
            What::Sort(_) => "sort",
        }
    }
}

impl Intent {
    fn enter(&mut self, stage: &str) {
        if self.stage != stage {
            stage.clone_into(&mut self.stage);
            self.done.clear();
        }
    }
}

/// A case as the conditions of its steps see it.
fn facts_of(whole: &CaseWhole) -> Option<Value> {
    let mut facts = serde_json::to_value(&whole.detail.summary).ok()?;
    facts["fields"] = Value::Object(whole.detail.fields.clone());
    Some(facts)
}

/// Things happen at full minutes, what takes long at every tenth, so that many happen at once: each instant costs the play a moment.
fn rounded(at: Timestamp, after: SignedDuration) -> Timestamp {
    let minutes = if after > SignedDuration::from_mins(30) { 10 } else { 2 };
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(minutes * 60)).unwrap_or(at)
}

impl Cast {
    pub(super) async fn look_at_cases(&self, cases: &mut CasesAtWork) -> anyhow::Result<()> {
        let open = patiently(|| self.open_cases()).await?;
        let looks: Vec<_> = open
            .into_iter()
            .map(|case| {
                let mut intent = cases.0.remove(&case.case).map(|(_, intent)| intent).unwrap_or_default();
                async move {
                    let case = self.plan(case, &mut intent).await;
                    (case.case, (case, intent))
                }
            })
            .collect();
        cases.0 = futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        Ok(())
    }

    /// Takes the steps that were planned for now; how many.
    pub(super) async fn work_on_cases(&self, cases: &mut CasesAtWork) -> usize {
        let now = self.pace.now();
        let is_due = |intent: &Intent| intent.planned.as_ref().is_some_and(|planned| planned.at <= now);
        let due: Vec<_> =
            cases.0.values_mut().filter(|(_, intent)| is_due(intent)).map(|(case, intent)| self.work_on(case, intent)).collect();
        let count = due.len();
        futures::stream::iter(due).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        count
    }

    async fn open_cases(&self) -> anyhow::Result<Vec<CaseSummary>> {
        let mut cases = Vec::new();
        let mut before = None;
        loop {
            let filter = CaseListRequest { state: Some("open".into()), limit: Some(200), before, ..CaseListRequest::default() };
            let CaseList { cases: page, next, .. } = self.overseer.cases(&filter).await?;
            cases.extend(page);
            match next {
                Some(next) => before = Some(next),
                None => return Ok(cases),
            }
        }
    }

    /// Plans what comes next, where nothing is planned; the case as it was then.
    async fn plan(&self, case: CaseSummary, intent: &mut Intent) -> CaseSummary {
        if intent.planned.is_some() || intent.idle_at == Some(case.version) {
            return case;
        }
        let Ok(whole) = self.overseer.get::<CaseWhole>(&format!("/v1/cases/{}", case.case), &()).await else { return case };
        let case = whole.detail.summary.clone();
        intent.enter(&case.stage);
        intent.planned = self.next(&case, &whole, intent);
        intent.idle_at = intent.planned.is_none().then_some(case.version);
        case
    }

    /// Takes the planned step of a case.
    async fn work_on(&self, case: &CaseSummary, intent: &mut Intent) {
        let Some(planned) = intent.planned.take() else { return };
        let outcome = match (self.person_for(case, &planned.what), self.act_for(case, &planned.what)) {
            (Some(person), Some(act)) => self.act_on(&person, case, &act).await,
            _ => Outcome::Refused,
        };
        match outcome {
            // What another changed meanwhile, or what did not answer, is looked at again.
            Outcome::Again => return,
            Outcome::Refused => {}
            Outcome::Done(version) => {
                self.remember(case.case, version, planned.at);
                intent.acted.insert(planned.what.name().to_owned());
                intent.since = Some(planned.at);
            }
        }
        intent.done.insert(planned.what.name().to_owned());
    }

    fn next(&self, case: &CaseSummary, whole: &CaseWhole, intent: &Intent) -> Option<Planned> {
        let what = self.choose(case, &facts_of(whole)?, intent)?;
        let after = self.rules.delay_of(what.name(), &case.number);
        let at = rounded(intent.since.unwrap_or(case.registered_at).checked_add(after).ok()?, after);
        // Nobody works at night: what falls outside working hours is done when they begin.
        let calendar = self.policy.calendar_of(&case.unit);
        let at = if calendar.is_open(at) { at } else { calendar.next_opening(at).at };
        Some(Planned { what, at })
    }

    fn choose(&self, case: &CaseSummary, facts: &Value, intent: &Intent) -> Option<What> {
        if case.unsorted && !intent.done.contains("sort") {
            let kinds = self.policy.kinds_of(&case.unit, self.pace.now());
            if let Some(kind) = kinds.into_iter().find(|kind| !kind.unsorted) {
                return Some(What::Sort(kind.id.clone()));
            }
        }
        let kind = self.policy.kind(&case.pack, &case.kind)?;
        let step = self.choose_step(kind, case, facts, intent)?;
        // Whoever takes the first step has the case in hand from then on.
        if case.handler.is_none() && !case.unsorted && !intent.acted.contains("assign") && !intent.done.contains("assign") {
            return self.actor(case, step).map(What::Assign);
        }
        Some(What::Step(step.id.clone()))
    }

    /// What cannot wait, then acts before moves; among each the preferred ones first.
    fn choose_step<'a>(&self, kind: &'a Kind, case: &CaseSummary, facts: &Value, intent: &Intent) -> Option<&'a Step> {
        let figures = |name: &str| self.policy.figure(&case.pack, name, &case.unit);
        let fits = |step: &Step| step.when.as_ref().is_none_or(|when| when.holds(facts, &figures));
        let acted = |step: &Step| step.sort == StepSort::Act && intent.acted.contains(&step.id);
        let wanted = |step: &Step| !intent.done.contains(&step.id) && !self.rules.never.contains(&step.id);
        // Nobody of the demonstration says of his own that it is another's.
        let forwards = |step: &Step| step.sort != StepSort::Return;
        let open = |step: &&Step| step.from.contains(&case.stage) && forwards(step) && wanted(step) && fits(step) && !acted(step);
        let rank = |step: &&Step| {
            let place = |list: &[String]| list.iter().position(|id| *id == step.id).unwrap_or(usize::MAX);
            (place(&self.rules.first), step.sort == StepSort::Move, place(&self.rules.prefer))
        };
        kind.steps.iter().filter(open).min_by_key(rank)
    }

    fn person_for(&self, case: &CaseSummary, what: &What) -> Option<String> {
        match what {
            What::Step(step) => self.actor(case, self.policy.kind(&case.pack, &case.kind)?.step(step)?),
            What::Assign(_) | What::Sort(_) => self.someone_who(Right::Move, &case.unit),
        }
    }

    /// The person who takes a step: the one whose post it is, else the handler, else anybody who may move cases there.
    fn actor(&self, case: &CaseSummary, step: &Step) -> Option<String> {
        let now = self.pace.now();
        let of = |actor: &Actor| match actor {
            Actor::Role(role) => {
                let post = self.policy.post_for(&case.pack, role, &case.unit);
                self.directory.resolve_post(&post, &case.unit, now, &[]).people.into_iter().next()
            }
            Actor::Handler => case.handler.clone(),
            _ => None,
        };
        step.by.iter().find_map(of).or_else(|| self.someone_who(Right::Move, &case.unit))
    }

    fn act_for(&self, case: &CaseSummary, what: &What) -> Option<CaseAct> {
        Some(match what {
            What::Assign(person) => CaseAct::Assign { person: person.clone() },
            What::Sort(kind) => CaseAct::Correct {
                kind: Some(kind.clone()),
                unit: None,
                severity: None,
                about_person: None,
                reason: "按来件内容分拣".into(),
            },
            What::Step(step) => {
                let kind = self.policy.kind(&case.pack, &case.kind)?;
                let step = kind.step(step)?;
                CaseAct::Step { name: step.id.clone(), fields: self.fields_for(kind, step, case), note: None }
            }
        })
    }
}
