//! One case whole, as far as the asker may see it, and what he may do next.

use super::CaseSummary;
use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Request `intake … case.show`, by id or number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseShowRequest {
    #[serde(default)]
    pub case: Option<Uuid>,
    #[serde(default)]
    pub number: Option<String>,
}

/// A case whole, as far as the asker may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseDetail {
    pub summary: CaseSummary,
    /// The report's body, for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<crate::report::Report>,
    pub receipt: Uuid,
    pub policy: i64,
    /// Current field values (personal ones left out for who may not see them).
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// Oldest first; of a long one the newest entries, as many as one answer holds.
    pub timeline: Vec<TimelineEntry>,
    /// There are older entries: [`EarlierRequest`] asks for them, with this as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Uuid>,
    /// What the asker may do next.
    pub steps: Vec<PermittedStep>,
    pub links: Vec<CaseLink>,
    /// Article-citing reasons of kind and severity.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    #[serde(default)]
    pub people_added: Vec<String>,
}

/// Request `intake … case.earlier`: the entries of a case's timeline before one of them, where it is longer than one answer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierRequest {
    pub case: Uuid,
    pub before: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierAnswer {
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// There are older ones still: to be asked for with this as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Uuid>,
}

/// One entry of a timeline. Entries of several services are merged by time, then by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    pub id: Uuid,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    /// Event name, e.g. `case.registered`, `duty.breached`, `alert.raised`, `delivery.sent`.
    pub event: String,
    pub text: String,
    pub text_zh: String,
    /// Person id; empty for the system.
    #[serde(default)]
    pub by: String,
    /// Free text of a handler (note, answer, reason); for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// A move or act that may be done next, and what it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermittedStep {
    pub name: String,
    /// `move`, `act` or `return`.
    pub sort: String,
    pub title: String,
    pub title_zh: String,
    pub requires: Vec<FieldSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Why the asker may not, when he may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_zh: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldSpec {
    pub name: String,
    pub title: String,
    pub title_zh: String,
    /// `text`, `choice`, `amount`, `date`, `phone`, `email`, `plate`, `number`, `file`, `person`, `unit`.
    pub sort: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// It may be left empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    pub value: String,
    pub title: String,
    pub title_zh: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLink {
    pub other: Uuid,
    pub number: String,
    /// Seen from this case: `repeats`, `repeated_by`, `merged_into`, `merged`, `follows`, `followed_by`, `carried_by`, `carries` (of these the
    /// newest 200).
    pub sort: String,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub text: String,
    pub text_zh: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}
