//! The applied policy sets as the gateway tells them to the others.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.gateway.v1.policy.<happened>`: `announced`, `applied`, `withdrawn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    pub version: i64,
    #[schemars(schema_with = "time::schema")]
    pub effective_from: Timestamp,
}

/// Request `gateway … policy.snapshot`: which versions there are, or the sources of one, in pages that fit the broker's messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySnapshotRequest {
    /// Absent: the list of versions alone.
    #[serde(default)]
    pub version: Option<i64>,
    /// Number of a draft that is rehearsed, in place of a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<i64>,
    /// Which page of the sources, from 0.
    #[serde(default)]
    pub page: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySnapshot {
    pub versions: Vec<PolicyVersion>,
    /// The sources of the version asked for, or this page's part of them. A source that goes on from the page before has the same name and
    /// the rest of its text.
    #[serde(default)]
    pub sources: Vec<PolicySource>,
    /// How many pages the sources have; 0 and 1 are the same.
    #[serde(default)]
    pub pages: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyVersion {
    pub version: i64,
    /// `announced`, `applied`, `withdrawn`.
    pub state: String,
    #[schemars(schema_with = "time::schema")]
    pub effective_from: Timestamp,
    /// What it corrects for open matters too: `calendar.cn`, `store-complaints/answer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// One file of a set: a pack, a calendar, or the organisation (`organisation.toml`: units, roles and bindings, no people).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySource {
    /// File name, e.g. `car-dealer-complaints.toml`, `calendars/cn.toml`, `organisation.toml`.
    pub name: String,
    pub text: String,
}

/// Request `gateway … policy.held`: this service holds the version compiled (or cannot).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyHeld {
    pub service: String,
    pub version: i64,
    #[serde(default)]
    pub error: Option<String>,
}

/// Request `escalation … correction.foresee`: what a submitted correction would change of the duties that stand. Needs a person's claim: of the
/// list he gets what he may see of it, the figures are of all. The first time it is asked for, and again where that is wished, the list is
/// begun; until it is done the answer says how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForeseeRequest {
    pub version: i64,
    /// The version in force, of which the list is taken. One that was taken of another does not count.
    pub against: i64,
    /// What the version is declared to correct.
    pub corrects: Vec<String>,
    /// A new list, unless one is being made.
    #[serde(default)]
    pub again: bool,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Foreseen {
    pub version: i64,
    pub against: i64,
    /// `looking`, `done`, `failed`.
    pub state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Open duties that were looked at.
    pub looked: i64,
    /// Those that would change.
    pub moved: i64,
    /// Those of corrected rules that stay as they are, because what their time hung on is not known any longer.
    pub left: i64,
    /// Of the whole list, in hexadecimal, once it is done: what is approved is this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When the list was begun.
    #[schemars(schema_with = "time::schema")]
    pub taken_at: Timestamp,
    /// A page of those that the asker may see, by due time.
    pub changes: Vec<ForeseenChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A duty that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForeseenChange {
    pub duty: Uuid,
    pub pack: String,
    pub rule: String,
    pub title: String,
    pub title_zh: String,
    pub unit: String,
    /// What of the correction concerns it.
    pub of: String,
    #[schemars(schema_with = "time::schema")]
    pub due_before: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub due_after: Timestamp,
    /// The post that owes it.
    pub owed_before: String,
    pub owed_after: String,
    /// What is yet to be told of it and would be told otherwise: reminders, then rungs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<ForeseenStage>,
}

/// A reminder, or a rung of the ladder, that would come at another time, or be told to others, or otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForeseenStage {
    /// Counted from 1; absent: a reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<i32>,
    /// Absent: it would come in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub at_before: Option<Timestamp>,
    /// Absent: it would fall away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub at_after: Option<Timestamp>,
    /// Who is told on the rung: posts, people, `handler`, `superior`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_before: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_after: Vec<String>,
}
