//! Deliveries: one message to one address over one channel.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.notifications.v1.delivery.<happened>`: `sent`, `failed`, `cancelled`; also a delivery as shown. Addresses are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryEvent {
    /// Derived from alert (or notice), person and channel; it is the Message-ID's and the webhook-id's core.
    pub delivery: Uuid,
    /// What it tells; absent where it tells somebody who is back what waits, and where it is a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Uuid>,
    /// The notice of somebody's return, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Uuid>,
    /// The digest that it goes (or went) out in, with others for the same person; a digest itself, which has neither alert nor notice, names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Uuid>,
    #[serde(default)]
    pub case: Option<Uuid>,
    pub person: String,
    /// `email`, `webhook`.
    pub channel: String,
    /// Masked, e.g. `w***@duban.example`.
    pub address: String,
    /// `waiting`, `sent`, `failed`, `cancelled`.
    pub state: String,
    pub attempts: i32,
    #[schemars(schema_with = "time::schema")]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub sent_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub next_at: Option<Timestamp>,
    /// What the other side said last, without personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// People who never see it: those complained about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    pub version: i64,
}

/// Body of `duban.notifications.v1.alert.unreachable`: every channel of an alert for a person has failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unreachable {
    pub alert: Uuid,
    pub duty: Uuid,
    #[serde(default)]
    pub case: Option<Uuid>,
    pub person: String,
    pub unit: String,
    pub title: String,
    pub title_zh: String,
    pub link: String,
    pub policy: i64,
    /// The rule whose duty the alert is of, so that a rule about unreachable alerts need not answer its own.
    #[serde(default)]
    pub rule: String,
}

/// Request `notifications … delivery.list`, of an alert, a case, or all for administrators.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryListRequest {
    #[serde(default)]
    pub alert: Option<Uuid>,
    #[serde(default)]
    pub case: Option<Uuid>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryList {
    pub deliveries: Vec<DeliveryEvent>,
    pub total: i64,
    #[serde(default)]
    pub next: Option<Uuid>,
    /// Alerts of which no channel got through.
    #[serde(default)]
    pub unreachable: Vec<Unreachable>,
}

/// Request `notifications … link.open`: what a link in an alert is for. The token itself is never stored, only its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkOpenRequest {
    /// The token as it stands in the link.
    pub token: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    pub link: Uuid,
    pub alert: Uuid,
    pub person: String,
    #[schemars(schema_with = "time::schema")]
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub used_at: Option<Timestamp>,
    pub language: String,
}

/// Request `notifications … webhook.show`: the secret of a person's webhook, for himself and for administrators.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookShowRequest {
    /// Absent: the asker.
    #[serde(default)]
    pub person: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    pub person: String,
    /// Masked.
    pub address: String,
    /// `whsec_…`, as Standard Webhooks has it.
    pub secret: String,
}
