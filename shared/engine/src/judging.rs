//! From a report to the case that it opens: pure. What cannot be understood makes it unsorted (待分拣), never refuses it.

use crate::case::Case;
use crate::contacts::Contacts;
use crate::mask;
use duban_contracts::Timestamp;
use duban_contracts::canonical::keyed_bytes;
use duban_contracts::case::Reason;
use duban_contracts::report::AcceptedReport;
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::{Judgement, Kind, ReportFacts};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The declared fields in which a report names whom it is about.
pub const ABOUT_PERSON: &str = "about_person";
pub const ABOUT_UNIT: &str = "about_unit";
/// The titles under which they are sent where no kind is known that would declare them.
const ABOUT_PERSON_ZH: &str = "被投诉人";
const ABOUT_UNIT_ZH: &str = "被投诉单位";

/// By what a report is recognised as repeating a matter: a keyed hash of one of the pack's keys.
pub type Key = Vec<u8>;

/// What the judgement stands on, beside the report.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub policy: &'a Policy,
    pub policy_version: i64,
    pub directory: &'a Directory,
    pub contacts: &'a Contacts,
}

/// What a report was judged to be, before its number and its history are known.
pub struct Judged<'a> {
    pub judgement: Judgement<'a>,
    /// Personal declared fields, to be sealed.
    pub personal: Map<String, Value>,
    pub open: Map<String, Value>,
    pub excluded_people: Vec<String>,
    pub excluded_units: Vec<String>,
    pub reasons: Vec<Reason>,
    pub unsorted: bool,
}

/// What the packs need to know of a report.
pub fn facts<'a>(accepted: &'a AcceptedReport, repeated_at: &'a [Timestamp]) -> ReportFacts<'a> {
    let report = &accepted.report;
    ReportFacts {
        unit: &accepted.unit,
        channel: &report.channel,
        producer: &accepted.producer,
        kind: report.kind.as_deref(),
        fields: &report.fields,
        anonymous: report.reporter.anonymous,
        phone: report.reporter.phone.as_deref(),
        email: report.reporter.email.as_deref(),
        at: accepted.received_at,
        repeated_at,
    }
}

/// Judges a report by the packs of its unit. `alone`: why it is unsorted whatever the packs say.
pub fn judge<'a>(ground: &Ground<'a>, accepted: &AcceptedReport, repeated_at: &[Timestamp], alone: Option<&Reason>) -> Judged<'a> {
    let judgement = ground.policy.judge(&facts(accepted, repeated_at));
    let (personal, open) = apart(judgement.kind, &judgement.fields);
    let mut reasons = judgement.reasons.clone();
    let mut unsorted = judgement.unsorted.is_some();
    let mut said = Vec::new();
    let mut doubt = |reason: Reason| {
        unsorted = true;
        reasons.push(reason);
    };
    alone.cloned().into_iter().for_each(&mut doubt);
    // Also of a report that no kind could be found for: whose field is not declared then, but whose secret must be kept all the same.
    let kind = judgement.proposed.unwrap_or(judgement.kind);
    let named = named(ground.directory, ground.contacts, kind, &judgement.fields, &accepted.report.fields);
    named.doubts.into_iter().for_each(&mut doubt);
    for warning in &judgement.warnings {
        let reason = Reason { text: warning.message.clone(), text_zh: warning.message_zh.clone(), article: None };
        match warning.code.as_str() {
            // A value that does not fit somebody must put right; what is only missing is asked for when the case is worked on.
            "bad-field" => doubt(reason),
            "missing-field" => said.push(reason),
            // The packs have made it unsorted for these, and said so among their reasons.
            _ => {}
        }
    }
    reasons.append(&mut said);
    Judged { judgement, personal, open, excluded_people: named.people, excluded_units: named.units, reasons, unsorted }
}

/// Declared fields, the personal ones apart. What names whom the report is about is personal whatever the pack says of it.
pub fn apart(kind: &Kind, fields: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let mut personal = Map::new();
    let mut open = Map::new();
    for (id, value) in fields {
        let is_personal = id == ABOUT_PERSON || kind.field(id).is_none_or(|field| field.personal);
        let place = if is_personal { &mut personal } else { &mut open };
        place.insert(id.clone(), without_nul(value));
    }
    (personal, open)
}

/// A field as a report sent it, by id or title.
fn said_of<'a>(sent: &'a Map<String, Value>, id: &str, title: &str) -> Option<&'a Value> {
    sent.get(id).or_else(|| sent.get(title))
}

