//! Rehearsals (推演): a draft of a set of packs, run over what really happened, held against what really was made of it. Escalation runs them.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Request `escalation … rehearsal.begin`, for who administers everything. Of a draft that the gateway keeps, or of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearseRequest {
    /// Chosen by who asks: asked twice it is one rehearsal.
    pub rehearsal: Uuid,
    pub of: Rehearsed,
    /// The packs whose rules are played; none: all.
    #[serde(default)]
    pub packs: Vec<String>,
    /// From when on. What was opened before it is left out on both sides.
    #[schemars(schema_with = "time::schema")]
    pub since: Timestamp,
}

/// What is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rehearsed {
    /// Number of a draft.
    Draft(i64),
    Version(i64),
}

/// Request `escalation … rehearsal.list`: those of late, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalListRequest {
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalList {
    pub rehearsals: Vec<Rehearsal>,
}

/// Request `escalation … rehearsal.show`: one, with a page of what it makes for posts or people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalShowRequest {
    pub rehearsal: Uuid,
    #[serde(default)]
    pub by: Sides,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u32>,
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Whom the rows are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    #[default]
    Posts,
    /// Whoever holds the posts now; of alerts whoever is told.
    People,
}

/// How far a rehearsal is, and what it makes in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    pub id: Uuid,
    pub of: Rehearsed,
    /// Empty: all.
    pub packs: Vec<String>,
    /// `waiting`, `running`, `done`, `failed`.
    pub state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The same in Chinese.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fault_zh: String,
    pub asked_by: String,
    #[schemars(schema_with = "time::schema")]
    pub asked_at: Timestamp,
    /// From when on: what was asked for, or since when events are kept, whichever is later.
    #[schemars(schema_with = "time::schema")]
    pub since: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub until: Timestamp,
    /// Up to when it has got.
    #[schemars(schema_with = "time::schema")]
    pub reached: Timestamp,
    /// Events, acknowledgements and acts that were played.
    pub played: i64,
    /// Acknowledgements and acts for which the draft had no use: what they were of does not stand under it, or who did them might not now.
    pub left_out: i64,
    /// Weeks from Monday, the first and the last in part.
    pub weeks: u32,
    pub made: Made,
}

/// Counts under the draft, and what really was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    pub draft: Counts,
    pub real: Counts,
}

/// Duties that were opened, those of them that were missed, and alerts (each once, to however many).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub duties: i64,
    pub breaches: i64,
    pub alerts: i64,
}

/// A rehearsal with a page of its rows: those first for whom most changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalDetail {
    pub rehearsal: Rehearsal,
    pub rows: Vec<RehearsalRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// What it makes for a post, or a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalRow {
    /// The post's or the person's id.
    pub who: String,
    /// As it is called now; the id where it is not known any longer.
    pub title: String,
    pub title_zh: String,
    pub made: Made,
    /// Week by week, without those in which nothing was made.
    pub weeks: Vec<RehearsalWeek>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalWeek {
    /// Its Monday, e.g. `2026-03-02`.
    pub monday: String,
    pub made: Made,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.duties += other.duties;
        self.breaches += other.breaches;
        self.alerts += other.alerts;
    }
}

impl Made {
    pub fn add(&mut self, other: Self) {
        self.draft.add(other.draft);
        self.real.add(other.real);
    }

    /// How much changes, for an order by it.
    pub fn change(&self) -> i64 {
        let Self { draft, real } = self;
        (draft.duties - real.duties).abs() + (draft.breaches - real.breaches).abs() + (draft.alerts - real.alerts).abs()
    }
}
