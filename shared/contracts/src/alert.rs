//! Alerts: one raised rung each, open until acknowledged (签收) or its duty is closed.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.escalation.v1.alert.<happened>`: `raised`, `acknowledged`, `closed`; also an alert as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertEvent {
    /// Derived from duty, run, rung and repetition.
    pub alert: Uuid,
    pub duty: Uuid,
    pub rule: String,
    pub pack: String,
    pub article: String,
    pub key: String,
    pub case: Option<Uuid>,
    /// The duty's title.
    pub title: String,
    pub title_zh: String,
    pub link: String,
    pub unit: String,
    /// The post that owes the duty.
    #[serde(default)]
    pub owed_by: String,
    /// `reminder` (before due), `breach` (first rung at due), `escalation` (later rungs), `notice` (immediately, major cases), `urge` (somebody
    /// urged, whatever the clock says), `awaited` (the duty is paused, and waits for who is told).
    pub sort: String,
    /// Run of the ladder (1; another after a reopening), rung (from 1; reminders have negative ones), repetition (from 0).
    pub run: i32,
    pub rung: i32,
    pub repetition: i32,
    /// Every person to be told, and why he.
    pub recipients: Vec<Recipient>,
    /// `any` or `all` of the recipients must acknowledge.
    pub until: String,
    /// Goes out in quiet hours too.
    #[serde(default)]
    pub urgent: bool,
    #[schemars(schema_with = "time::schema")]
    pub due_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub raised_at: Timestamp,
    /// Raised after its time because the service was down or behind.
    #[serde(default)]
    pub late: bool,
    /// On trial (试运行): who would have been told; nobody was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// When and to whom it goes next if nobody acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<crate::duty::NextRung>,
    /// `open`, `acknowledged`, `closed`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledgements: Vec<Acknowledgement>,
    pub policy: i64,
    /// People who never see it: those complained about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    pub person: String,
    /// The post as which he is told.
    pub post: String,
    pub unit: String,
    /// `direct`, `delegate`, `deputy`, `climbed`, `fallback`.
    pub how: String,
    /// Why it is not simply the holder of the post, in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in English; absent for alerts from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_en: Option<String>,
    /// In whose place he is told, in the order in which they were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meant_for: Vec<MeantFor>,
}

/// Somebody who was meant before, and why it does not come to him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeantFor {
    pub person: String,
    /// `absent`; `delegated`: he is there, and another does it for him.
    pub why: String,
    /// Until when; absent: until further notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgement {
    pub person: String,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    /// Set when by a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Uuid>,
}

/// Request `escalation … alert.acknowledge`. Needs a claim (of a session or of a link) and a request id; versions do not matter to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcknowledgeRequest {
    pub alert: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    pub alert: Uuid,
    pub duty: Uuid,
    pub state: String,
    /// Until when the climb stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub quiet_until: Option<Timestamp>,
}

/// Request `escalation … alert.list`: the asker's alerts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertListRequest {
    /// `open` (default), `all`.
    #[serde(default)]
    pub state: Option<String>,
    /// Also those of others that the asker may see.
    #[serde(default)]
    pub all: bool,
    /// What would have been sent on trial (试运行), instead of what was sent.
    #[serde(default)]
    pub trial: bool,
    #[serde(default)]
    pub before: Option<Uuid>,
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertList {
    pub alerts: Vec<AlertEvent>,
    pub total: i64,
    #[serde(default)]
    pub next: Option<Uuid>,
}

/// Request `escalation … alert.show` (claim of a session or link) and `alert.state` (of notifications, just before sending).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertShowRequest {
    pub alert: Uuid,
}
