//! What happens to a case, as everybody hears of it.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Body of every `duban.intake.v1.case.<happened>`: the case as it stands after the event, and what this event adds. No personal text.
///
/// `happened`: `registered`, `classified`, `supplemented`, `corrected`, `assigned`, `noted`, `answered`, `closed`, `reopened`, `linked`,
/// `unlinked`, `merged`, `sorted`, `returned`, `attached`, `detached`, `referred`, `person_added`, `person_removed`, and the `event` that a pack's move or act declares. Pack rules see every member by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseEvent {
    pub case: Uuid,
    pub number: String,
    /// Id of the pack that the case is under.
    pub pack: String,
    /// Kind id; `unsorted` while 待分拣.
    pub kind: String,
    pub unit: String,
    pub severity: String,
    pub stage: String,
    pub channel: String,
    pub producer: String,
    /// Short title made of kind and unit.
    pub title: String,
    pub title_zh: String,
    #[serde(default)]
    pub unsorted: bool,
    #[serde(default)]
    pub anonymous: bool,
    #[schemars(schema_with = "time::schema")]
    pub occurred_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub registered_at: Timestamp,
    /// The person that handles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// People who never see the case nor its alerts: those complained about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    /// Units complained about that do not see it, where the pack says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_units: Vec<String>,
    /// People who see it by name, whatever their posts, for as long as that lasts: who reported it, decides of it or was added to it. Its
    /// handler stands apart.
    #[serde(default, alias = "people_added", skip_serializing_if = "Vec::is_empty")]
    pub people_named: Vec<String>,
    /// Declared fields that are not personal.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// How many earlier reports of the same matter stand within the pack's window.
    #[serde(default)]
    pub repeats: i64,
    /// When those were received, in order, so that conditions can count within a window of their own. Absent where there are none, and in
    /// cases from before this was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "time::list_schema")]
    pub repeated_at: Vec<Timestamp>,
    /// How often it was returned (退回) since it was opened or reopened.
    #[serde(default)]
    pub returns: i64,
    /// The master case (主案) that it is attached to: its answers and its close are this one's too, and this one owes nothing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<Uuid>,
    /// How many cases are attached to it: more than none makes it their master.
    #[serde(default)]
    pub carries: i64,
    /// For detached: what had happened to it while it stood for itself, each event's last token once, in the order of when it last did. What
    /// it owed by then it owes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub happened: Vec<String>,
    /// The move, act or return that this event is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// For linked, merged, attached, detached and supplemented: the other case.
    /// Of a case that is carried by its master, also for answered and closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Uuid>,
    /// For supplemented: the receipt of the report that joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Uuid>,
    /// For sorted, classified and corrected: what it was taken for until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Terminal outcome, once closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Policy set version.
    pub policy: i64,
    pub version: i64,
}

/// What a case was taken for, and where it was, before its kind, severity or unit was put right. Duties that hang on that alone fall away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Before {
    pub pack: String,
    pub kind: String,
    pub severity: String,
    #[serde(default)]
    pub unsorted: bool,
    #[serde(default)]
    pub unit: String,
    #[serde(default)]
    pub stage: String,
    #[serde(default)]
    pub repeats: i64,
    /// Written also when there are none, for it stands in the place of the present ones.
    #[serde(default)]
    #[schemars(schema_with = "time::list_schema")]
    pub repeated_at: Vec<Timestamp>,
    /// Declared fields that are not personal.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// The outcome of a case that was merged into another; no pack needs to declare it. Such a case owes nothing.
pub const MERGED: &str = "merged";

/// The outcome of a case that was closed with a master of another kind; one of the master's kind has the master's outcome.
pub const CARRIED: &str = "carried";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Id of the move or act in the pack.
    pub name: String,
    pub from: String,
    pub to: String,
    /// Person id; empty for the system.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}