/// Whom a report names as complained about: they see nothing of it from now on.
#[derive(Debug, Default)]
pub struct Named {
    pub people: Vec<String>,
    pub units: Vec<String>,
    /// Why somebody should look at it: names that nobody has, or several have.
    pub doubts: Vec<Reason>,
}

/// Whom a report names that comes to a case of this kind. Also by fields that the kind does not declare, or that do not fit.
pub fn named_in(ground: &Ground<'_>, kind: &Kind, unit: &str, accepted: &AcceptedReport) -> Named {
    let declared = fields_as(ground.policy, kind, unit, accepted);
    named(ground.directory, ground.contacts, kind, &declared, &accepted.report.fields)
}

fn named(directory: &Directory, contacts: &Contacts, kind: &Kind, declared: &Map<String, Value>, sent: &Map<String, Value>) -> Named {
    let said = |id: &str, title: &str| declared.get(id).or_else(|| said_of(sent, id, title));
    let (people, doubts) = about_people(directory, contacts, said(ABOUT_PERSON, ABOUT_PERSON_ZH));
    Named { people, units: about_units(directory, kind, said(ABOUT_UNIT, ABOUT_UNIT_ZH)), doubts }
}

/// The people complained about, and why somebody should look at it: nobody of a name, or several.
pub fn about_people(directory: &Directory, contacts: &Contacts, said: Option<&Value>) -> (Vec<String>, Vec<Reason>) {
    let known = |name: &str| match directory.person(name) {
        Some(person) => vec![person.id.clone()],
        None => contacts.named(name).to_vec(),
    };
    let mut people: Vec<String> = Vec::new();
    let mut doubts: Vec<Reason> = Vec::new();
    for name in said.map(|said| names(said, &known)).unwrap_or_default() {
        let found = known(&name);
        if let Some(doubt) = doubt_of(found.len()).filter(|doubt| !doubts.contains(doubt)) {
            doubts.push(doubt);
        }
        people.extend(found);
    }
    people.sort_unstable();
    people.dedup();
    (people, doubts)
}

/// Why somebody should look at a name that so many people have.
fn doubt_of(people: usize) -> Option<Reason> {
    match people {
        1 => None,
        0 => Some(Reason {
            text: "It is about a person whom the directory does not know by that name: say who is meant".to_owned(),
            text_zh: "被投诉人在通讯录中查无此人，请核实".to_owned(),
            article: None,
        }),
        several => Some(Reason {
            text: format!(
                "{several} people have the name of the person complained about; none of them sees it until somebody says who is meant"
            ),
            text_zh: format!("与被投诉人同名者有{several}人，核实前均不可见本案"),
            article: None,
        }),
    }
}

