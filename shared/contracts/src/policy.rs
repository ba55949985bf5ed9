//! The applied policy sets as the gateway tells them to the others.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Body of `duban.gateway.v1.policy.<happened>`: `announced`, `applied`, `withdrawn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    pub version: i64,
    #[schemars(schema_with = "time::schema")]
    pub effective_from: Timestamp,
}

/// Request `gateway … policy.snapshot`: which versions there are, or the sources of one, in pages that fit the broker's messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySnapshotRequest {
    /// Absent: the list of versions alone.
    #[serde(default)]
    pub version: Option<i64>,
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
