//! What the engine finds when it audits itself.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.escalation.v1.timer.lost`: open duties whose timer was not set to what their plans say. It is set right by then: what should have
/// been raised is raised at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimersLost {
    /// Id of what was found together.
    pub audit: Uuid,
    /// The organisation's root: whoever looks after the system is found from there.
    pub unit: String,
    /// How many were found.
    pub found: i64,
    /// How many of them should have run out by now.
    pub overdue: i64,
    /// By how many seconds of domain time the latest of them is late.
    pub late_seconds: i64,
    /// The first hundred of them.
    pub timers: Vec<LostTimer>,
    pub version: i64,
}

/// A timer that was found lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LostTimer {
    pub duty: Uuid,
    /// When it should have run out, or should yet.
    #[schemars(schema_with = "time::schema")]
    pub should_at: Timestamp,
    /// What it was set to; absent: to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub was_at: Option<Timestamp>,
}
