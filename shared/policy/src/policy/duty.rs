//! Duties: which events open and close them, what they say, by when they are due and who is told.

use super::Policy;
use super::kind::Actor;
use super::template::Template;
use crate::Title;
use crate::calendar::{Duration, Term};
use crate::condition::Condition;
use crate::ladder::{Plan, Who};
use duban_contracts::Timestamp;
use serde_json::Value;

/// A rule that makes a duty, compiled.
#[derive(Debug, Clone)]
pub struct DutyRule {
    pub pack: String,
    pub id: String,
    pub article: String,
    /// Rule ids of regulations.md that it carries.
    pub rules: Vec<String>,
    pub title_zh: Template,
    pub title_en: Template,
    pub link: Template,
    pub opens: Vec<Trigger>,
    pub closes: Vec<Trigger>,
    /// Cancels without having been done.
    pub cancels: Vec<Trigger>,
    pub key: Template,
    /// In order of preference: the first that somebody can be found for owes it.
    pub owed_by: Vec<Actor>,
    pub owed_to: Vec<Actor>,
    pub within: Vec<When>,
    /// Event member with the instant from which time counts; None: the event's own time.
    pub from: Option<String>,
    /// Overrides the unit's calendar.
    pub calendar: Option<String>,
    pub remind: Vec<Reminder>,
    pub ladder: Option<String>,
    /// Words of what the source leaves open, shown with every explanation: parameter names used.
    pub parameters: Vec<String>,
}

/// An event that starts or ends something, where its condition holds.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub event: String,
    pub when: Option<Condition>,
    /// Also sees events of cases that are under other packs.
    pub any_pack: bool,
    /// Key of its own, where the closing event names the matter otherwise.
    pub key: Option<Template>,
}

/// A term, where its condition holds; the first that holds counts.
#[derive(Debug, Clone)]
pub struct When {
    pub when: Option<Condition>,
    pub term: TermSource,
}

/// Where a term comes from.
#[derive(Debug, Clone)]
pub enum TermSource {
    Fixed(Term),
    /// A parameter of the pack; the organisation may override it, also per unit.
    Parameter(String),
    /// The event's field holds the date (its end) or instant; otherwise the term.
    Field {
        field: String,
        otherwise: Box<TermSource>,
    },
}

#[derive(Debug, Clone)]
pub enum Reminder {
    /// So long before due.
    Before(Duration),
    /// After so many hundredths of the period.
    Share(u8),
}

/// An event as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct EventFacts<'a> {
    /// `case.registered`.
    pub name: &'a str,
    /// `ce-time`.
    pub time: Timestamp,
    /// The event's body. Members `pack` and `unit` decide whose rules see it.
    pub facts: &'a Value,
}

/// A duty to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedDuty {
    pub pack: String,
    pub rule: String,
    pub article: String,
    pub key: String,
    pub title: Title,
    pub link: String,
    pub unit: String,
    /// In order of preference; the first resolves or the next counts.
    pub owed_by: Vec<Who>,
    pub owed_to: Vec<Who>,
    /// From when its time counts.
    pub from: Timestamp,
    pub due: Timestamp,
    /// Name of the calendar that its plan counts in.
    pub calendar: String,
    pub plan: Plan,
}

/// A duty to be closed (or cancelled): all open ones of this rule and key that were opened before the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedDuty {
    pub pack: String,
    pub rule: String,
    pub key: String,
    /// Not done but fallen away.
    pub cancelled: bool,
}

impl Policy {
    /// The duties that an event opens, with due times, reminders and rungs.
    pub fn duties_opened(&self, event: &EventFacts<'_>) -> Vec<OpenedDuty> {
        let _ = event;
        todo!()
    }

    /// The duties that an event closes.
    pub fn duties_closed(&self, event: &EventFacts<'_>) -> Vec<ClosedDuty> {
        let _ = event;
        todo!()
    }

    /// True if no rule listens to this event: nothing to do for escalation.
    pub fn ignores(&self, event: &str) -> bool {
        let _ = event;
        todo!()
    }

    pub fn duty_rule(&self, pack: &str, rule: &str) -> Option<&DutyRule> {
        let _ = (pack, rule);
        todo!()
    }
}
