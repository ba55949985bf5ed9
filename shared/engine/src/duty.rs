//! A duty (责任事项): its states and moves. Pure: values in, values out.
//!
//! pending → due_soon (reminded) → breached → closed_in_time | closed_late | cancelled. Whether it was closed in time is judged by the
//! closing event's own time, never by when that was read: so a close that is read late can disprove a breach, which is then withdrawn.

use crate::moment::Moment;
use crate::rules::MatterKey;
use crate::shifts::Shifts;
use duban_contracts::Timestamp;
use duban_contracts::duty::DutyEvent;
use duban_policy::calendar::Term;
use duban_policy::ladder::{Plan, Progress, Who};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A duty as kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Duty {
    /// Derived from rule, key and opening event.
    pub id: Uuid,
    pub pack: String,
    pub rule: String,
    pub key: String,
    pub case: Option<Uuid>,
    pub title: String,
    pub title_zh: String,
    /// The post that owes it.
    pub owed_by: String,
    /// The policy set that it was opened under and stays under.
    pub policy: i64,
    /// How many corrections its time follows: see [`crate::correcting`].
    pub corrections: i32,
    /// 1; another where the matter was known to have been opened before. Alerts' ids hang on it: it never changes once told.
    pub run: i32,
    /// Closed by who owes it, not by an event.
    pub by_hand: bool,
    /// Opened while an earlier one of its matter stood: nobody is told of it (see [`crate::matter`]).
    pub shadowed: bool,
    /// Opened because the case is taken for something else now: if it was done before, it is not asked for again.
    pub again: bool,
    /// It runs on trial (试运行): nobody is told of it. See [`crate::trial`].
    pub trial: bool,
    /// The first of those who owe it is a person to whom it was handed over.
    pub is_handed_over: bool,
    /// Its due time is what the public is told of the case.
    pub closes_case: bool,
    pub terms: Terms,
    pub facts: Facts,
    pub opened: Moment,
    /// As its rule says, moved by its [`Shifts`].
    pub due_at: Timestamp,
    pub shifts: Shifts,
    pub ended: Option<Ended>,
    pub breached_at: Option<Timestamp>,
    pub withdrawn_at: Option<Timestamp>,
    pub state: State,
    /// Breached after its time, because nobody could tell in time.
    pub late: bool,
    pub progress: Progress,
    /// The one timer: reminder, breach, rung or repetition.
    pub next_at: Option<Timestamp>,
    /// Trace context of the event that opened it.
    pub traceparent: Option<String>,
    pub version: i64,
}

/// What was settled when a duty was opened. It changes where its time is counted anew, and where it is handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub article: String,
    pub link: String,
    /// The number by which people know the matter, where its opening event carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Who owes it, in order of preference, before people are looked up.
    pub owed: Vec<Who>,
    pub owed_to: Vec<Who>,
    /// Name of the calendar that its plan counts in.
    pub calendar: String,
    pub counts_from: Timestamp,
    /// What its due time was counted by; None for a date in a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Term>,
    /// When its rule says that it is due, once that is no longer `due_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_due: Option<Timestamp>,
    /// The version of its subject by which its time was counted anew; 0: it was not.
    #[serde(default)]
    pub timed_by: i64,
    /// It follows from a duty on trial, and stays on trial whatever becomes of its own rule's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows_trial: bool,
    pub plan: Plan,
}

/// What a subject's events say of where its duties belong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub unit: String,
    /// The person that handles the matter.
    pub handler: Option<String>,
    /// People who never see it.
    pub excluded_people: Vec<String>,
    /// Units that do not see it.
    pub excluded_units: Vec<String>,
    /// People who see it by name, whatever their posts: who reported the matter, decides of it or was added to it.
    pub people_named: Vec<String>,
    /// The subject's version that says so.
    pub version: i64,
}

/// What ended a duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub moment: Moment,
    /// Not done but fallen away.
    pub cancelled: bool,
    /// The person, where closed by hand.
    pub by: Option<String>,
    /// What he says was done.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    DueSoon,
    Breached,
    ClosedInTime,
    ClosedLate,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 6] = [Self::Pending, Self::DueSoon, Self::Breached, Self::ClosedInTime, Self::ClosedLate, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::DueSoon => "due_soon",
            Self::Breached => "breached",
            Self::ClosedInTime => "closed_in_time",
            Self::ClosedLate => "closed_late",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::DueSoon | Self::Breached)
    }
}

