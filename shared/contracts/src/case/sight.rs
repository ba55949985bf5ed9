//! Who sees which cases, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Request `intake … case.visible`: of these cases, which may this person see, and why. For lists, live updates and 'who can see this'.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisibleRequest {
    pub cases: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisibleAnswer {
    pub visible: Vec<Uuid>,
}

/// Request `intake … case.watchers`: who can see this case, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchersAnswer {
    pub watchers: Vec<Watcher>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Watcher {
    pub person: String,
    pub name: String,
    pub reason: String,
    pub reason_zh: String,
    pub personal_text: bool,
}
