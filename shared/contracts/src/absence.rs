//! Who was away and is back.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.escalation.v1.return.noticed`: somebody's absence is over, and duties of which others were alerted in his place are still
/// open. Told once for all absences that follow one another; not at all where nothing waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnNoticed {
    /// Derived from person and time of return.
    pub notice: Uuid,
    pub person: String,
    #[schemars(schema_with = "time::schema")]
    pub since: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub until: Timestamp,
    /// How many duties wait; the first of them, by due time, are in `duties`.
    pub total: i64,
    pub duties: Vec<WaitingDuty>,
    pub version: i64,
}

/// A duty of which others were alerted in somebody's place, still open when he came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDuty {
    pub duty: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    pub title: String,
    pub title_zh: String,
    pub link: String,
    pub unit: String,
    #[schemars(schema_with = "time::schema")]
    pub due_at: Timestamp,
    /// The people of the newest alert that went to others.
    pub went_to: Vec<String>,
}
