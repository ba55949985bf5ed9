//! Cases: the events of intake and the requests that show and move cases.

use crate::time::{self, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Body of every `duban.intake.v1.case.<happened>`: the case as it stands after the event, and what this event adds. No personal text.
///
/// `happened`: `registered`, `classified`, `supplemented`, `corrected`, `assigned`, `noted`, `answered`, `closed`, `reopened`, `linked`,
/// `unlinked`, `merged`, `sorted`, `returned`, `attached`, `detached`, `referred`, `person_added`, `person_removed`, and the `event` that a pack's move or act declares. Pack rules see every member by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseEvent {
    pub case: Uuid,
    pub number: String,
    /// Id of the pack that the case is under.
    pub pack: String,
    /// Kind id; `unsorted` while 待分拣.
    pub kind: String,
    pub unit: String,
    pub severity: String,
    pub stage: String,
    pub channel: String,
    pub producer: String,
    /// Short title made of kind and unit.
    pub title: String,
    pub title_zh: String,
    #[serde(default)]
    pub unsorted: bool,
    #[serde(default)]
    pub anonymous: bool,
    #[schemars(schema_with = "time::schema")]
    pub occurred_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub registered_at: Timestamp,
    /// The person that handles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// People who never see the case nor its alerts: those complained about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_people: Vec<String>,
    /// Units complained about that do not see it, where the pack says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_units: Vec<String>,
    /// People who see it by name, whatever their posts, for as long as that lasts: who reported it, decides of it or was added to it. Its
    /// handler stands apart.
    #[serde(default, alias = "people_added", skip_serializing_if = "Vec::is_empty")]
    pub people_named: Vec<String>,
    /// Declared fields that are not personal.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// How many earlier reports of the same matter stand within the pack's window.
    #[serde(default)]
    pub repeats: i64,
    /// How often it was returned (退回) since it was opened or reopened.
    #[serde(default)]
    pub returns: i64,
    /// The master case (主案) that it is attached to: its answers and its close are this one's too, and this one owes nothing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<Uuid>,
    /// How many cases are attached to it: more than none makes it their master.
    #[serde(default)]
    pub carries: i64,
    /// For detached: what had happened to it while it stood for itself, each event's last token once, in the order of when it last did. What
    /// it owed by then it owes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub happened: Vec<String>,
    /// The move, act or return that this event is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// For linked, merged, attached, detached and supplemented: the other case.
    /// Of a case that is carried by its master, also for answered and closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Uuid>,
    /// For supplemented: the receipt of the report that joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Uuid>,
    /// For sorted, classified and corrected: what it was taken for until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Terminal outcome, once closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Policy set version.
    pub policy: i64,
    pub version: i64,
}

/// What a case was taken for before its kind or severity was put right. Duties that hang on that alone fall away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Before {
    pub pack: String,
    pub kind: String,
    pub severity: String,
    #[serde(default)]
    pub unsorted: bool,
    #[serde(default)]
    pub unit: String,
    #[serde(default)]
    pub stage: String,
    #[serde(default)]
    pub repeats: i64,
    /// Declared fields that are not personal.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// The outcome of a case that was merged into another; no pack needs to declare it. Such a case owes nothing.
pub const MERGED: &str = "merged";

