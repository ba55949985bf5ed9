//! Records: what archive keeps.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `duban.archive.v1.record.filed`, and a record as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordEvent {
    pub record: Uuid,
    /// Index number 编号.
    pub index_number: String,
    #[serde(default)]
    pub case: Option<Uuid>,
    pub number: String,
    pub unit: String,
    pub title: String,
    pub title_zh: String,
    /// SHA-256 of the content, hex.
    pub content_hash: String,
    pub content_bytes: i64,
    #[schemars(schema_with = "time::schema")]
    pub filed_at: Timestamp,
    /// Edition of the file: 1; another after a reopening and a new close.
    pub edition: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    pub policy: i64,
    pub version: i64,
}

/// Request `archive … record.list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordListRequest {
    #[serde(default)]
    pub case: Option<Uuid>,
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordList {
    pub records: Vec<RecordEvent>,
    pub total: i64,
    #[serde(default)]
    pub next: Option<Uuid>,
}

/// Request `archive … record.show`: the record with its ledger entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordShowRequest {
    pub record: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordDetail {
    pub record: RecordEvent,
    pub ledger: Vec<LedgerEntry>,
}

/// One act on a record, chained to the one before it by hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    pub sequence: i64,
    #[serde(default)]
    pub record: Uuid,
    /// `filed`, `read`.
    pub act: String,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    pub by: String,
    /// Hex.
    pub content_hash: String,
    pub previous_hash: String,
    pub hash: String,
}

/// Request `archive … record.content`: the file itself, in pieces. Each piece that is given out is an entry in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordContentRequest {
    pub record: Uuid,
    /// Where to go on, in bytes; 0 for the first piece.
    #[serde(default)]
    pub offset: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordContent {
    pub record: Uuid,
    /// A piece of the canonical JSON text. All pieces together have the SHA-256 `content_hash`.
    pub text: String,
    /// Hex.
    pub content_hash: String,
    pub content_bytes: i64,
    /// The `offset` of the next piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Request `archive … ledger.list`: a stretch of the whole chain, for who administers; a reader recomputes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerListRequest {
    /// The sequence before the first entry wanted; 0 for the beginning.
    #[serde(default)]
    pub after: i64,
    /// 1 to 1,000, default 200.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerList {
    pub entries: Vec<LedgerEntry>,
    /// How many entries the whole chain has.
    pub length: i64,
}
