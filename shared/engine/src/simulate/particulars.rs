//! What a line of the timeline says besides what happened when: read from the events' own bodies, so that what services have told can be held
//! against it.

use crate::acts::What;
use duban_contracts::Timestamp;
use duban_contracts::alert::{AlertEvent, Recipient};
use duban_contracts::duty::DutyEvent;
use duban_policy::ladder::Sort;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Of any event of a case, a duty or an alert, by its name (`duty.opened`) and body; nothing of others, and of bodies that are none of theirs.
pub fn particulars(event: &str, body: &Value, zone: &TimeZone) -> String {
    match event.split_once('.') {
        Some(("case", _)) => of_case(body),
        Some(("duty", _)) => serde_json::from_value(body.clone()).map(|duty| of_duty(event, &duty, zone)).unwrap_or_default(),
        Some(("alert", _)) => serde_json::from_value(body.clone()).map(|alert| of_any_alert(event, &alert)).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Where a case stands after an event.
pub(super) fn of_case(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut says = format!("{} · {} · {}", text("kind"), text("stage"), text("severity"));
    if body.get("unsorted").and_then(Value::as_bool) == Some(true) {
        says.push_str(" · unsorted");
    }
    match body.get("returns").and_then(Value::as_i64) {
        None | Some(0) => {}
        Some(returns) => says.push_str(&format!(" · returned {returns}")),
    }
    if let Some(carries) = body.get("carries").and_then(Value::as_i64).filter(|carries| *carries > 0) {
        says.push_str(&format!(" · carries {carries}"));
    }
    match body.pointer("/step/by").and_then(Value::as_str).unwrap_or_default() {
        "" => says,
        by => format!("{says} · by {by}"),
    }
}

/// When a duty is due and who owes it, how it ended, or what was done with it.
pub(super) fn of_duty(event: &str, duty: &DutyEvent, zone: &TimeZone) -> String {
    let due = || format!("due {}", wall(duty.due_at, zone));
    let Some(acted) = &duty.acted else {
        return match event {
            "duty.opened" if duty.trial => format!("{} · {} · on trial", due(), duty.owed_by),
            "duty.opened" => format!("{} · {}", due(), duty.owed_by),
            "duty.closed" => duty.state.clone(),
            _ => String::new(),
        };
    };
    let says = match (What::named(&acted.act), acted.until, &acted.person) {
        (Some(What::Paused), Some(until), _) => format!("until {}", wall(until, zone)),
        (Some(What::Resumed | What::Extended), ..) => due(),
        (Some(What::Retimed), ..) => format!("{} · {}", due(), duty.owed_by),
        (Some(What::HandedOver), _, Some(person)) => format!("to {person}"),
        _ => String::new(),
    };
    let by = acted.by.iter().map(|by| format!("by {by}"));
    Some(says).into_iter().filter(|says| !says.is_empty()).chain(by).collect::<Vec<_>>().join(" · ")
}

/// One that ended with the others of its rung does not say who acknowledged those.
fn of_any_alert(event: &str, alert: &AlertEvent) -> String {
    match event {
        "alert.acknowledged" => acknowledged(alert, alert.acknowledgements.last().map(|last| last.person.as_str())),
        _ => of_alert(alert),
    }
}

/// Which rung it is of and who acknowledged it.
pub(super) fn acknowledged(alert: &AlertEvent, by: Option<&str>) -> String {
    by.map_or_else(|| which(alert), |by| format!("{} by {by}", which(alert)))
}

/// Which rung it is of and who is told.
pub(super) fn of_alert(alert: &AlertEvent) -> String {
    let of = |recipient: &Recipient| {
        let how = if recipient.how == "direct" { String::new() } else { format!("({})", recipient.how) };
        [recipient.post.as_str(), &recipient.person, &how].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let people = alert.recipients.iter().map(of).collect::<Vec<_>>().join(", ");
    if alert.trial { format!("{} would go → {people}", which(alert)) } else { format!("{} → {people}", which(alert)) }
}

/// Which rung an alert is of, and the how manieth time.
fn which(alert: &AlertEvent) -> String {
    let which = match alert.rung {
        ..0 if alert.sort == Sort::Awaited.as_str() => "waited for".to_owned(),
        ..0 => "reminder".to_owned(),
        0 => "urging".to_owned(),
        rung => format!("rung {rung}"),
    };
    if alert.repetition > 0 { format!("{which} again {}", alert.repetition) } else { which }
}

fn wall(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
