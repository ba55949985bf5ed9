//! The events that tell of duties and alerts, numbered and timed.

use crate::acts::Acted;
use crate::alert::Alert;
use crate::duty::{Closing, Duty};
use crate::matter::Change;
use duban_contracts::duty::{DutyActed, DutyEvent};
use duban_contracts::{NewEvent, Timestamp};

const SERVICE: &str = "escalation";

/// An event about a duty, and the duty's next version. `time` is the clock's for what caused it.
pub fn of_duty(duty: &mut Duty, name: &str, time: Timestamp) -> NewEvent {
    duty.version += 1;
    let event = NewEvent::new(SERVICE, name, format!("duty/{}", duty.id), duty.version, time, &duty.told());
    about_case(event, duty).with_traceparent(duty.traceparent.clone())
}

/// An event about what somebody did with a duty, and the duty's next version. Why he did it stays with the duty: a reason may say too much.
pub fn of_act(duty: &mut Duty, acted: &Acted, time: Timestamp) -> NewEvent {
    duty.version += 1;
    let event = NewEvent::new(SERVICE, acted.act.event(), format!("duty/{}", duty.id), duty.version, time, &self::acted(duty, acted));
    about_case(event, duty).with_traceparent(duty.traceparent.clone())
}

/// What is told of a duty with which somebody has done something.
pub fn acted(duty: &Duty, acted: &Acted) -> DutyEvent {
    let told = DutyActed {
        act: acted.act.as_str().to_owned(),
        by: acted.by.clone(),
        until: acted.until,
        person: acted.person.clone(),
        due_before: acted.due_before,
        corrected: acted.corrected.clone(),
    };
    DutyEvent { acted: Some(told), ..duty.told() }
}

/// An event about an alert at its present version.
pub fn of_alert(alert: &Alert, duty: &Duty, name: &str, time: Timestamp) -> NewEvent {
    let event = NewEvent::new(SERVICE, name, format!("alert/{}", alert.id), alert.version, time, &alert.told(duty));
    about_case(event, duty)
}

fn about_case(event: NewEvent, duty: &Duty) -> NewEvent {
    let event = event.with_policy(duty.policy);
    match duty.case {
        Some(case) => event.with_case(case),
        None => event,
    }
}

/// The events that tell of a change, in order.
pub fn names(duty: &Duty, change: Change) -> Vec<&'static str> {
    let is_cancelled = duty.ended.as_ref().is_some_and(|ended| ended.cancelled);
    let ended = if is_cancelled { "duty.cancelled" } else { "duty.closed" };
    match change {
        Change::Opened => vec!["duty.opened"],
        Change::Superseded => vec!["duty.cancelled"],
        Change::Closing(Closing::Ended | Closing::Dated) => vec![ended],
        Change::Closing(Closing::EndedAndDisproved) => vec!["duty.withdrawn", ended],
        Change::Closing(Closing::Disproved) => vec!["duty.withdrawn"],
        Change::Shadowed => Vec::new(),
    }
}
