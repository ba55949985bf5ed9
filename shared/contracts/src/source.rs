//! Sources of reports, and those that have gone silent.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Body of `duban.intake.v1.source.<happened>`: `silent`, a producer has sent nothing for longer than it should; `heard`, a silent one has sent
/// something; `released`, a silent one is not held to it any longer (its watch was ended, or it was given more time).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceEvent {
    pub producer: String,
    /// The unit of its reports that name none: whoever looks after it is found from there.
    pub unit: String,
    /// For how long it may be silent, in the calendar of its unit: `4wh`. Empty where it is not watched any longer.
    pub silent_after: String,
    /// When its newest report was received; absent: none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub heard_at: Option<Timestamp>,
    /// Since when it counts (or counted) as silent.
    #[schemars(schema_with = "time::schema")]
    pub silent_since: Timestamp,
    pub version: i64,
}

/// Request `intake … source.list`: when producers were heard last; for who administers everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceListRequest {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceList {
    /// Those that are watched or were heard, by id.
    pub sources: Vec<SourceShown>,
}

/// A producer, as far as intake knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceShown {
    pub producer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub heard_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub silent_since: Option<Timestamp>,
}
