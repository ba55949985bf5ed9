//! The entities of a directory.

use crate::Title;
use crate::calendar::Duration;
use duban_contracts::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A unit of the organisation (单位).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Short code, e.g. `BJ-4S-01`; unique, also within case numbers.
    pub code: String,
    pub title: Title,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Part of the unit above it: roles are looked for in it as if its posts were that unit's own.
    #[serde(default)]
    pub department: bool,
    /// Role of the post that heads the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Name of the calendar; absent: that of the unit above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// A post: a role in a unit (岗位), held by people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// `<unit code>/<role>`.
    pub id: String,
    pub unit: String,
    pub role: String,
    pub title: Title,
    #[serde(default)]
    pub holders: Vec<Holding>,
    /// Stand in while every holder is absent or the post is vacant.
    #[serde(default)]
    pub deputies: Vec<Holding>,
    #[serde(default)]
    pub rights: Vec<Grant>,
}

/// Who holds (or deputises for) a post, and when: from `from` up to, not at, `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub person: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A person (人员). All of it personal: it never travels in events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default)]
    pub language: Language,
    /// Address of the person's own webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
    /// Left or locked: holds nothing, may nothing.
    #[serde(default)]
    pub disabled: bool,
}

/// Away from `from` up to `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Another does for a time what would come to a person or a post (委托): from `from` up to `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    pub of: Delegator,
    /// The person who acts.
    pub to: String,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Whose part is delegated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delegator {
    /// Everything that would come to him, by whatever post.
    Person(String),
    /// What would come to its holders as such: `<unit>/<role>`.
    Post(String),
}

/// A producer whose silence is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    pub producer: String,
    /// Of its reports that name none; its calendar is that of the watch.
    pub unit: String,
    /// For how long it may send nothing.
    pub silent_after: Duration,
}

/// The language in which a person is written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    #[default]
    #[serde(rename = "zh")]
    Chinese,
    #[serde(rename = "en")]
    English,
}

/// What may be done; each over a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Cases, duties, alerts, without personal text.
    See,
    /// Personal text too.
    SeePersonal,
    /// Take in reports by hand, sort and correct them.
    Take,
    /// Make the moves and acts that the pack gives one's role.
    Move,
    Decide,
    Export,
    Administer,
}

/// Over which units a right reaches, from the post's own unit (with its departments), or from the unit that its department is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Unit,
    Below,
    Everywhere,
}

/// A right over a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    pub right: Right,
    pub scope: Scope,
}

impl Holding {
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

impl Absence {
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Delegation {
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

impl Person {
    pub fn is_absent(&self, at: Timestamp) -> bool {
        self.absences.iter().any(|absence| absence.covers(at))
    }

    /// When a person who is away at this time is back, absences that follow one another taken together; None: nobody knows.
    pub fn back_at(&self, at: Timestamp) -> Option<Timestamp> {
        let mut back = at;
        // Each absence ends later than the one before, so that this ends.
        while let Some(absence) = self.absences.iter().find(|absence| absence.covers(back)) {
            back = absence.until?;
        }
        Some(back)
    }
}

impl Right {
    pub const ALL: [Self; 7] = [Self::See, Self::SeePersonal, Self::Take, Self::Move, Self::Decide, Self::Export, Self::Administer];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::SeePersonal => "see_personal",
            Self::Take => "take",
            Self::Move => "move",
            Self::Decide => "decide",
            Self::Export => "export",
            Self::Administer => "administer",
        }
    }

    pub fn title(self) -> Title {
        let (zh, en) = match self {
            Self::See => ("查看", "see"),
            Self::SeePersonal => ("查看个人信息", "see personal text"),
            Self::Take => ("受理", "take in"),
            Self::Move => ("办理", "move"),
            Self::Decide => ("审批", "decide"),
            Self::Export => ("导出", "export"),
            Self::Administer => ("管理", "administer"),
        };
        Title::new(zh, en)
    }
}
