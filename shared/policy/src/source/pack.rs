//! A pack as written: one file, or one regulation.

use super::condition::ConditionText;
use super::declaration::{
    ConductText, DecisionText, FigureText, FormText, MessageText, NoticeText, QuotaText, RecordText, ReportText, SurveyText,
};
use super::duty::{DutyText, LadderText, PlacedTitle, RecurringText};
use super::place::{Many, Named, Placed};
use crate::Title;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// The file. `rule` everywhere names the ids of regulations.md that the thing carries; `article` is the article as the source counts it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Duban policy pack", rename = "Pack")]
pub struct PackFile {
    pub pack: Head,
    /// What holds for every duty that says nothing else.
    #[serde(default)]
    pub defaults: Defaults,
    /// What the source leaves open, with a default that the organisation may override.
    #[serde(default)]
    pub parameter: Named<ParameterText>,
    /// Roles that the pack speaks of; the organisation says which post plays each.
    #[serde(default)]
    pub role: Named<RoleText>,
    #[serde(default)]
    pub kind: Named<KindText>,
    #[serde(default)]
    pub duty: Named<DutyText>,
    #[serde(default)]
    pub recurring: Named<RecurringText>,
    #[serde(default)]
    pub ladder: Named<LadderText>,
    #[serde(default)]
    pub decision: Named<DecisionText>,
    #[serde(default)]
    pub form: Named<FormText>,
    #[serde(default)]
    pub report: Named<ReportText>,
    #[serde(default)]
    pub record: Named<RecordText>,
    #[serde(default)]
    pub notice: Named<NoticeText>,
    #[serde(default)]
    pub message: Named<MessageText>,
    #[serde(default)]
    pub survey: Named<SurveyText>,
    #[serde(default)]
    pub quota: Named<QuotaText>,
    #[serde(default)]
    pub conduct: Named<ConductText>,
    /// Rules that a later version of Duban will run.
    #[serde(default)]
    pub later: Vec<LaterText>,
    /// Rules with nothing to run: exhortations.
    #[serde(default)]
    pub excused: Vec<ExcusedText>,
}

/// Names of the sections, as [`PackFile`] has them.
pub(crate) const PACK_SECTIONS: &[&str] = &[
    "pack",
    "defaults",
    "parameter",
    "role",
    "kind",
    "duty",
    "recurring",
    "ladder",
    "decision",
    "form",
    "report",
    "record",
    "notice",
    "message",
    "survey",
    "quota",
    "conduct",
    "later",
    "excused",
];

/// Which regulation the pack carries.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Short name, lower-case letters, digits and hyphens.
    pub id: Placed<String>,
    pub title: Title,
    /// Its number in the collection, e.g. `R13`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regulation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Title>,
    /// To whom or what it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Title>,
    /// From when it is in force, as the source says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<Title>,
    /// Who interprets it; words or a `{parameter}` that holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpretation: Option<PlacedTitle>,
    /// Rules that are metadata alone.
    #[serde(default)]
    pub rule: Many<Placed<String>>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    #[serde(default)]
    pub remind: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_miss: Option<Placed<String>>,
    /// Calendar in which duties are counted; absent: the unit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Placed<String>>,
}

/// A figure that the source leaves open.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterText {
    pub title: Title,
    /// Duration (`2wh`), term (`end of next day`), number or word; or words to be read, in both languages.
    pub value: PlacedTitle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Why this value; every default is ours, never the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:title", deny_unknown_fields)]