/// The names in what was said: of a list each, of a text that is no name itself its parts (王伟、李娜).
fn names(said: &Value, known: &impl Fn(&str) -> Vec<String>) -> Vec<String> {
    match said {
        Value::String(text) => {
            let whole = text.trim();
            let together: String = whole.split_whitespace().collect();
            if !known(whole).is_empty() {
                vec![whole.to_owned()]
            } else if !known(&together).is_empty() {
                vec![together]
            } else {
                whole.split(parts_names).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            }
        }
        // An id that is a figure.
        Value::Number(number) => vec![number.to_string()],
        Value::Array(several) => several.iter().flat_map(|one| names(one, known)).collect(),
        Value::Object(members) => members.values().flat_map(|one| names(one, known)).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

fn parts_names(c: char) -> bool {
    c.is_whitespace() || matches!(c, '、' | ',' | '，' | ';' | '；')
}

/// Units that do not see the case, those below included: the units complained about, by code or title, where the pack says so.
pub fn about_units(directory: &Directory, kind: &Kind, said: Option<&Value>) -> Vec<String> {
    if kind.about_unit_sees {
        return Vec::new();
    }
    let known = |name: &str| -> Vec<String> {
        directory.units().filter(|unit| unit.code == name || unit.title.says(name)).map(|unit| unit.code.clone()).collect()
    };
    let codes: BTreeSet<String> = said.map(|said| names(said, &known)).unwrap_or_default().iter().flat_map(|name| known(name)).collect();
    let below: BTreeSet<&str> = codes.iter().flat_map(|code| directory.unit_and_below(code)).collect();
    below.into_iter().map(str::to_owned).collect()
}

/// The fields of a report as a kind declares them, for a kind that somebody has chosen: what was sent under no known kind was not read yet.
pub fn fields_as(policy: &Policy, kind: &Kind, unit: &str, accepted: &AcceptedReport) -> Map<String, Value> {
    let facts = ReportFacts { kind: Some(&kind.id), unit, ..facts(accepted, &[]) };
    let judgement = policy.judge(&facts);
    let read_as = judgement.proposed.unwrap_or(judgement.kind);
    if read_as.pack == kind.pack && read_as.id == kind.id { judgement.fields } else { Map::new() }
}

/// Short title of a case: its kind and unit, no personal text.
pub fn title(directory: &Directory, kind: &Kind, unit: &str) -> (String, String) {
    let (en, zh) = directory.unit(unit).map_or((unit, unit), |unit| (unit.title.en.as_str(), unit.title.zh.as_str()));
    (format!("{}, {en}", kind.title.en), format!("{}（{zh}）", kind.title.zh))
}

/// By what the report is recognised as repeating a matter, as keyed hashes: the keys are personal.
pub fn matter_keys(secret: &[u8; 32], judged: &Judged<'_>, accepted: &AcceptedReport) -> Vec<Key> {
    let kind = judged.judgement.kind;
    keys_of(secret, kind, accepted, &judged.judgement.unit, &judged.judgement.fields)
}

/// The same for a kind and unit that somebody has corrected.
pub fn keys_of(secret: &[u8; 32], kind: &Kind, accepted: &AcceptedReport, unit: &str, fields: &Map<String, Value>) -> Vec<Key> {
    if accepted.report.reporter.anonymous {
        return Vec::new();
    }
    let keys = kind.repeat_keys(&facts(accepted, &[]), unit, fields);
    keys.iter().map(|key| keyed_bytes(secret, format!("matter/{}/{key}", kind.pack).as_bytes())[..16].to_vec()).collect()
}

/// A case without a number. Its version is 0 until it is told of.
pub fn draft(ground: &Ground<'_>, judged: &Judged<'_>, accepted: &AcceptedReport, id: Uuid, now: Timestamp) -> Case {
    let report = &accepted.report;
    let judgement = &judged.judgement;
    let (title, title_zh) = title(ground.directory, judgement.kind, &judgement.unit);
    let reporter = &report.reporter;
    let reported_by = if reporter.anonymous {
        None
    } else {
        ground.contacts.reporter(reporter.email.as_deref(), reporter.phone.as_deref()).map(str::to_owned)
    };
    Case {
        id,
        number: String::new(),
        number_scope: String::new(),
        receipt: accepted.receipt,
        pack: judgement.pack.id.clone(),
        kind: judgement.kind.id.clone(),
        unit: judgement.unit.clone(),
        severity: judgement.severity.clone(),
        stage: judgement.stage.clone(),
        channel: report.channel.clone(),
        producer: accepted.producer.clone(),
        title,
        title_zh,
        unsorted: judged.unsorted,
        major: judgement.kind.severity_named(&judgement.severity).is_some_and(|severity| severity.major),
        severity_set: false,
        done: Vec::new(),
        anonymous: reporter.anonymous,
        closed: false,
        outcome: None,
        occurred_at: report.occurred_at.unwrap_or(accepted.received_at),
        received_at: accepted.received_at,
        registered_at: now,
        reported_by,
        handler: None,
        excluded_people: judged.excluded_people.clone(),
        excluded_units: judged.excluded_units.clone(),
        people_added: Vec::new(),
        people_deciding: Vec::new(),
        taken_for_at_close: None,
        fields: judged.open.clone(),
        sealed_fields: None,
        sealed_subject: None,
        // Who would not be known is not to be known by part of his number either.
        phone_masked: reporter.phone.as_deref().filter(|_| !reporter.anonymous).map(mask::number).filter(|masked| !masked.is_empty()),
        repeats: 0,
        repeated_at: Vec::new(),
        returns: 0,
        came_from: None,
        carried_by: None,
        carries: 0,
        reasons: judged.reasons.clone(),
        merged_into: None,
        policy: ground.policy_version,
        version: 0,
        last_event_at: accepted.received_at,
        traceparent: None,
    }
}

/// Whether a severity is more than what a kind's cases have when nothing special is known of them.
pub fn is_classified(kind: &Kind, severity: &str) -> bool {
    kind.severities.last().is_some_and(|ordinary| ordinary.id != severity)
}

/// Postgres keeps no NUL in text.
fn without_nul(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => Value::Array(items.iter().map(without_nul).collect()),
        Value::Object(members) => members.iter().map(|(name, value)| (name.replace('\0', ""), without_nul(value))).collect(),
        other => other.clone(),
    }
}
