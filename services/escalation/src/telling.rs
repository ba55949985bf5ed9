//! The events that tell of duties and alerts, numbered and timed.

use crate::alert::Alert;
use crate::duty::Duty;
use duban_contracts::{NewEvent, Timestamp};

const SERVICE: &str = "escalation";

/// An event about a duty, and the duty's next version. `time` is the clock's for what caused it.
pub fn of_duty(duty: &mut Duty, name: &str, time: Timestamp) -> NewEvent {
    duty.version += 1;
    let event = NewEvent::new(SERVICE, name, format!("duty/{}", duty.id), duty.version, time, &duty.shown());
    about_case(event, duty).with_traceparent(duty.traceparent.clone())
}

/// An event about an alert at its present version.
pub fn of_alert(alert: &Alert, duty: &Duty, name: &str, time: Timestamp) -> NewEvent {
    let event = NewEvent::new(SERVICE, name, format!("alert/{}", alert.id), alert.version, time, &alert.shown(duty));
    about_case(event, duty)
}

fn about_case(event: NewEvent, duty: &Duty) -> NewEvent {
    let event = event.with_policy(duty.policy);
    match duty.case {
        Some(case) => event.with_case(case),
        None => event,
    }
}
