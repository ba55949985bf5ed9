//! Working through the cases: which step comes next, when, and by whom.

use super::Cast;
use super::acting::Outcome;
use crate::case::CaseWhole;
use duban_contracts::Timestamp;
use duban_contracts::case::{CaseAct, CaseList, CaseListRequest, CaseSummary};
use duban_policy::directory::Right;
use duban_policy::policy::{Actor, Kind, Step, StepSort};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// How often the staff looks at its cases, real time.
const LOOK: Duration = Duration::from_millis(400);

/// What the staff knows of a case besides its summary.
#[derive(Debug, Default)]
struct Intent {
    stage: String,
    /// Steps made or refused in this stage.
    done: HashSet<String>,
    /// Acts made in any stage: once is enough.
    acted: HashSet<String>,
    planned: Option<Planned>,
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
    /// Somebody must have it in hand first.
    Assign,
    /// An unsorted case is sorted to this kind.
    Sort(String),
}

impl What {
    fn name(&self) -> &str {
        match self {
            What::Step(step) => step,
            What::Assign => "assign",
            What::Sort(_) => "sort",
        }
    }
}

/// A case as the conditions of its steps see it.
fn facts_of(whole: &CaseWhole) -> Option<Value> {
    let mut facts = serde_json::to_value(&whole.detail.summary).ok()?;
    facts["fields"] = Value::Object(whole.detail.fields.clone());
    Some(facts)
}

impl Cast {
    pub(super) async fn work_on_cases(&self) -> anyhow::Result<()> {
        let mut intents: HashMap<Uuid, Intent> = HashMap::new();
        let mut failures = 0;
        loop {
            match self.open_cases().await {
                Ok(cases) => {
                    failures = 0;
                    for case in &cases {
                        self.work_on(case, intents.entry(case.case).or_default()).await;
                    }
                }
                Err(error) if failures > 50 => return Err(error.context("the staff cannot see its cases")),
                Err(_) => failures += 1,
            }
            tokio::time::sleep(LOOK).await;
        }
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

    /// Plans the next step of a case, or takes the planned one when its time has come.
    async fn work_on(&self, case: &CaseSummary, intent: &mut Intent) {
        if intent.stage != case.stage {
            let acted = std::mem::take(&mut intent.acted);
            *intent = Intent { stage: case.stage.clone(), acted, ..Intent::default() };
        }
        let Some(planned) = intent.planned.clone() else {
            intent.planned = self.next(case, intent).await;
            return;
        };
        if self.pace.now() < planned.at {
            return;
        }
        intent.planned = None;
        let outcome = match (self.person_for(case, &planned.what), self.act_for(case, &planned.what)) {
            (Some(person), Some(act)) => self.act(&person, case, &act).await,
            _ => Outcome::Refused,
        };
        // What another changed meanwhile, or what did not answer, is looked at again; the rest is done with.
        if outcome != Outcome::Again {
            intent.done.insert(planned.what.name().to_owned());
        }
        if outcome == Outcome::Done {
            intent.acted.insert(planned.what.name().to_owned());
        }
    }

    async fn next(&self, case: &CaseSummary, intent: &Intent) -> Option<Planned> {
        let whole: CaseWhole = self.overseer.get(&format!("/v1/cases/{}", case.case), &()).await.ok()?;
        let what = self.choose(case, &facts_of(&whole)?, intent)?;
        let after = self.rules.delay_of(what.name(), &case.number);
        let at = self.pace.now().checked_add(after).ok()?;
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
        let needs_handler = step.by == [Actor::Handler];
        if needs_handler && case.handler.is_none() && !intent.done.contains("assign") {
            return Some(What::Assign);
        }
        Some(What::Step(step.id.clone()))
    }

    /// Acts before moves; among the moves the preferred ones first.
    fn choose_step<'a>(&self, kind: &'a Kind, case: &CaseSummary, facts: &Value, intent: &Intent) -> Option<&'a Step> {
        let figures = |name: &str| self.policy.figure(&case.pack, name, &case.unit);
        let fits = |step: &Step| step.when.as_ref().is_none_or(|when| when.holds(facts, &figures));
        let acted = |step: &Step| step.sort == StepSort::Act && intent.acted.contains(&step.id);
        let wanted = |step: &Step| !intent.done.contains(&step.id) && !self.rules.never.contains(&step.id);
        let open = |step: &&Step| step.from.contains(&case.stage) && wanted(step) && fits(step) && !acted(step);
        let rank = |step: &&Step| {
            let preferred = self.rules.prefer.iter().position(|id| *id == step.id).unwrap_or(usize::MAX);
            (step.sort == StepSort::Move, preferred)
        };
        kind.steps.iter().filter(open).min_by_key(rank)
    }

    fn person_for(&self, case: &CaseSummary, what: &What) -> Option<String> {
        match what {
            What::Step(step) => self.actor(case, self.policy.kind(&case.pack, &case.kind)?.step(step)?),
            What::Assign | What::Sort(_) => self.someone_who(Right::Move, &case.unit),
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
            What::Assign => CaseAct::Assign { person: self.someone_who(Right::Take, &case.unit)? },
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