/// The outcome of a case that was closed with a master of another kind; one of the master's kind has the master's outcome.
pub const CARRIED: &str = "carried";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Id of the move or act in the pack.
    pub name: String,
    pub from: String,
    pub to: String,
    /// Person id; empty for the system.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// Request `intake … case.list`. Empty filters take all; only what the asker may see comes back, counts included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseListRequest {
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub stage: Option<String>,
    #[serde(default)]
    pub severity: Option<String>,
    /// `open`, `closed`, `unsorted`, `mine`, `major`, `master` (cases to which others are attached), `attached`.
    #[serde(default)]
    pub state: Option<String>,
    /// Part of a number or title.
    #[serde(default)]
    pub search: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseList {
    pub cases: Vec<CaseSummary>,
    pub total: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// A case in a list. Telephone and identity numbers are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseSummary {
    pub case: Uuid,
    pub number: String,
    pub pack: String,
    pub kind: String,
    pub kind_title: String,
    pub kind_title_zh: String,
    pub unit: String,
    pub severity: String,
    /// What the pack calls the severity; absent where the pack that named it is no longer held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_title_zh: Option<String>,
    pub stage: String,
    pub stage_title: String,
    pub stage_title_zh: String,
    pub channel: String,
    pub title: String,
    pub title_zh: String,
    /// The report's subject, only for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Masked, e.g. `138****2345`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub unsorted: bool,
    pub closed: bool,
    #[serde(default)]
    pub handler: Option<String>,
    #[schemars(schema_with = "time::schema")]
    pub received_at: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub registered_at: Timestamp,
    pub repeats: i64,
    /// How often it was returned (退回) since it was opened or reopened.
    #[serde(default)]
    pub returns: i64,
    /// The master case that it is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<Uuid>,
    /// How many cases are attached to it.
    #[serde(default)]
    pub carries: i64,
    pub version: i64,
}

/// Request `intake … case.show`, by id or number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseShowRequest {
    #[serde(default)]
    pub case: Option<Uuid>,
    #[serde(default)]
    pub number: Option<String>,
}

/// A case whole, as far as the asker may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseDetail {
    pub summary: CaseSummary,
    /// The report's body, for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<crate::report::Report>,
    pub receipt: Uuid,
    pub policy: i64,
    /// Current field values (personal ones left out for who may not see them).
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// Oldest first; of a long one the newest entries, as many as one answer holds.
    pub timeline: Vec<TimelineEntry>,
    /// There are older entries: [`EarlierRequest`] asks for them, with this as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Uuid>,
    /// What the asker may do next.
    pub steps: Vec<PermittedStep>,
    pub links: Vec<CaseLink>,
    /// Article-citing reasons of kind and severity.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    #[serde(default)]
    pub people_added: Vec<String>,
}

/// Request `intake … case.earlier`: the entries of a case's timeline before one of them, where it is longer than one answer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierRequest {
    pub case: Uuid,
    pub before: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierAnswer {
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// There are older ones still: to be asked for with this as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Uuid>,
}

