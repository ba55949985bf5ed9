//! Sets of packs on their way into force: submitted, signed by whom the organisation names (a second person, unless it says otherwise),
//! announced at least a minute ahead, in force when every service holds them. They can be withdrawn until then, never forced.

pub mod apply;
pub mod back;
pub mod correction;
pub mod drafts;
pub mod held;
pub mod judged;
pub mod promote;
pub mod reaching;
pub mod snapshot;
pub mod store;

use duban_contracts::{Timestamp, time};
use duban_policy::Title;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The version that it goes back to.
    pub as_of: Option<i64>,
    /// What it corrects for open matters too: `calendar.cn`, `store-complaints/answer`, `store-complaints/kind.complaint_case`. Empty: it holds for new ones alone.
    pub corrects: Vec<String>,
    pub signatures: Vec<Signature>,
    /// While it waits: who must sign, as the set in force names them; empty where it is enough that somebody submitted it.
    pub wanted: Vec<Wanted>,
    /// Services that hold it compiled.
    pub held_by: Vec<String>,
    /// Services that do not, with what they say; while there is one, an announced set does not come into force.
    pub held_back_by: Vec<HeldBack>,
}

/// Somebody has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// In what capacity: a post, or `second person`.
    pub signer: String,
    pub person: String,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    /// Of a correction: the list of what it changes, as it was when he signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListSigned>,
}

/// The list of what a correction changes of open duties, as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListSigned {
    /// SHA-256 over all of it, in hexadecimal.
    pub digest: String,
    /// How many duties change.
    pub moved: i64,
    /// How many of corrected rules stay as they are, because what their time hung on is not known any longer.
    pub left: i64,
    /// When it was begun.
    #[schemars(schema_with = "time::schema")]
    pub taken_at: Timestamp,
}

/// A signature that a set takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wanted {
    /// A post, or `second person`.
    pub signer: String,
    pub title: Title,
    /// Who may give it now.
    pub people: Vec<String>,
    /// Who has given it.
    pub signed_by: Option<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HeldBack {
    pub service: String,
    /// Why it cannot compile it; absent: it has said nothing yet.
    pub error: Option<String>,
}
