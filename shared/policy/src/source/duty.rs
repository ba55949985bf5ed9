//! Duties as written: what opens and closes them, by when they are owed, and the ladders that they climb.

use super::condition::ConditionText;
use super::pack::{ActorText, or_text};
use super::place::{Many, Placed};
use crate::Title;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An obligation: who owes what by when.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyText {
    pub title: PlacedTitle,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    pub opens: Many<TriggerText>,
    pub closes: Many<TriggerText>,
    /// Events that end it without its being done.
    #[serde(default)]
    pub cancels: Many<TriggerText>,
    /// What opening and closing events have in common: `case/{case}` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Placed<String>>,
    /// In order of preference.
    pub owed_by: Many<ActorText>,
    #[serde(default)]
    pub owed_to: Many<ActorText>,
    /// `24h`, `3wd`, `{parameter}`, `end of next day`, or a list of `{ when, within }`.
    pub within: Many<WithinText>,
    /// Member of the event from which time counts, e.g. `received_at`; absent: the event's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Placed<String>>,
    /// `12h before`, `80%` of the period, `{parameter} before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Many<Placed<String>>>,
    /// How long in all who owes it may stop its clock: `5wd`, `{parameter}`; `never`: nobody may; absent: only who decides over the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Placed<String>>,
    /// `never`: nobody may grant more time; absent: who decides over the unit may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_miss: Option<Placed<String>>,
}

/// A title with places, whose language-less place is that of the whole.
pub type PlacedTitle = Placed<Title>;

/// An event, by name or with a condition.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:on", deny_unknown_fields)]
#[schemars(rename = "Trigger", transform = or_text)]
pub struct TriggerText {
    pub on: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    /// Also events of cases under other packs.
    #[serde(default)]
    pub any_pack: bool,
    /// Key of the duty, where this event names the matter otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:within", deny_unknown_fields)]
#[schemars(rename = "Within", transform = or_text)]
pub struct WithinText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    /// The date or instant in this field of the event; without it `within` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Placed<String>>,
    /// So long before that: a duration or a `{parameter}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Placed<String>>,
}

/// Who is alerted when a duty passes its due time, in order.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LadderText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    pub rungs: Vec<RungText>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rung")]
pub struct RungText {
    /// `opened`, `due`, `2h after`, `12h before`, `{parameter} after`.
    pub at: Placed<String>,
    /// Roles, `owner`, `superior` (of the owner), `owed_to`, `handler`.
    pub tell: Many<ActorText>,
    /// `acknowledged` (by any of them, default) or `acknowledged by all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Placed<String>>,
    /// How long an acknowledgement stops the climb (24h unless said).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Placed<String>>,
    #[serde(default)]
    pub urgent: bool,
    /// `until working hours`: not raised, nor repeated, before the duty's calendar opens; what is above it waits too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
}

/// A duty that comes back.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurringText {
    pub title: PlacedTitle,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    /// `day`, `working day`, `week`, `month`, `quarter`, `half-year`, `year`, `year to november`, or a `{parameter}`: when one ends, the duty for it opens.
    pub every: Placed<String>,
    /// From the end of the period: `by the 10th`, `12h`, `3wd`, `{parameter}`.
    pub within: Placed<String>,
    pub owed_by: Many<ActorText>,
    #[serde(default)]
    pub owed_to: Many<ActorText>,
    /// Events that close it. Their key names unit and period: `period/{unit}/{fields.period}` unless said.
    pub closes: Many<TriggerText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Many<Placed<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_miss: Option<Placed<String>>,
}
