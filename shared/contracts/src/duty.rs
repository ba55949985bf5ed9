//! Duties: who owes what by when. Escalation knows nothing of cases: a duty has a key, a title and a link, made from its opening event.

use crate::alert::MeantFor;
use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A duty as shown, and the body of `duban.escalation.v1.duty.<happened>` (`opened`, `reminded`, `breached`, `closed`, `cancelled`,
/// `withdrawn`, `moved`, and as [`DutyActed`] says). `withdrawn`: a breach that a late-read close disproved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyEvent {
    pub duty: Uuid,
    /// Rule id within its pack, e.g. `file_warning`.
    pub rule: String,
    pub pack: String,
    pub article: String,
    /// What opening and closing events have in common, e.g. `case/<id>`.
    pub key: String,
    pub case: Option<Uuid>,
    pub title: String,
    pub title_zh: String,
    /// Path within the pages, e.g. `/cases/<id>`.
    pub link: String,
    pub unit: String,
    /// The post that owes it.
    pub owed_by: String,
    #[serde(default)]
    pub owed_to: Vec<String>,
    /// `pending`, `due_soon`, `breached`, `closed_in_time`, `closed_late`, `cancelled`.
    pub state: String,
    #[schemars(schema_with = "time::schema")]
    pub opened_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub due_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub closed_at: Option<Timestamp>,
    /// Its clock stands still, at most until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub paused_until: Option<Timestamp>,
    /// The person to whom it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_to: Option<String>,
    /// Who has it now in place of those who owe it; only in answers, since it changes without an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverted: Option<Diverted>,
    /// What was done with it, in the event that tells of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted: Option<DutyActed>,
    /// Raised after its time because the service was down or behind.
    #[serde(default)]
    pub late: bool,
    /// On trial (试运行): kept and counted apart, nobody is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    pub policy: i64,
    pub version: i64,
}

/// To whom a duty goes while those who owe it are away or have delegated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diverted {
    pub people: Vec<String>,
    pub meant_for: Vec<MeantFor>,
}

/// What somebody did with a duty besides doing it, or what came of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyActed {
    /// `paused`, `resumed`, `extended`, `handed_over`, `urged`, `retimed`.
    pub act: String,
    /// Absent: nobody, it came of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub until: Option<Timestamp>,
    /// Whom it was handed to, or who (a person or a post) is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    #[schemars(schema_with = "time::schema")]
    pub due_before: Timestamp,
    /// The correction by which its time was counted anew, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<DutyCorrected>,
}

/// A correction of a calendar or of a rule that has reached a duty that stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DutyCorrected {
    /// The version that corrects.
    pub version: i64,
    /// What of it concerns the duty: `calendar.cn`, `store-complaints/answer`.
    pub of: String,
    /// Who approved the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// Request `escalation … duty.act`: what people do with a duty besides doing it. Needs a claim and a request id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyActRequest {
    pub duty: Uuid,
    pub act: DutyAct,
}

/// Who owes the duty and who decides over its unit may act; reasons have at most 2,000 characters and no personal text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum DutyAct {
    /// 暂停计时: its clock stands still, until then at most. Who owes it may as far as its rule allows.
    Pause {
        reason: String,
        #[schemars(schema_with = "time::schema")]
        until: Timestamp,
        /// The person or post that is waited for, and reminded every working day.
        #[serde(default)]
        waits_for: Option<String>,
    },
    /// 恢复计时: before the pause ends by itself.
    Resume {
        #[serde(default)]
        note: String,
    },
    /// 延期: a later due time; only who decides over the unit and does not owe it.
    Extend {
        reason: String,
        #[schemars(schema_with = "time::schema")]
        until: Timestamp,
    },
    /// 移交: this person owes it from now on, before the posts that owed it.
    HandOver { to: String, reason: String },
    /// 催办: who owes it is alerted at once; only who decides over the unit, and once an hour.
    Urge {
        #[serde(default)]
        note: String,
    },
}

/// Request `escalation … duty.list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyListRequest {
    /// `open`, `breached`, `due_soon`, `closed`, `mine`, `trial` (on trial, open and ended; these stand in no other list but `all`).
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub case: Option<Uuid>,
    #[serde(default)]
    pub search: Option<String>,
    #[serde(default)]
    pub after: Option<String>,
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyList {
    pub duties: Vec<DutyEvent>,
    pub total: i64,
    #[serde(default)]
    pub next: Option<String>,
}

/// Request `escalation … case.timeline`: duties and alerts of a case for its timeline, a page at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRequest {
    pub case: Uuid,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    pub entries: Vec<crate::case::TimelineEntry>,
    #[serde(default)]
    pub duties: Vec<DutyEvent>,
    /// Where the next page begins; absent on the last. Each page is ordered in itself, all together are to be sorted by time.
    #[serde(default)]
    pub next: Option<String>,
}

/// Request `escalation … duty.why`: how a due time came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyRequest {
    pub duty: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyAnswer {
    pub duty: DutyEvent,
    /// Sentences, in order.
    pub steps: Vec<crate::case::Reason>,
    /// What comes next if nobody acts: instants and posts.
    pub next: Vec<NextRung>,
    /// Who was told of it so far and who acknowledged, the newest alerts of it, in the order of time.
    #[serde(default)]
    pub told: Vec<crate::case::TimelineEntry>,
    /// How many alerts were raised before those.
    #[serde(default)]
    pub told_before: i64,
    /// Whether the asker may close it by hand (`duty.close`).
    #[serde(default)]
    pub may_close: bool,
    /// Whether he may cancel it as an administrator, with a reason (`duty.close` too).
    #[serde(default)]
    pub may_cancel: bool,
    /// What else he may do with it: `paused`, `resumed`, `extended`, `handed_over`, `urged`.
    #[serde(default)]
    pub offered: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextRung {
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    pub posts: Vec<String>,
    pub people: Vec<String>,
    /// `reminder`, `notice`, `breach`, `escalation`, `awaited`; empty for alerts from before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sort: String,
}

/// Request `escalation … duty.close`: who owes a recurring duty says that it is done. Needs a claim and a request id. Duties that an event
/// closes answer 409 `closed-by-event`, but to an administrator: he cancels what nobody can do any longer, and says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DutyCloseRequest {
    pub duty: Uuid,
    /// What was done, or why it falls away; at most 2,000 characters; no personal text. An administrator must say why.
    #[serde(default)]
    pub note: String,
}

/// Request `escalation … case.due`: by when cases are to be closed, for the public's tracking. By ids, or one by its number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseDueRequest {
    #[serde(default)]
    pub cases: Vec<Uuid>,
    #[serde(default)]
    pub number: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseDueAnswer {
    /// Of the one asked for by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub due: Option<Timestamp>,
    /// Of those asked for by id; absent where no clock runs. RFC 3339.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<Uuid, String>")]
    pub cases: std::collections::BTreeMap<Uuid, Timestamp>,
}

/// Request `escalation … trial.figures`: what trials (试运行) have made so far, of what the asker sees.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialFiguresRequest {
    /// Of duties opened since then; without it, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialFigures {
    /// By pack and rule.
    pub rules: Vec<TrialRule>,
}

/// What one rule on trial has made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialRule {
    pub pack: String,
    pub rule: String,
    /// Duties opened, and how many of them are open still.
    pub opened: i64,
    pub open: i64,
    /// Not done by their time, whether or not they were done later.
    pub breached: i64,
    pub closed_in_time: i64,
    pub closed_late: i64,
    /// Alerts that would have been raised, and how many people they would have told, each time counted.
    pub alerts: i64,
    pub tellings: i64,
}
