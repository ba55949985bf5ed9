//! A case: what a report is registered as, and how it tells others of itself.

use duban_contracts::case::{Before, CaseActed, CaseEvent, Reason, Step};
use duban_contracts::{NewEvent, Timestamp, ids, subjects::service};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A case as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub id: Uuid,
    pub number: String,
    /// The number's pattern with everything but its sequence filled in; numbers are unique within it.
    pub number_scope: String,
    /// Of the report that opened it.
    pub receipt: Uuid,
    pub pack: String,
    pub kind: String,
    pub unit: String,
    pub severity: String,
    pub stage: String,
    pub channel: String,
    pub producer: String,
    pub title: String,
    pub title_zh: String,
    pub unsorted: bool,
    /// Its severity is one that the pack marks as major.
    pub major: bool,
    /// A person has set the severity: it is not judged anew.
    pub severity_set: bool,
    /// Steps made since it was opened or reopened.
    pub done: Vec<String>,
    pub anonymous: bool,
    pub closed: bool,
    pub outcome: Option<String>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub registered_at: Timestamp,
    /// Who reported it, where the directory knows the reporter.
    pub reported_by: Option<String>,
    pub handler: Option<String>,
    /// People complained about.
    pub excluded_people: Vec<String>,
    /// Units complained about, where the pack says that they do not see it.
    pub excluded_units: Vec<String>,
    /// People who were added to it by name.
    pub people_added: Vec<String>,
    /// People who decide of it; they see it until it is closed.
    pub people_deciding: Vec<String>,
    /// What it was taken for at its close, where that was put right since: told when it is opened again.
    pub taken_for_at_close: Option<Before>,
    pub fields: Map<String, Value>,
    /// Personal fields and subject, sealed.
    pub sealed_fields: Option<Vec<u8>>,
    pub sealed_subject: Option<Vec<u8>>,
    pub phone_masked: Option<String>,
    /// How many earlier reports of the same matter stand within the pack's window.
    pub repeats: i64,
    /// When those were received, in order; empty in a case from before this was kept.
    pub repeated_at: Vec<Timestamp>,
    /// How often it was returned (退回) since it was opened or reopened.
    pub returns: i64,
    /// The unit from which a correction last took it to where it is: to there it goes when it is returned to whoever sorts.
    pub came_from: Option<String>,
    /// The master case that it is attached to.
    pub carried_by: Option<Uuid>,
    /// How many cases are attached to it.
    pub carries: i64,
    pub reasons: Vec<Reason>,
    pub merged_into: Option<Uuid>,
    pub policy: i64,
    pub version: i64,
    /// `ce-time` of its latest event.
    pub last_event_at: Timestamp,
    /// The trace that its report came with.
    pub traceparent: Option<String>,
}

/// Gives an event a time, later than that of its cause and than any that was given before: the clock's part.
pub type Stamp<'a> = &'a dyn Fn(Timestamp) -> Timestamp;

/// What a timeline says of an act.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub text: String,
    pub text_zh: String,
    /// Free text of the person who acts; kept sealed.
    pub note: Option<String>,
    pub article: Option<String>,
}

impl Words {
    pub fn new(text: impl Into<String>, text_zh: impl Into<String>) -> Self {
        Self { text: text.into(), text_zh: text_zh.into(), note: None, article: None }
    }

    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub fn citing(mut self, article: Option<String>) -> Self {
        self.article = article.filter(|article| !article.is_empty());
        self
    }
}

/// Something that was told of a case: the event, and what its timeline says.
#[derive(Debug, Clone)]
pub struct Told {
    pub event: NewEvent,
    pub words: Words,
    /// The other case that it is about.
    pub other: Option<Uuid>,
}

/// What an event adds to the case's own state.
#[derive(Debug, Clone, Default)]
pub struct Happening {
    pub step: Option<Step>,
    pub other: Option<Uuid>,
    pub receipt: Option<Uuid>,
    /// What it was taken for until now.
    pub before: Option<Before>,
    /// What had happened to it while it stood for itself.
    pub happened: Vec<String>,
}

