//! Sets of packs on their way into force: submitted, approved by a second person, announced at least a minute ahead, in force when every
//! service holds them. They can be withdrawn until then, never forced.

pub mod apply;
pub mod held;
pub mod promote;
pub mod snapshot;
pub mod store;

use duban_contracts::{Timestamp, time};
use schemars::JsonSchema;
use serde::Serialize;

/// A set as pages and API show it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PolicySetShown {
    pub version: i64,
    /// `submitted`, `announced`, `applied`, `withdrawn`.
    pub state: String,
    pub note: String,
    pub submitted_by: String,
    #[schemars(schema_with = "time::schema")]
    pub submitted_at: Timestamp,
    pub approved_by: Option<String>,
    #[schemars(schema_with = "time::optional_schema")]
    pub approved_at: Option<Timestamp>,
    #[schemars(schema_with = "time::optional_schema")]
    pub effective_from: Option<Timestamp>,
    pub withdrawn_by: Option<String>,
    /// Services that hold it compiled.
    pub held_by: Vec<String>,
    /// Services that do not, with what they say; while there is one, an announced set does not come into force.
    pub held_back_by: Vec<HeldBack>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HeldBack {
    pub service: String,
    /// Why it cannot compile it; absent: it has said nothing yet.
    pub error: Option<String>,
}
