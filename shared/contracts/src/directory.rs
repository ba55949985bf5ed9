//! The directory (units, posts, people, rights) as the gateway tells it to the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `duban.gateway.v1.directory.changed`: fetch the snapshot if yours is older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryChanged {
    pub version: i64,
}

/// Request `gateway … directory.snapshot`: one page of the directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotRequest {
    /// The version whose pages are being read; absent on the first page. A change meanwhile answers 409 and the reader begins again.
    #[serde(default)]
    pub version: Option<i64>,
    #[serde(default)]
    pub page: u32,
}

/// A page: `directory` is a `duban_policy::directory::Directory` with the entities of this page; pages are merged by the reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    pub version: i64,
    pub page: u32,
    pub pages: u32,
    pub directory: Value,
}
