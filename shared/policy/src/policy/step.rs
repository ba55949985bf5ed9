//! Whether a move or act may be made now, by this person, with these fields.

use super::Policy;
use super::compile::whole;
use super::field::check_fields;
use super::kind::{Actor, Field, Kind, Limit, Returning, Step};
use crate::Title;
use crate::directory::{Directory, Right};
use duban_contracts::{FieldError, Problem, Sentence, Timestamp, both};
use serde_json::{Map, Value};

/// What is known of a case when a step is asked for.
#[derive(Debug, Clone)]
pub struct CaseFacts<'a> {
    pub pack: &'a str,
    pub kind: &'a str,
    pub unit: &'a str,
    pub stage: &'a str,
    pub handler: Option<&'a str>,
    /// Person who reported it or registered it by hand, if one of ours.
    pub reporter: Option<&'a str>,
    /// People who never see it.
    pub excluded: &'a [String],
    /// How often it was returned since it was opened (or reopened).
    pub returns: i64,
    /// Ids of the steps made since it was opened (or reopened).
    pub done: &'a [String],
    /// The case as its events tell it (a `CaseEvent` as JSON), with personal fields added to `fields`: for conditions.
    pub facts: &'a Value,
}

/// A step that may be made.
#[derive(Debug, Clone)]
pub struct Permitted<'a> {
    pub step: &'a Step,
    /// The fields given, checked and in their normal form.
    pub fields: Map<String, Value>,
    /// Event name: `case.accepted`.
    pub event: String,
    pub to: Option<&'a str>,
    pub closes: bool,
    /// Leaves a terminal stage.
    pub reopens: bool,
}

/// Why a step may not be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// `unknown-step`, `wrong-stage`, `wrong-role`, `no-right`, `not-now`, `done-already`, `returned-already`, `returned-too-often`, `missing-fields`,
    /// `bad-fields`.
    pub code: &'static str,
    pub en: String,
    pub zh: String,
    pub errors: Vec<FieldError>,
}

impl From<Refusal> for Problem {
    /// 403 for role and right, 422 for fields, 409 otherwise.
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            "wrong-role" | "no-right" => 403,
            "missing-fields" | "bad-fields" => 422,
            _ => 409,
        };
        Problem::new(status, refusal.code, refusal.en, refusal.zh).with_errors(refusal.errors)
    }
}

impl Refusal {
    fn new(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, en: en.into(), zh: zh.into(), errors: Vec::new() }
    }
}