/// One entry of a timeline. Entries of several services are merged by time, then by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    pub id: Uuid,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    /// Event name, e.g. `case.registered`, `duty.breached`, `alert.raised`, `delivery.sent`.
    pub event: String,
    pub text: String,
    pub text_zh: String,
    /// Person id; empty for the system.
    #[serde(default)]
    pub by: String,
    /// Free text of a handler (note, answer, reason); for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// A move or act that may be done next, and what it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermittedStep {
    pub name: String,
    /// `move`, `act` or `return`.
    pub sort: String,
    pub title: String,
    pub title_zh: String,
    pub requires: Vec<FieldSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Why the asker may not, when he may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_zh: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldSpec {
    pub name: String,
    pub title: String,
    pub title_zh: String,
    /// `text`, `choice`, `amount`, `date`, `phone`, `email`, `plate`, `number`, `file`, `person`, `unit`.
    pub sort: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// It may be left empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    pub value: String,
    pub title: String,
    pub title_zh: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLink {
    pub other: Uuid,
    pub number: String,
    /// Seen from this case: `repeats`, `repeated_by`, `merged_into`, `merged`, `follows`, `followed_by`, `carried_by`, `carries` (of these the
    /// newest 200).
    pub sort: String,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub text: String,
    pub text_zh: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// Request `intake … case.act`: one request for everything that a person does to a case. Needs a claim, a request id and the expected version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseActRequest {
    pub case: Uuid,
    #[serde(flatten)]
    pub act: CaseAct,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CaseAct {
    /// A move or act that the pack declares, with the fields that it asks for.
    Step {
        name: String,
        #[serde(default)]
        fields: Map<String, Value>,
        #[serde(default)]
        note: Option<String>,
    },
    /// Hand to a person.
    Assign {
        person: String,
    },
    Note {
        text: String,
    },
    /// An answer to the reporter, by letter, telephone …
    Answer {
        text: String,
        by: String,
    },
    /// A reference to something kept elsewhere.
    Refer {
        attachment: crate::report::Attachment,
    },
    /// A wrong kind, unit or severity put right; also how an unsorted case is sorted.
    Correct {
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        unit: Option<String>,
        #[serde(default)]
        severity: Option<String>,
        /// Who is complained about, beside those who are known to be; whoever bears the same name is meant no longer. Empty: nobody after all.
        #[serde(default)]
        about_person: Option<String>,
        reason: String,
    },
    /// Undo the link to a repeated matter.
    Unlink {
        other: Uuid,
        reason: String,
    },
    /// This case's matter is that of the other.
    Merge {
        into: Uuid,
        reason: String,
    },
    /// Make this case the master of others, or attach more to it: they stay cases of their own, and are answered and closed with it.
    Attach {
        /// Together with `numbers` 1 to 200.
        #[serde(default)]
        cases: Vec<Uuid>,
        #[serde(default)]
        numbers: Vec<String>,
        reason: String,
    },
    /// Take this case from its master: it stands for itself again.
    Detach {
        reason: String,
    },
    /// Let a person see the case by name.
    AddPerson {
        person: String,
        reason: String,
    },
    RemovePerson {
        person: String,
        reason: String,
    },
}

/// The answer to an act: no personal text (answers are kept).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseActed {
    pub case: Uuid,
    pub number: String,
    pub stage: String,
    pub version: i64,
}

/// Request `intake … report.rejected.list|admit|dismiss` of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum RejectedAct {
    Admit {
        rejected: Uuid,
        #[serde(default)]
        corrected: Option<Box<crate::report::Report>>,
        reason: String,
    },
    Dismiss {
        rejected: Uuid,
        reason: String,
    },
}

/// Answer to `intake … case.export` (asked with a [`CaseListRequest`]): one page, as many as one message holds. Only with the right to
/// export; every export is kept with who and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseExport {
    pub cases: Vec<ExportedCase>,
    /// To go on with, as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedCase {
    pub summary: CaseSummary,
    #[schemars(schema_with = "time::schema")]
    pub occurred_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Personal ones only for who may see them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// The report's body, for who may see personal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<crate::report::Report>,
}

/// Request `intake … case.dossier`: everything of a case for its file. Only archive may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DossierRequest {
    pub case: Uuid,
    /// The closing event: an owner that has not handled it yet answers 409 `not-yet`, and is asked again.
    pub after: Uuid,
    /// Only once no duty of the case is open any longer: until then escalation answers 409 `not-yet`.
    #[serde(default)]
    pub settled: bool,
    /// The newest alert that escalation's part tells of: notifications answers 409 `not-yet` until it has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// The next piece of a long one: [`Dossier::next`] of the piece before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A service's part of a case's file, as JSON that the owner shapes. One that is longer than a message comes in pieces: objects of which
/// each continues the arrays of the one before; a case that changes meanwhile is answered with 409 `not-yet`, and asked for anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dossier {
    pub service: String,
    pub case: Uuid,
    pub content: Value,
    /// Duties of the case outlive its close: another edition of the file follows when they have ended.
    #[serde(default)]
    pub unsettled: bool,
    /// Of escalation's part: the newest alert that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// There is more: to be asked for with this as `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Request `intake … case.visible`: of these cases, which may this person see, and why. For lists, live updates and 'who can see this'.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisibleRequest {
    pub cases: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisibleAnswer {
    pub visible: Vec<Uuid>,
}

/// Request `intake … case.watchers`: who can see this case, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchersAnswer {
    pub watchers: Vec<Watcher>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Watcher {
    pub person: String,
    pub name: String,
    pub reason: String,
    pub reason_zh: String,
    pub personal_text: bool,
}
