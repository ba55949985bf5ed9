//! One act of one person on one case, over the API; and what the staff writes into the fields that a step asks for.

use super::Cast;
use duban_contracts::Problem;
use duban_contracts::case::{CaseAct, CaseSummary};
use duban_policy::policy::{Field, FieldSort, Kind, Step};
use serde_json::{Map, Value};
use uuid::Uuid;

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The case's version after it.
    Done(i64),
    /// Refused for good in this stage.
    Refused,
    /// Changed meanwhile, or no answer: look at the case again.
    Again,
}

impl Cast {
    pub(super) async fn act_on(&self, person: &str, case: &CaseSummary, act: &CaseAct) -> Outcome {
        let Ok(gateway) = self.gateway_of(person).await else { return Outcome::Refused };
        match gateway.act(case.case, Uuid::now_v7(), case.version, act).await {
            Ok(acted) => {
                self.count(|tally| tally.acts += 1);
                Outcome::Done(acted.version)
            }
            Err(error) => self.judge(&error, case, act),
        }
    }

    fn judge(&self, error: &anyhow::Error, case: &CaseSummary, act: &CaseAct) -> Outcome {
        match error.downcast_ref::<Problem>() {
            Some(problem) if problem.code == "version-conflict" || problem.status == 429 || problem.status >= 500 => Outcome::Again,
            // A step that this case does not need (a warning of an ordinary complaint): nothing was refused that somebody wanted.
            Some(problem) if matches!(problem.code.as_str(), "not-now" | "wrong-stage" | "done-already") => Outcome::Refused,
            Some(problem) => {
                let what = match act {
                    CaseAct::Step { name, .. } => format!("{}/{} {name}", case.pack, case.kind),
                    CaseAct::Assign { .. } => "assign".into(),
                    _ => "sort".into(),
                };
                let fields: Vec<&str> = problem.errors.iter().map(|error| error.field.as_str()).collect();
                let why = format!("{what}: {} {}", problem.code, fields.join(" "));
                self.count(|tally| {
                    tally.refused += 1;
                    *tally.refusals.entry(why.trim_end().to_owned()).or_default() += 1;
                });
                Outcome::Refused
            }
            None => Outcome::Again,
        }
    }

    /// The part of the organisation that a unit belongs to: what stands next below the top.
    fn branch(&self, unit: &str) -> Option<&str> {
        self.directory.unit_and_above(unit).iter().rev().nth(1).map(|unit| unit.code.as_str())
    }

    /// What a step requires, and nothing else.
    pub(super) fn fields_for(&self, kind: &Kind, step: &Step, case: &CaseSummary) -> Map<String, Value> {
        let required = step.requires.iter().filter_map(|id| kind.field(id));
        required.map(|field| (field.id.clone(), self.value_of(field, case))).collect()
    }

    fn value_of(&self, field: &Field, case: &CaseSummary) -> Value {
        let written = self.rules.fields.get(&format!("{}.{}", case.kind, field.id)).or_else(|| self.rules.fields.get(&field.id));
        let fits = |text: &str| match field.sort {
            FieldSort::Unit => self.branch(text) == self.branch(&case.unit),
            _ => field.choices.is_empty() || field.choices.iter().any(|choice| choice.value == text),
        };
        if let Some(text) = written.filter(|text| fits(text)) {
            return Value::String(text.clone());
        }
        let first = || field.choices.first().map(|choice| choice.value.clone()).unwrap_or_default();
        match field.sort {
            FieldSort::Text => Value::String(self.rules.answer(&case.number).to_owned()),
            FieldSort::Choice => Value::String(first()),
            FieldSort::Choices => Value::Array(vec![Value::String(first())]),
            FieldSort::Amount => Value::String("300.00".into()),
            FieldSort::Number => Value::from(1),
            FieldSort::Date => Value::String(self.policy.calendar_of(&case.unit).date(self.pace.now()).to_string()),
            FieldSort::DateTime => {
                let now = self.pace.now().to_zoned_datetime(self.policy.calendar_of(&case.unit).zone.clone());
                Value::String(now.strftime("%F %H:%M").to_string())
            }
            FieldSort::Period => {
                let now = self.policy.calendar_of(&case.unit).date(self.pace.now());
                Value::String(now.strftime("%Y-%m").to_string())
            }
            FieldSort::Phone => Value::String("19900000999".into()),
            FieldSort::Email => Value::String("customer@duban.example".into()),
            FieldSort::Plate => Value::String("川A8K21Q".into()),
            FieldSort::File => Value::String("demo/attachment.pdf".into()),
            FieldSort::Person => case.handler.clone().map_or(Value::Null, Value::String),
            FieldSort::Unit => Value::String(case.unit.clone()),
            FieldSort::YesNo => Value::Bool(true),
        }
    }
}
