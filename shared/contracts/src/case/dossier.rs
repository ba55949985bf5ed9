//! A case's file, as archive asks its owners for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Request `intake … case.dossier`: everything of a case for its file. Only archive may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DossierRequest {
    pub case: Uuid,
    /// The closing event: an owner that has not handled it yet answers 409 `not-yet`, and is asked again.
    pub after: Uuid,
    /// Only once no duty of the case is open any longer: until then escalation answers 409 `not-yet`.
    #[serde(default)]
    pub settled: bool,
    /// The newest alert that escalation's part tells of: notifications answers 409 `not-yet` until it has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// The next piece of a long one: [`Dossier::next`] of the piece before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A service's part of a case's file, as JSON that the owner shapes. One that is longer than a message comes in pieces: objects of which
/// each continues the arrays of the one before; a case that changes meanwhile is answered with 409 `not-yet`, and asked for anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dossier {
    pub service: String,
    pub case: Uuid,
    pub content: Value,
    /// Duties of the case outlive its close: another edition of the file follows when they have ended.
    #[serde(default)]
    pub unsettled: bool,
    /// Of escalation's part: the newest alert that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// There is more: to be asked for with this as `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
