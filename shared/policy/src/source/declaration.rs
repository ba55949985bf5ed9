//! Declarations as written: what a regulation says that Duban checks and explains now and runs with later engines.

use super::condition::ConditionText;
use super::duty::{PlacedTitle, TriggerText};
use super::pack::{ActorText, FieldText, or_text};
use super::place::{Many, Named, Placed};
use crate::Title;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// 审批: a chain of approvals.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decision")]
pub struct DecisionText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// The kind (or form) of this pack that it decides on; then its conditions may name that one's fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Placed<String>>,
    /// Who may ask for it; absent: whoever may see the matter.
    #[serde(default)]
    pub asked_by: Many<ActorText>,
    /// What an application states.
    #[serde(default)]
    pub field: Named<FieldText>,
    /// In order.
    pub steps: Vec<Placed<DecisionStepText>>,
    /// Whether who asked, or signed an earlier step, may sign a later one (default: no).
    #[serde(default)]
    pub self_approval: bool,
    /// Who may sign none of its steps.
    #[serde(default)]
    pub not_by: Many<ActorText>,
}

/// One signature, or several that are wanted together.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DecisionStep")]
pub struct DecisionStepText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// Any one of them: roles, `handler`, `reporter`, `superior` (of who asks), `{ field = "…" }`.
    #[serde(default)]
    pub by: Many<ActorText>,
    /// All of them.
    #[serde(default)]
    pub by_all: Many<ActorText>,
    /// From when the step is reached: `2wd`, `{parameter}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Placed<String>>,
    /// The step is left out where this does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ConditionText>,
}

/// 表单、登记簿: what is filled in.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Form")]
pub struct FormText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// A running register (登记簿) to which entries are added.
    #[serde(default)]
    pub register: bool,
    /// Who fills it in.
    #[serde(default)]
    pub filled_by: Many<ActorText>,
    /// Who keeps it, or a copy.
    #[serde(default)]
    pub kept_by: Many<ActorText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<Placed<u32>>,
    #[serde(default)]
    pub field: Named<FieldText>,
    /// The decision through which an entry takes effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Placed<String>>,
}

/// 报表: figures that come back, or are asked for.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Report")]
pub struct ReportText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// `day`, `working day`, `week`, `month`, `quarter`, `half-year`, `year`, `year to november`, `{parameter}`; absent: on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Placed<String>>,
    /// From the end of the period, or from when it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Placed<String>>,
    pub from: Many<ActorText>,
    #[serde(default)]
    pub to: Many<ActorText>,
    /// What it states, in order; each words or a `{parameter}` that holds them.
    #[serde(default)]
    pub figures: Many<PlacedTitle>,
    /// The decision before it goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Placed<String>>,
    /// The recurring duty of this pack that watches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Placed<String>>,
}

/// 档案类别: a class of records.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Record")]
pub struct RecordText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// `open`, `internal`, `confidential`, `secret`, `top secret`, `{parameter}`; absent: internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Placed<String>>,
    #[serde(default)]
    pub custodian: Many<ActorText>,
    /// Kinds whose closed cases are filed in it; also `form.…`, `report.…`, `survey.…`.
    #[serde(default)]
    pub holds: Many<Placed<String>>,
    /// Pattern of the index number: `KH-{unit}-{yyyy}-{seq}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<Placed<String>>,
    /// `30d`, `6mon`, `10y`, `{parameter}` or `for good`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Placed<String>>,
    /// From when that counts, in words or a `{parameter}` that holds them; absent: from filing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<PlacedTitle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<HandlingText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loan: Option<HandlingText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<HandlingText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<HandlingText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposal: Option<HandlingText>,
    /// How often the holdings are inspected, as in `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspected: Option<Placed<String>>,
    /// What is written down at filing.
    #[serde(default)]
    pub field: Named<FieldText>,
}

/// What may be done with a record, by whom and through which decision.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename = "lift:decision", deny_unknown_fields)]
#[schemars(rename = "Handling", transform = or_text)]
pub struct HandlingText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Placed<String>>,
    /// Who may without a decision or, beside one, who may ask.
    #[serde(default)]
    pub by: Many<ActorText>,
    /// For how long.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Placed<String>>,
    /// It is forbidden altogether.
    #[serde(default)]
    pub never: bool,
    /// What else the source says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<PlacedTitle>,
}

/// 通知: who is told of what, and how.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Notice")]
pub struct NoticeText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// Events, as in duties.
    #[serde(default)]
    pub on: Many<TriggerText>,
    /// Where no event tells of it yet: what it is sent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<PlacedTitle>,
    /// Roles, `reporter`, `handler`, `owner`, `superior`.
    #[serde(default)]
    pub to: Many<ActorText>,
    /// Posted up for everybody.
    #[serde(default)]
    pub public: bool,
    /// `email`, `sms`, `letter`, `telephone`, `chat`, `in person`, `posted`, `webhook`: any of them.
    #[serde(default)]
    pub by: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Placed<String>>,
    /// Proof of receipt is wanted.
    #[serde(default)]
    pub receipt: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Placed<String>>,
}

/// 文案: the words of a notice or survey.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Message")]
pub struct MessageText {
    /// Absent: its subject, or its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default)]
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<PlacedTitle>,
    pub body: PlacedTitle,
}

/// 调查: who is asked what.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Survey")]
pub struct SurveyText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    #[serde(default)]
    pub on: Many<TriggerText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<PlacedTitle>,
    /// As in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Placed<String>>,
    /// From the event, or from the end of the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Placed<String>>,
    /// Who carries it out.
    #[serde(default)]
    pub from: Many<ActorText>,
    #[serde(default)]
    pub to: Many<ActorText>,
    #[serde(default)]
    pub public: bool,
    #[serde(default)]
    pub by: Many<Placed<String>>,
    #[serde(default)]
    pub questions: Many<PlacedTitle>,
    /// The best first.
    #[serde(default)]
    pub grades: Many<PlacedTitle>,
    /// How much of what there is to ask about is asked about: `100%`, `{parameter}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_share: Option<Placed<FigureText>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Placed<String>>,
}

/// 指标: how much is to be done.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Quota")]
pub struct QuotaText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    /// As in reports; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Placed<String>>,
    /// Of whom or what: class A customers.
    pub of: Title,
    /// A number, a share (`100%`) or `{parameter}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Placed<FigureText>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Placed<FigureText>>,
    /// For each holder of this role.
    #[serde(default)]
    pub per: Many<ActorText>,
    /// Events that are counted.
    #[serde(default)]
    pub counts: Many<TriggerText>,
    /// The duty of this pack that watches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Placed<String>>,
}

/// 行为规范: what is forbidden or required of people.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Conduct")]
pub struct ConductText {
    pub title: Title,
    pub article: String,
    #[serde(default)]
    pub rule: Many<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Title>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbids: Option<PlacedTitle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<PlacedTitle>,
    /// Absent: everybody.
    #[serde(default)]
    pub applies_to: Many<ActorText>,
    /// What the source attaches to a breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<PlacedTitle>,
    /// The kind of this pack that takes the report of a breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Placed<String>>,
}

/// A figure: `2`, `"100%"`, `"{parameter}"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureText(pub String);

impl<'de> Deserialize<'de> for FigureText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = FigureText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a share such as \"100%\", or \"{parameter}\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FigureText, E> {
                Ok(FigureText(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<FigureText, E> {
                Ok(FigureText(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<FigureText, E> {
                Ok(FigureText(number.to_string()))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for FigureText {
    fn schema_name() -> Cow<'static, str> {
        "Figure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "description": "A number, a share such as \"100%\", or \"{parameter}\"." })
    }
}
