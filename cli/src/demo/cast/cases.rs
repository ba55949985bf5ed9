//! Working through the cases: which step comes next, when, and by whom.

use super::Cast;
use super::acting::Outcome;
use crate::case::CaseWhole;
use duban_contracts::Timestamp;
use duban_contracts::case::{CaseAct, CaseList, CaseListRequest, CaseSummary};
use duban_policy::directory::Right;
use duban_policy::policy::{Actor, Kind, Step, StepSort};
use futures::StreamExt;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// How often the staff looks at its cases, real time.
const LOOK: Duration = Duration::from_millis(150);

/// How many cases are worked on at once: people do not wait for one another.
const AT_ONCE: usize = 12;

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

impl Cast {
    pub(super) async fn work_on_cases(&self) -> anyhow::Result<()> {
        let mut intents: HashMap<Uuid, Intent> = HashMap::new();
        let mut failures = 0;
        loop {
            match self.open_cases().await {
                Ok(cases) => {
                    failures = 0;
                    let at_work = cases.into_iter().map(|case| {
                        let mut intent = intents.remove(&case.case).unwrap_or_default();
                        async move {
                            let id = case.case;
                            self.work_on(case, &mut intent).await;
                            (id, intent)
                        }
                    });
                    let at_work: Vec<_> = at_work.collect();
                    intents = futures::stream::iter(at_work).buffer_unordered(AT_ONCE).collect().await;
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

    /// Takes the planned steps of a case whose time has come, and plans the next one.
    async fn work_on(&self, mut case: CaseSummary, intent: &mut Intent) {
        loop {
            if intent.planned.is_none() {
                if intent.idle_at == Some(case.version) {
                    return;
                }
                let Ok(whole) = self.overseer.get::<CaseWhole>(&format!("/v1/cases/{}", case.case), &()).await else { return };
                case = whole.detail.summary.clone();
                intent.enter(&case.stage);
                intent.planned = self.next(&case, &whole, intent);
                if intent.planned.is_none() {
                    intent.idle_at = Some(case.version);
                }
            }
            let Some(planned) = intent.planned.clone().filter(|planned| planned.at <= self.pace.now()) else { return };
            intent.planned = None;
            let outcome = match (self.person_for(&case, &planned.what), self.act_for(&case, &planned.what)) {
                (Some(person), Some(act)) => self.act(&person, &case, &act).await,
                _ => Outcome::Refused,
            };
            match outcome {
                // What another changed meanwhile, or what did not answer, is looked at again, not at once.
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
    }

    fn next(&self, case: &CaseSummary, whole: &CaseWhole, intent: &Intent) -> Option<Planned> {
        let what = self.choose(case, &facts_of(whole)?, intent)?;
        let after = self.rules.delay_of(what.name(), &case.number);
        let at = intent.since.unwrap_or(case.registered_at).checked_add(after).ok()?;
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
        let open = |step: &&Step| step.from.contains(&case.stage) && wanted(step) && fits(step) && !acted(step);
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