/// What a close did to a duty: which events tell of it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It was open; it is ended now.
    Ended,
    /// It was open and counted as breached, and the close shows that it was done in time (or fell away before it was due).
    EndedAndDisproved,
    /// It was ended by a later event; the earlier one counts, and makes no difference to how it ended.
    Dated,
    /// It was ended, late as it seemed; the earlier close shows that it was in time.
    Disproved,
}

impl Duty {
    /// Ends the duty by a close that happened after its opening, or dates its end back to an earlier close. None if nothing changes.
    pub fn end(&mut self, close: &Ended) -> Option<Closing> {
        if !self.opened.is_ended_by(&close.moment) || self.ended.as_ref().is_some_and(|ended| !close.moment.is_before(&ended.moment)) {
            return None;
        }
        let was = self.state;
        self.state = self.judged(close);
        self.ended = Some(close.clone());
        self.next_at = None;
        let is_disproved = self.breached_at.is_some() && self.withdrawn_at.is_none() && !self.is_late_at(close.moment.at);
        if is_disproved {
            self.withdrawn_at = Some(close.moment.at);
        }
        Some(match (was.is_open(), is_disproved) {
            (true, true) => Closing::EndedAndDisproved,
            (true, false) => Closing::Ended,
            (false, true) => Closing::Disproved,
            (false, false) => Closing::Dated,
        })
    }

    /// When it is due by its rule alone.
    pub fn settled_due(&self) -> Timestamp {
        self.terms.settled_due.unwrap_or(self.due_at)
    }

    /// The person to whom it was handed over.
    pub fn handed_to(&self) -> Option<&str> {
        match self.terms.owed.first() {
            Some(Who::Person(person)) if self.is_handed_over => Some(person),
            _ => None,
        }
    }

    /// Rule and key: what it has in common with its closes.
    pub fn matter(&self) -> MatterKey {
        MatterKey { key: self.key.clone(), rule: self.rule.clone(), pack: self.pack.clone() }
    }

    fn judged(&self, close: &Ended) -> State {
        match (close.cancelled, self.is_late_at(close.moment.at)) {
            (true, _) => State::Cancelled,
            (false, true) => State::ClosedLate,
            (false, false) => State::ClosedInTime,
        }
    }

    /// Done at the due time itself is in time; so is what is done while its clock stands still.
    pub(crate) fn is_late_at(&self, at: Timestamp) -> bool {
        at > self.due_at && self.shifts.paused.as_ref().is_none_or(|pause| at < pause.since)
    }

    /// As shown to people: who is complained about is not for everybody who sees the duty.
    pub fn shown(&self) -> DutyEvent {
        DutyEvent { excluded_people: Vec::new(), ..self.told() }
    }

    /// As told to the other services. `excluded_people` travels, so that each of them can keep them out.
    pub fn told(&self) -> DutyEvent {
        DutyEvent {
            duty: self.id,
            rule: self.rule.clone(),
            pack: self.pack.clone(),
            article: self.terms.article.clone(),
            key: self.key.clone(),
            case: self.case,
            title: self.title.clone(),
            title_zh: self.title_zh.clone(),
            link: self.terms.link.clone(),
            unit: self.facts.unit.clone(),
            owed_by: self.owed_by.clone(),
            owed_to: self.terms.owed_to.iter().map(|who| post_of(who).to_owned()).collect(),
            state: self.state.as_str().to_owned(),
            opened_at: self.opened.at,
            due_at: self.due_at,
            closed_at: self.ended.as_ref().map(|ended| ended.moment.at),
            paused_until: self.shifts.paused.as_ref().filter(|_| self.state.is_open()).map(|pause| pause.until),
            handed_to: self.handed_to().map(str::to_owned),
            diverted: None,
            acted: None,
            late: self.late,
            trial: self.trial,
            excluded_people: self.facts.excluded_people.clone(),
            policy: self.policy,
            version: self.version,
        }
    }
}

/// The post that is meant, or what stands for one.
pub fn post_of(who: &Who) -> &str {
    match who {
        Who::Post(post) | Who::Superior(post) | Who::Handler { otherwise: post } => post,
        Who::Person(person) => person,
    }
}