#[schemars(rename = "Role", transform = or_text)]
pub struct RoleText {
    pub title: Title,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// What reports are taken as.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindText {
    pub title: Title,
    /// Other names under which reports may ask for it.
    #[serde(default)]
    pub aliases: Vec<Placed<String>>,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    /// Takes a report without a kind.
    #[serde(default)]
    pub default: bool,
    /// Takes what could not be sorted.
    #[serde(default)]
    pub unsorted: bool,
    /// Offered on the public form (default: yes).
    #[serde(default = "yes")]
    pub public: bool,
    /// `TS-{unit}-{yyyy}{mm}{dd}-{seq}`.
    pub number: Placed<String>,
    #[serde(default)]
    pub field: Named<FieldText>,
    /// Gravest first.
    #[serde(default)]
    pub severity: Named<SeverityText>,
    /// In order; the first is where a case begins.
    pub stage: Named<StageText>,
    #[serde(default, rename = "move")]
    pub moves: Named<MoveText>,
    #[serde(default)]
    pub act: Named<ActText>,
    #[serde(default, rename = "return")]
    pub returns: Named<ReturnText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<RepeatsText>,
    /// Whether a unit complained about sees the case (default: yes).
    #[serde(default = "yes")]
    pub about_unit_sees: bool,
    /// What becomes of a report that follows a closed case: `new-case` (default), `join`, or `{ reopen = "<move>" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_closed: Option<FollowsClosedText>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:otherwise", deny_unknown_fields)]
#[schemars(rename = "FollowsClosed", transform = or_text)]
pub struct FollowsClosedText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopen: Option<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldText {
    pub title: Title,
    /// `text`, `choice`, `choices`, `amount`, `number`, `date`, `phone`, `email`, `plate`, `file`, `person`, `unit`, `yes_no`.
    #[serde(rename = "type")]
    pub sort: Placed<String>,
    /// Never in events; shown only to who may see personal text.
    #[serde(default)]
    pub personal: bool,
    /// Values of a choice, in order.
    #[serde(default)]
    pub choices: Named<Title>,
    /// Needed already in the report: `true`, or a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_when: Option<ConditionText>,
    #[serde(default)]
    pub required: bool,
    /// Asked for on the public form.
    #[serde(default)]
    pub public: bool,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityText {
    pub title: Title,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default)]
    pub major: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    /// Short for `when = { any = [...] }`.
    #[serde(default)]
    pub any: Vec<ConditionText>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:title", deny_unknown_fields)]
#[schemars(rename = "Stage", transform = or_text)]
pub struct StageText {
    pub title: Title,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub terminal: bool,
}

/// A step to another stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveText {
    pub title: Title,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    pub from: Many<Placed<String>>,
    pub to: Placed<String>,
    /// Roles, or `handler`, `reporter`; absent: whoever may move cases there.
    #[serde(default)]
    pub by: Many<ActorText>,
    #[serde(default)]
    pub requires: Many<Placed<String>>,
    /// Fields that may be given with it.
    #[serde(default)]
    pub asks: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    /// Name of the event: `accepted` for `case.accepted`.
    pub event: Placed<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Placed<String>>,
}

/// A named step that leaves the stage as it is.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActText {
    pub title: Title,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    /// Stages in which it may be done; absent: all that are not terminal.
    #[serde(default, rename = "in")]
    pub stages: Many<Placed<String>>,
    #[serde(default)]
    pub by: Many<ActorText>,
    #[serde(default)]
    pub requires: Many<Placed<String>>,
    #[serde(default)]
    pub asks: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    pub event: Placed<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Placed<String>>,
    #[serde(default)]
    pub once: bool,
}

/// 'Not ours, returned' (退回): those to whom a case was given hand it back, with a reason and not for ever. Told as `case.returned`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Return")]
pub struct ReturnText {
    pub title: Title,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    pub from: Many<Placed<String>>,
    /// The earlier stage in which the case is given to somebody; absent: back to whoever sorts reports, in the unit that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Placed<String>>,
    /// Roles, or `handler`; absent: whoever may move cases there.
    #[serde(default)]
    pub by: Many<ActorText>,
    /// The reason: fields that are given with each return anew.
    pub requires: Many<Placed<String>>,
    /// Fields that may be given with it.
    #[serde(default)]
    pub asks: Many<Placed<String>>,
    /// Fields that it empties: to whom the case had been given.
    #[serde(default)]
    pub clears: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
    /// How often a case may be returned, whoever does it: a whole number or `{parameter}`.
    pub limit: Placed<FigureText>,
    /// Who decides where it belongs when it may be returned no more.
    pub decided_by: Many<ActorText>,
}

/// A role, `handler`, `reporter`, `owner`, `superior`, or `{ field = "…" }`: the person named in a field.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:role", deny_unknown_fields)]
#[schemars(rename = "Actor", transform = or_text)]
pub struct ActorText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Placed<String>>,
}

/// When reports are of the same matter.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatsText {
    /// Ways to be the same: `[["phone", "unit", "kind"]]` unless said.
    #[serde(default)]
    pub keys: Vec<Vec<Placed<String>>>,
    pub within: Placed<String>,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
}

/// Rules that need an engine which is not there yet.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Later")]
pub struct LaterText {
    pub rule: Many<Placed<String>>,
    pub article: String,
    /// `decision`, `recurring`, `form`, `report`, `record`, `notice`, `survey`, `register`, `conduct`, `routing`.
    pub with: Placed<String>,
    pub says: Title,
}

/// Rules without anything to run.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Excused")]
pub struct ExcusedText {
    pub rule: Many<Placed<String>>,
    pub article: String,
    /// `exhortation` or `metadata`.
    pub why: Placed<String>,
    pub says: Title,
}

fn yes() -> bool {
    true
}

pub(super) fn or_text(schema: &mut Schema) {
    let table = schema.clone();
    *schema = schemars::json_schema!({ "anyOf": [{ "type": "string" }, table] });
}
