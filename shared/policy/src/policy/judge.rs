//! What a report is registered as: pack, kind, severity, first stage, and what a person should look at.

use super::kind::Kind;
use super::{Pack, Policy};
use duban_contracts::Timestamp;
use duban_contracts::case::Reason;
use duban_contracts::report::Warning;
use serde_json::{Map, Value};

/// What is known of a report when it is judged.
#[derive(Debug, Clone)]
pub struct ReportFacts<'a> {
    /// Code as given, or the producer's own.
    pub unit: &'a str,
    pub channel: &'a str,
    pub producer: &'a str,
    pub kind: Option<&'a str>,
    /// As sent: by id or title, unchecked.
    pub fields: &'a Map<String, Value>,
    pub anonymous: bool,
    /// The reporter's, for keys of repetition; never in events.
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
    /// When it was received: bindings of that time count.
    pub at: Timestamp,
    /// When earlier reports of the same matter were received, for those within the kind's window. Empty at first:
    /// [`Kind::repeat_keys`] of the judgement tells what to look for, then [`Policy::severity_of`] judges anew.
    pub repeated_at: &'a [Timestamp],
}

/// What a report becomes.
#[derive(Debug, Clone)]
pub struct Judgement<'a> {
    pub pack: &'a Pack,
    pub kind: &'a Kind,
    /// The unit under which it is registered: as given if known, else the root of the tree.
    pub unit: String,
    /// Why it is unsorted; None when it was sorted.
    pub unsorted: Option<Reason>,
    /// Unknown kind, unit or fields, fields that do not fit: pointers into the report, with 'did you mean'.
    pub warnings: Vec<Warning>,
    /// Declared fields by id, in their normal form.
    pub fields: Map<String, Value>,
    /// What was sent and is not declared, or does not fit, kept beside.
    pub undeclared: Map<String, Value>,
    pub severity: String,
    /// Why this kind and severity, with articles.
    pub reasons: Vec<Reason>,
    pub stage: String,
}

impl Policy {
    /// Judges a report by the packs bound to its unit. Total: whatever is unknown makes it unsorted, never an error.
    pub fn judge(&self, report: &ReportFacts<'_>) -> Judgement<'_> {
        let _ = report;
        todo!()
    }

    /// Severity of a case of this kind from its facts (a `CaseEvent` as JSON with personal fields added), and why.
    /// Also used when fields, kind or the number of repeats change later.
    pub fn severity_of(&self, kind: &Kind, facts: &Value) -> (String, Vec<Reason>) {
        let _ = (kind, facts);
        todo!()
    }

    /// What can be said of kind, unit and fields before a report is registered: the gateway's `warnings`.
    pub fn warnings(&self, report: &ReportFacts<'_>) -> Vec<Warning> {
        self.judge(report).warnings
    }
}

impl Kind {
    /// Keys under which a report of this kind counts as the same matter as an earlier one with any key in common. Empty: never repeated
    /// (anonymous, or a part is missing). Telephone numbers are normalised. Personal: hash before storing.
    pub fn repeat_keys(&self, report: &ReportFacts<'_>, unit: &str, fields: &Map<String, Value>) -> Vec<String> {
        let _ = (report, unit, fields);
        todo!()
    }
}