impl Policy {
    /// Whether `person` may make this step now with these fields.
    ///
    /// # Errors
    /// A [`Refusal`] that says why not, in both languages.
    pub fn check_step<'a>(
        &'a self,
        directory: &Directory,
        person: &str,
        case: &CaseFacts<'_>,
        step: &str,
        fields: &Map<String, Value>,
        at: Timestamp,
    ) -> Result<Permitted<'a>, Refusal> {
        let kind = self.kind(case.pack, case.kind).ok_or_else(|| unknown_step(step))?;
        let step = kind.steps.iter().find(|candidate| candidate.id == step).ok_or_else(|| unknown_step(step))?;
        self.may_step(directory, person, case, step, at)?;
        let fields = self.step_fields(kind, step, case, fields)?;
        let closes = step.to.as_deref().is_some_and(|to| kind.is_terminal(to)) && !kind.is_terminal(case.stage);
        let reopens = step.to.as_deref().is_some_and(|to| !kind.is_terminal(to)) && kind.is_terminal(case.stage);
        Ok(Permitted { step, fields, event: format!("case.{}", step.event), to: step.to.as_deref(), closes, reopens })
    }

    /// The same without fields: may the person, if he brings what is required? For the list of what may be done next.
    ///
    /// # Errors
    /// As [`Policy::check_step`].
    pub fn may_step(&self, directory: &Directory, person: &str, case: &CaseFacts<'_>, step: &Step, at: Timestamp) -> Result<(), Refusal> {
        let kind = self.kind(case.pack, case.kind).ok_or_else(|| unknown_step(&step.id))?;
        if !step.from.iter().any(|from| from == case.stage) {
            let stage = kind.stage(case.stage).map_or_else(|| Title::new(case.stage, case.stage), |stage| stage.title.clone());
            return Err(Refusal::new(
                "wrong-stage",
                format!("'{}' cannot be done while the case is at '{}'", step.title.en, stage.en),
                format!("案件处于“{}”环节，不能“{}”", stage.zh, step.title.zh),
            ));
        }
        if step.once && case.done.contains(&step.id) {
            let (en, zh) = (format!("'{}' has been done already", step.title.en), format!("“{}”已经办过", step.title.zh));
            return Err(Refusal::new("done-already", en, zh));
        }
        if let Some(returning) = &step.returning {
            self.may_return(case, step, returning)?;
        }
        let figures = |name: &str| self.figure(case.pack, name, case.unit);
        if let Some(when) = step.when.as_ref().filter(|when| !when.holds(case.facts, &figures)) {
            let words = when.words(&figures);
            return Err(Refusal::new(
                "not-now",
                format!("'{}' asks for: {}", step.title.en, words.en),
                format!("“{}”的条件尚未满足：{}", step.title.zh, words.zh),
            ));
        }
        self.may_by_role(directory, person, case, step, at)
    }

    /// A case is not handed to and fro for ever, and not returned by those who do not have it.
    fn may_return(&self, case: &CaseFacts<'_>, step: &Step, returning: &Returning) -> Result<(), Refusal> {
        if step.to.is_none() && case.facts.get("unsorted").and_then(Value::as_bool) == Some(true) {
            return Err(Refusal::new(
                "returned-already",
                format!("'{}' cannot be done: the case waits to be sorted", step.title.en),
                format!("案件正待分拣，不能“{}”", step.title.zh),
            ));
        }
        let limit = self.most_returns(case.pack, returning, case.unit);
        if case.returns < limit {
            return Ok(());
        }
        let (zh, en): (Vec<String>, Vec<String>) =
            returning.decided_by.iter().map(|actor| self.actor_words(case.pack, actor)).map(|title| (title.zh, title.en)).unzip();
        Err(Refusal::new(
            "returned-too-often",
            format!(
                "'{}': the case was returned {} {}, {limit} at most; where it belongs is decided by: {}",
                step.title.en,
                case.returns,
                if case.returns == 1 { "time" } else { "times" },
                en.join(", ")
            ),
            format!("“{}”：案件已退回{}次，最多可退回{limit}次，归属由{}裁定", step.title.zh, case.returns, zh.join("、")),
        ))
    }

    /// How often a case of this unit may be returned.
    pub fn most_returns(&self, pack: &str, returning: &Returning, unit: &str) -> i64 {
        match &returning.limit {
            Limit::Fixed(limit) => *limit,
            // What a unit has of its own may be nonsense: then what the pack says counts.
            Limit::Parameter(name) => {
                let written = || self.pack(pack).and_then(|pack| pack.parameters.get(name)).map(|parameter| parameter.value.zh.clone());
                let own = self.figure(pack, name, unit).and_then(|value| whole(&value));
                own.or_else(|| written().and_then(|value| whole(&value))).unwrap_or(1)
            }
        }
    }

    fn may_by_role(&self, directory: &Directory, person: &str, case: &CaseFacts<'_>, step: &Step, at: Timestamp) -> Result<(), Refusal> {
        let excluded = case.excluded.iter().any(|out| out == person);
        let is_handler = case.handler == Some(person);
        if excluded || (!is_handler && directory.may(person, Right::Move, case.unit, at).is_none()) {
            return Err(Refusal::new("no-right", "you have no right to move cases of this unit", "您没有办理该单位案件的权限"));
        }
        let is_one = |actor: &Actor| match actor {
            Actor::Handler => is_handler,
            Actor::Reporter => case.reporter == Some(person),
            Actor::Field(field) => {
                case.facts.pointer("/fields").and_then(|fields| fields.get(field)).and_then(Value::as_str) == Some(person)
            }
            Actor::Role(role) => directory.acts_for(person, &self.post_for(case.pack, role, case.unit), case.unit, at, case.excluded),
            Actor::Owner | Actor::Superior | Actor::OwedTo => false,
        };
        if step.by.is_empty() || step.by.iter().any(is_one) {
            return Ok(());
        }
        let (zh, en): (Vec<String>, Vec<String>) =
            step.by.iter().map(|actor| self.actor_words(case.pack, actor)).map(|title| (title.zh, title.en)).unzip();
        Err(Refusal::new(
            "wrong-role",
            format!("'{}' is for: {}", step.title.en, en.join(", ")),
            format!("“{}”只能由{}办理", step.title.zh, zh.join("、")),
        ))
    }

    /// What an actor is called.
    pub(super) fn actor_words(&self, pack: &str, actor: &Actor) -> Title {
        match actor {
            Actor::Role(role) => self.pack(pack).and_then(|pack| pack.roles.get(role)).cloned().unwrap_or_else(|| Title::new(role, role)),
            Actor::Handler => Title::new("承办人", "the handler"),
            Actor::Reporter => Title::new("登记人", "who reported it"),
            Actor::Field(field) => {
                let found = self.pack(pack).and_then(|pack| pack.kinds.iter().find_map(|kind| kind.field(field)));
                found.map_or_else(|| Title::new(field, field), |field| field.title.clone())
            }
            Actor::Owner => Title::new("责任人", "who owes it"),
            Actor::Superior => Title::new("责任人的直接上级", "the direct superior of who owes it"),
            Actor::OwedTo => Title::new("责任对象", "those to whom it is owed"),
        }
    }

    fn step_fields(
        &self,
        kind: &Kind,
        step: &Step,
        case: &CaseFacts<'_>,
        sent: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Refusal> {
        let (mut good, bad) = check_fields(&kind.fields, sent);
        if !bad.is_empty() {
            let errors = bad.into_iter().map(|bad| {
                let at = format!("/fields/{}", bad.name);
                match bad.id.as_deref().and_then(|id| kind.field(id)) {
                    Some(Field { title: Title { zh, en }, .. }) => {
                        let wrong = both(format!("“{zh}”不符合要求"), format!("'{en}' does not fit"));
                        FieldError::new(at, wrong, both(bad.expected_zh, bad.expected))
                    }
                    None => {
                        let wrong = both(format!("没有“{}”这一项", bad.name), "is no field of this kind");
                        FieldError::new(at, wrong, both("请填写本类别所列的内容", "a field of this kind"))
                    }
                }
            });
            let mut refusal = Refusal::new("bad-fields", "some fields do not fit", "有字段不符合要求");
            refusal.errors = errors.collect();
            return Err(refusal);
        }
        let foreign: Vec<FieldError> = good
            .keys()
            .filter(|id| !step.requires.contains(*id) && !step.asks.contains(*id))
            .filter_map(|id| kind.field(id))
            .map(|field| {
                let Title { zh, en } = &field.title;
                let wrong = both(format!("此步骤不填写“{zh}”"), format!("'{en}' is not filled in by this step"));
                FieldError::new(format!("/fields/{}", field.id), wrong, asked_for(kind, step))
            })
            .collect();
        if !foreign.is_empty() {
            let mut refusal = Refusal::new("bad-fields", "some fields are not this step's", "有内容不由此步骤填写");
            refusal.errors = foreign;
            return Err(refusal);
        }
        let standing = case.facts.get("fields");
        // Why it is returned is said each time.
        let stands =
            |id: &str| step.returning.is_none() && standing.and_then(|fields| fields.get(id)).is_some_and(|value| !value.is_null());
        let missing = step.requires.iter().filter(|id| !good.contains_key(*id) && !stands(id)).filter_map(|id| kind.field(id));
        let errors: Vec<FieldError> = missing
            .map(|field| {
                let Title { zh, en } = &field.title;
                let (expected_zh, expected) = field.expects();
                let wrong = both(format!("未填写“{zh}”"), format!("'{en}' is missing"));
                FieldError::new(format!("/fields/{}", field.id), wrong, both(expected_zh, expected))
            })
            .collect();
        if !errors.is_empty() {
            let mut refusal = Refusal::new(
                "missing-fields",
                format!("'{}' needs more fields", step.title.en),
                format!("“{}”还需填写必填内容", step.title.zh),
            );
            refusal.errors = errors;
            return Err(refusal);
        }
        good.retain(|id, _| kind.field(id).is_some());
        Ok(good)
    }
}

/// What a step fills in, in words.
fn asked_for(kind: &Kind, step: &Step) -> Sentence {
    let asked: Vec<&Field> = step.requires.iter().chain(&step.asks).filter_map(|id| kind.field(id)).collect();
    if asked.is_empty() {
        return both("不填写任何内容", "no fields");
    }
    let zh: Vec<&str> = asked.iter().map(|field| field.title.zh.as_str()).collect();
    let en: Vec<&str> = asked.iter().map(|field| field.id.as_str()).collect();
    both(format!("仅限：{}", zh.join("、")), format!("only {}", en.join(", ")))
}

fn unknown_step(step: &str) -> Refusal {
    Refusal::new("unknown-step", format!("there is no step '{step}' for this kind"), format!("此类事项没有步骤“{step}”"))
}
