//! The organisation as written.

use super::duty::PlacedTitle;
use super::place::{Many, Named, Placed};
use crate::Title;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// The file: `organisation.toml`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Duban organisation", rename = "Organisation")]
pub struct OrganisationFile {
    pub organisation: About,
    /// Channels by which reports come.
    #[serde(default)]
    pub channel: Named<Title>,
    /// Roles that posts have, with the rights that go with them.
    #[serde(default)]
    pub role: Named<OrganisationRole>,
    pub unit: Named<UnitText>,
    /// Personal; left out of what is applied as policy.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub person: Named<PersonText>,
    #[serde(default)]
    pub bind: Vec<Placed<BindText>>,
    #[serde(default)]
    pub plays: Vec<Placed<PlaysText>>,
    #[serde(default)]
    pub parameter: Vec<Placed<OverrideText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approval: Vec<Placed<ApprovalText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trial: Vec<Placed<TrialText>>,
}

/// Names of the sections, as [`OrganisationFile`] has them.
pub(crate) const ORGANISATION_SECTIONS: &[&str] =
    &["organisation", "channel", "role", "unit", "person", "bind", "plays", "parameter", "approval", "trial"];

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub title: Title,
    /// Languages in which all titles and words must be there; absent: Chinese alone is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Placed<String>>,
    /// IANA time zone of its dates.
    pub zone: Placed<String>,
    /// Calendar of units that name none.
    pub calendar: Placed<String>,
    /// The post that is told when nobody else is left: `UNIT/role`.
    pub fallback: Placed<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationRole {
    pub title: Title,
    /// `see below`, `move unit`, `administer everywhere` …
    #[serde(default)]
    pub rights: Vec<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Unit")]
pub struct UnitText {
    pub title: Title,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Placed<String>>,
    /// Part of the unit above it: roles are looked for in it as if its posts were that unit's own.
    #[serde(default)]
    pub department: bool,
    /// Role of the post that heads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Placed<String>>,
    /// Posts by role.
    #[serde(default)]
    pub post: Named<PostText>,
}

/// Who holds a post: a person, several, or a table.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:holders", deny_unknown_fields)]
#[schemars(rename = "Post", transform = or_people)]
pub struct PostText {
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub holders: Many<HoldingText>,
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub deputies: Many<HoldingText>,
    /// In place of the role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// Besides the role's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:person", deny_unknown_fields)]
#[schemars(rename = "Holding", transform = or_text)]
pub struct HoldingText {
    pub person: Placed<String>,
    /// Date, from its 00:00.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Placed<String>>,
    /// Date, to its 24:00.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Placed<String>>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Person")]
pub struct PersonText {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// `zh` (default) or `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Times away, dates inclusive.
    #[serde(default)]
    pub absent: Vec<AbsenceText>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Absence")]
pub struct AbsenceText {
    pub from: Placed<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Placed<String>>,
}

/// A pack binds a unit and all below it, from a date.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Bind")]
pub struct BindText {
    pub pack: Many<Placed<String>>,
    pub unit: Many<Placed<String>>,
    pub from: Placed<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Placed<String>>,
    /// Packs bound above that do not bind here any more.
    #[serde(default)]
    pub instead_of: Many<Placed<String>>,
}

/// Which posts play a pack's roles, everywhere or in a unit and below.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Plays")]
pub struct PlaysText {
    pub pack: Placed<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Placed<String>>,
    /// Role of the pack = role of a post (looked for from the unit upwards), or a certain post `UNIT/role`; of several, the first that
    /// the unit has.
    pub role: Named<Many<Placed<String>>>,
}

/// A pack's parameter with a value of the organisation's own.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Override")]
pub struct OverrideText {
    pub pack: Placed<String>,
    pub name: Placed<String>,
    /// As the pack's own is written.
    pub value: PlacedTitle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Placed<String>>,
}

/// Who signs for making, changing and ending packs. Without it, any second person who administers does.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Approval")]
pub struct ApprovalText {
    /// Without it: every pack that has none of its own, calendars, and the organisation's part of the policy.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub pack: Many<Placed<String>>,
    /// A certain post (`UNIT/role`), or `second person`: anybody else who administers.
    pub by: Placed<String>,
    /// Who signs where nothing but wording changes: a post, `second person`, or `submitter`: nobody besides who submits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<Placed<String>>,
    /// Who signs where one parameter changes and nothing else does; as with wording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<Placed<String>>,
}

/// What runs on trial (试运行): its duties are kept and counted as trial, and nobody is told of them. Pack, rule or unit, or several of them:
/// what fits all that is named.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Trial")]
pub struct TrialText {
    /// Without it: every pack.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub pack: Many<Placed<String>>,
    /// Duties, recurring ones too, of the one pack that is named. Without it: all of them.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub rule: Many<Placed<String>>,
    /// These units and all below them. Without it: everywhere.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub unit: Many<Placed<String>>,
    /// Date, from its 00:00. Without it: as long as the set is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Placed<String>>,
    /// Date, to its 24:00.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Placed<String>>,
}

fn or_text(schema: &mut Schema) {
    let table = schema.clone();
    *schema = schemars::json_schema!({ "anyOf": [{ "type": "string" }, table] });
}

fn or_people(schema: &mut Schema) {
    let table = schema.clone();
    *schema = schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array" }, table] });
}
