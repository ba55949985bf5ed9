//! Reports: what producers send, what the gateway puts on the stream, and what is answered.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a producer submits, over HTTP and over NATS alike. Unknown members are refused, so that a misspelt name is not lost in silence;
/// an unknown member of `fields` is taken and named in the answer's warnings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// How it came: `phone`, `web`, `store` …; a subject token.
    pub channel: String,
    /// Kind as the pack names it, by id or title; absent: the pack's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Unit code; absent: the producer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// When it happened; absent: when it was received. At most ten minutes ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub occurred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Reporter::is_empty")]
    pub reporter: Reporter,
    /// Subject or text is required. At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// At most 20,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The kind's fields, by id or title.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// References to attachments kept elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// An earlier idempotency key of the same producer, or a tracking code: this is a supplement to that report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

/// Who reported. All of it personal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
}

impl Reporter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A reference to something kept elsewhere, e.g. a call recording on the hotline platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    pub name: String,
    /// Absolute URL or the producer's own reference.
    pub reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// Something that a person can put right; it never refuses a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// JSON pointer, e.g. `/kind`.
    pub field: String,
    /// Stable code: `unknown-kind`, `unknown-unit`, `unknown-field`, `bad-field`, `missing-field`, `unbound-unit`, `unknown-code`.
    pub code: String,
    pub message: String,
    pub message_zh: String,
}

/// The body of [`crate::subjects::REPORT_ACCEPTED`]: a report as accepted, gateway → intake, on the work queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedReport {
    pub receipt: Uuid,
    pub producer: String,
    pub idempotency_key: String,
    /// Hex of the keyed hash of the parsed body as sent.
    pub body_hash: String,
    /// Domain time at the gateway.
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    /// The unit given or the producer's own.
    pub unit: String,
    /// The receipt of the report that this one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Uuid>,
    /// Set when `follows` was a tracking code: intake finds the target by the code's 54 bits, among all producers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_code: Option<String>,
    pub report: Report,
}

/// The answer to a producer: HTTP 202, or the reply over NATS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    pub receipt: Uuid,
    /// 14 symbols in groups, e.g. `7K2QF-9D4M-XW3TB`.
    pub tracking_code: String,
    pub links: Links,
    /// Of this sending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Stream and sequence of this sending.
    pub stream: String,
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Links {
    /// `/v1/reports/<tracking code>`, absolute.
    pub status: String,
    /// The tracking page for people, absolute.
    pub track: String,
}

/// The reply over NATS when a report is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    pub error: crate::Problem,
}

/// Events `report.rejected`, `report.admitted`, `report.dismissed` of intake: a report that was accepted and cannot be registered.
/// Its id is that of the rejection, not the receipt (one rejected for its key keeps the receipt only as a reference).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportEvent {
    /// Id of the rejected report, key of its duty.
    pub rejected: Uuid,
    pub receipt: Uuid,
    pub producer: String,
    pub unit: String,
    pub channel: String,
    /// Stable code, e.g. `idempotency-conflict`.
    pub reason: String,
    pub title: String,
    #[serde(default)]
    pub title_zh: String,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    /// The case that it became, when admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    /// Always 0 here: judged by the policy in force.
    #[serde(default)]
    pub policy: i64,
}

/// Request `intake … report.known`: what intake knows of these identities; asked once a batch while it is gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KnownRequest {
    pub reports: Vec<Uuid>,
}

/// Hex body hashes by receipt, for those that are registered; others are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KnownAnswer {
    pub known: std::collections::BTreeMap<Uuid, String>,
}

/// What the public may be told of a report: `GET /v1/reports/{tracking_code}` and intake's `report.track`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicStatus {
    /// `accepted`, `waiting` (for the report that it follows), `registered`, `supplement`, `closed`, `rejected`, `ambiguous`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<PublicCase>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicCase {
    pub number: String,
    /// The stage's title.
    pub stage: String,
    pub stage_zh: String,
    /// When it is to be closed, if a clock runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub due: Option<Timestamp>,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    /// When the reporter was last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub answered_at: Option<Timestamp>,
    /// It is dealt with together with other reports of the same incident: the stage is that of all of them.
    #[serde(default)]
    pub with_others: bool,
}

/// Request `intake … report.track`, by tracking code or receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrackRequest {
    /// 54 bits of the code, decimal text (JSON numbers lose them).
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub receipt: Option<Uuid>,
}

/// One line of a producer's list of results: `duban.report-result.v1.<producer>.list` and `GET /v1/report-results`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedReport {
    pub rejected: Uuid,
    pub receipt: Uuid,
    pub idempotency_key: String,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    pub problem: crate::Problem,
    /// `open`, `admitted`, `dismissed`.
    pub state: String,
}

/// Request for the results: those after a cursor, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultsRequest {
    #[serde(default)]
    pub after: Option<Uuid>,
    /// 1 to 500, default 100.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Filled in by the gateway for HTTP; over NATS intake takes the producer from the subject and ignores this.
    #[serde(default)]
    pub producer: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    pub results: Vec<RejectedReport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// Request `intake … report.rejected.list`, newest first; for who takes in reports or administers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedListRequest {
    /// This one alone, whatever its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Uuid>,
    /// `open` (default), `admitted`, `dismissed`, `all`.
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedList {
    pub rejected: Vec<RejectedDetail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// A rejected report as those see it who decide about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedDetail {
    pub rejected: Uuid,
    /// Of the report that stands under the key: only a reference.
    pub receipt: Uuid,
    pub producer: String,
    pub unit: String,
    pub channel: String,
    pub problem: crate::Problem,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub rejected_at: Timestamp,
    /// `open`, `admitted`, `dismissed`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub decided_at: Option<Timestamp>,
    /// The case that it became, when admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    pub version: i64,
    /// What was sent, for who may see personal text; absent once its time has passed. Numbers of people are masked in a list and whole where one is
    /// asked for alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

/// Answer to `intake … report.rejected.admit` and `… dismiss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedActed {
    pub rejected: Uuid,
    pub state: String,
    pub version: i64,
    /// When admitted: the new receipt and the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}
