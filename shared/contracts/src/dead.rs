//! Dead letters: messages that could not be handled, kept sealed by the service that gave up on them.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Request `<service> … dead.list`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadListRequest {
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadList {
    pub letters: Vec<DeadLetter>,
    pub total: i64,
    #[serde(default)]
    pub next: Option<Uuid>,
}

/// A dead letter without its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    pub letter: Uuid,
    pub service: String,
    /// The message's own id and subject.
    pub message: Uuid,
    pub subject: String,
    /// Why it was given up; never personal text.
    pub reason: String,
    /// The same in Chinese; absent for letters from before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason_zh: String,
    pub attempts: i32,
    /// When it was given up, mechanism time.
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub replayed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_by: Option<String>,
}

/// Request `<service> … dead.show` and `dead.replay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadRequest {
    pub letter: Uuid,
}

/// A dead letter with its body, opened for an administrator; that it was opened is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadDetail {
    pub letter: DeadLetter,
    /// The body as JSON where it is JSON, else as text.
    pub body: Value,
}
