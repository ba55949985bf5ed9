//! Cases in lists and exports.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Request `intake … case.list`. Empty filters take all; only what the asker may see comes back, counts included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseListRequest {
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub pack: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub stage: Option<String>,
    #[serde(default)]
    pub severity: Option<String>,
    /// `open`, `closed`, `unsorted`, `mine`, `major`, `master` (cases to which others are attached), `attached`.
    #[serde(default)]
    pub state: Option<String>,
    /// Part of a number or title.
    #[serde(default)]
    pub search: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseList {
    pub cases: Vec<CaseSummary>,
    pub total: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// A case in a list. Telephone and identity numbers are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseSummary {
    pub case: Uuid,
    pub number: String,
    pub pack: String,
    pub kind: String,
    pub kind_title: String,
    pub kind_title_zh: String,
    pub unit: String,
    pub severity: String,
    /// What the pack calls the severity; absent where the pack that named it is no longer held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_title_zh: Option<String>,
    pub stage: String,
    pub stage_title: String,
    pub stage_title_zh: String,
    pub channel: String,
    pub title: String,
    pub title_zh: String,
    /// The report's subject, only for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Masked, e.g. `138****2345`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub unsorted: bool,
    pub closed: bool,
    #[serde(default)]
    pub handler: Option<String>,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub registered_at: Timestamp,
    pub repeats: i64,
    /// How often it was returned (退回) since it was opened or reopened.
    #[serde(default)]
    pub returns: i64,
    /// The master case that it is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<Uuid>,
    /// How many cases are attached to it.
    #[serde(default)]
    pub carries: i64,
    pub version: i64,
}

/// Answer to `intake … case.export` (asked with a [`CaseListRequest`]): one page, as many as one message holds. Only with the right to
/// export; every export is kept with who and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseExport {
    pub cases: Vec<ExportedCase>,
    /// To go on with, as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedCase {
    pub summary: CaseSummary,
    #[schemars(schema_with = "time::schema")]
    pub occurred_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Personal ones only for who may see them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// The report's body, for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<crate::report::Report>,
}
