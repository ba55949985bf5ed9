//! An alert (督办通知): one raised rung, open until acknowledged or until its duty is closed. Pure.

use crate::climb::Rung;
use crate::duty::Duty;
use duban_contracts::alert::{Acknowledgement, AlertEvent, Recipient};
use duban_contracts::duty::NextRung;
use duban_contracts::{Timestamp, ids};
use duban_policy::directory::Directory;
use std::collections::BTreeSet;
use uuid::Uuid;

/// An alert as kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Derived from duty, run, rung and repetition: whoever raises it, it is the same one.
    pub id: Uuid,
    pub duty: Uuid,
    pub run: i32,
    pub rung: i32,
    pub repetition: i32,
    pub sort: String,
    /// `any` or `all`.
    pub until: String,
    pub urgent: bool,
    pub recipients: Vec<Recipient>,
    pub next: Option<NextRung>,
    pub late: bool,
    /// Its duty was on trial when it was raised: nobody was told.
    pub trial: bool,
    pub state: State,
    pub due_at: Timestamp,
    pub raised_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub acknowledgements: Vec<Acknowledgement>,
    pub version: i64,
    /// Trace context of its raising, which an acknowledgement links back to.
    pub traceparent: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Acknowledged,
    Closed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Acknowledged, Self::Closed].into_iter().find(|state| state.as_str() == name)
    }
}

impl Alert {
    /// A rung as raised now.
    pub fn raised(duty: &Duty, rung: &Rung, recipients: Vec<Recipient>, at: Timestamp) -> Self {
        Self {
            id: ids::derived("alert", &[&duty.id.to_string(), &duty.run.to_string(), &rung.rung.to_string(), &rung.repetition.to_string()]),
            duty: duty.id,
            run: duty.run,
            rung: rung.rung,
            repetition: rung.repetition,
            sort: rung.sort.as_str().to_owned(),
            until: rung.until.as_str().to_owned(),
            urgent: rung.urgent,
            recipients,
            next: None,
            late: rung.late,
            trial: duty.trial,
            state: State::Open,
            due_at: duty.due_at,
            raised_at: at,
            ended_at: None,
            acknowledgements: Vec::new(),
            version: 1,
            traceparent: None,
        }
    }

    pub fn is_recipient(&self, person: &str) -> bool {
        self.recipients.iter().any(|recipient| recipient.person == person)
    }

    /// Whether a person stands in for a recipient now: acts for the post as which that one was told.
    pub fn is_deputy(&self, directory: &Directory, person: &str, excluded: &[String], at: Timestamp) -> bool {
        self.recipients.iter().any(|recipient| directory.acts_for(person, &recipient.post, &recipient.unit, at, excluded))
    }

    /// Whether its rung is acknowledged as it asks, by these people: by anybody who may, or by all who were told, each himself or by one
    /// who acts for the same post.
    pub fn is_satisfied_by(&self, people: &BTreeSet<String>, directory: &Directory, excluded: &[String], at: Timestamp) -> bool {
        if self.until != "all" {
            return !people.is_empty();
        }
        let is_answered = |recipient: &Recipient| {
            let stands_in = |person: &String| directory.acts_for(person, &recipient.post, &recipient.unit, at, excluded);
            people.contains(&recipient.person) || people.iter().any(|person| !self.is_recipient(person) && stands_in(person))
        };
        !people.is_empty() && self.recipients.iter().all(is_answered)
    }

    /// As shown to people: who is complained about is not for everybody who sees the alert. What was acknowledged, and is done by now, is settled.
    pub fn shown(&self, duty: &Duty) -> AlertEvent {
        let state = if duty.state.is_open() { self.state } else { State::Closed };
        AlertEvent { excluded_people: Vec::new(), state: state.as_str().to_owned(), ..self.told(duty) }
    }

    /// As told to the other services, which keep those out who are complained about.
    pub fn told(&self, duty: &Duty) -> AlertEvent {
        AlertEvent {
            alert: self.id,
            duty: duty.id,
            rule: duty.rule.clone(),
            pack: duty.pack.clone(),
            article: duty.terms.article.clone(),
            key: duty.key.clone(),
            case: duty.case,
            title: duty.title.clone(),
            title_zh: duty.title_zh.clone(),
            link: duty.terms.link.clone(),
            unit: duty.facts.unit.clone(),
            owed_by: duty.owed_by.clone(),
            sort: self.sort.clone(),
            run: self.run,
            rung: self.rung,
            repetition: self.repetition,
            recipients: self.recipients.clone(),
            until: self.until.clone(),
            urgent: self.urgent,
            due_at: self.due_at,
            raised_at: self.raised_at,
            late: self.late,
            trial: self.trial,
            next: self.next.clone(),
            state: self.state.as_str().to_owned(),
            acknowledgements: self.acknowledgements.clone(),
            policy: duty.policy,
            excluded_people: duty.facts.excluded_people.clone(),
            version: self.version,
        }
    }
}
