//! Whether a move or act may be made now, by this person, with these fields.

use super::Policy;
use super::kind::Step;
use crate::directory::Directory;
use duban_contracts::{FieldError, Problem, Timestamp};
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
    /// `unknown-step`, `wrong-stage`, `wrong-role`, `no-right`, `not-now`, `done-already`, `missing-fields`, `bad-fields`.
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
        let _ = (directory, person, case, step, fields, at);
        todo!()
    }

    /// The same without fields: may the person, if he brings what is required? For the list of what may be done next.
    ///
    /// # Errors
    /// As [`Policy::check_step`].
    pub fn may_step(&self, directory: &Directory, person: &str, case: &CaseFacts<'_>, step: &Step, at: Timestamp) -> Result<(), Refusal> {
        let _ = (directory, person, case, step, at);
        todo!()
    }
}