impl Case {
    /// What its sealed parts are bound to.
    pub fn about(&self) -> String {
        format!("case/{}", self.id)
    }

    /// From now on these people and units see nothing of it, beside those who did not before; a handler among them handles it no longer.
    pub fn keep_out(&mut self, people: &[String], units: &[String]) {
        for (out, more) in [(&mut self.excluded_people, people), (&mut self.excluded_units, units)] {
            for one in more {
                if !out.contains(one) {
                    out.push(one.clone());
                }
            }
        }
        if self.handler.as_ref().is_some_and(|handler| self.excluded_people.contains(handler)) {
            self.handler = None;
        }
    }

    /// Somebody should look at this; said once, however often it comes up.
    pub fn doubt(&mut self, reasons: impl IntoIterator<Item = Reason>) {
        for reason in reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }

    /// The body of an event as the case now stands.
    pub fn body(&self, happening: Happening) -> CaseEvent {
        CaseEvent {
            case: self.id,
            number: self.number.clone(),
            pack: self.pack.clone(),
            kind: self.kind.clone(),
            unit: self.unit.clone(),
            severity: self.severity.clone(),
            stage: self.stage.clone(),
            channel: self.channel.clone(),
            producer: self.producer.clone(),
            title: self.title.clone(),
            title_zh: self.title_zh.clone(),
            unsorted: self.unsorted,
            anonymous: self.anonymous,
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            registered_at: self.registered_at,
            handler: self.handler.clone(),
            excluded_people: self.excluded_people.clone(),
            excluded_units: self.excluded_units.clone(),
            people_named: self.people_named(),
            fields: self.fields.clone(),
            repeats: self.repeats,
            repeated_at: self.repeated_at.clone(),
            returns: self.returns,
            carried_by: self.carried_by,
            carries: self.carries,
            happened: happening.happened,
            step: happening.step,
            other: happening.other,
            receipt: happening.receipt,
            before: happening.before,
            outcome: self.outcome.clone(),
            policy: self.policy,
            version: self.version,
        }
    }

    /// Something happened: the next version, at a time later than its cause, the case's last event and whatever this service gave before.
    ///
    /// `happened` is the last token of the event's name. Call it after the state was changed: the event carries the state as it is now.
    pub fn tell(&mut self, stamp: Stamp<'_>, cause: Timestamp, happened: &str, happening: Happening) -> NewEvent {
        self.version += 1;
        self.last_event_at = stamp(cause.max(self.last_event_at));
        NewEvent::new(service::INTAKE, &format!("case.{happened}"), self.about(), self.version, self.last_event_at, &self.body(happening))
            .with_id(ids::fresh())
            .with_policy(self.policy)
            .with_case(self.id)
    }

    /// The same with the words of its timeline.
    pub fn tell_in_words(&mut self, stamp: Stamp<'_>, cause: Timestamp, happened: &str, words: Words, happening: Happening) -> Told {
        let other = happening.other;
        Told { event: self.tell(stamp, cause, happened, happening), words, other }
    }

    /// Who sees it by name beside its handler, each once.
    fn people_named(&self) -> Vec<String> {
        let mut named: Vec<String> = self.reported_by.iter().chain(&self.people_added).chain(&self.people_deciding).cloned().collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// What it is taken for, to be told when that changes.
    pub fn taken_for(&self) -> Before {
        Before {
            pack: self.pack.clone(),
            kind: self.kind.clone(),
            severity: self.severity.clone(),
            unsorted: self.unsorted,
            unit: self.unit.clone(),
            stage: self.stage.clone(),
            repeats: self.repeats,
            repeated_at: self.repeated_at.clone(),
            fields: self.fields.clone(),
        }
    }

    /// It repeats reports that were received at these times, in any order.
    pub fn repeats_those_of(&mut self, mut received_at: Vec<Timestamp>) {
        received_at.sort_unstable();
        self.repeats = i64::try_from(received_at.len()).unwrap_or(i64::MAX);
        self.repeated_at = received_at;
    }

    /// The answer to an act.
    pub fn acted(&self) -> CaseActed {
        CaseActed { case: self.id, number: self.number.clone(), stage: self.stage.clone(), version: self.version }
    }
}
