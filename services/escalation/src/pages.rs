//! A case's duties with their alerts, cut into pages that fit into a message of the broker. Pure.
//!
//! A duty that nobody does may be alerted of thousands of times, so a page may end within a duty: the next one goes on with its alerts.

use duban_contracts::{Problem, both};
use duban_engine::alert::Alert;
use duban_engine::duty::Duty;
use std::fmt;
use uuid::Uuid;

/// Alerts that are read for a page.
pub const MOST: i64 = 1_000;

/// Bytes of a page, as JSON. The broker takes a megabyte, and what stands around it needs room.
const BYTES: usize = 600_000;

/// Where a page ended: with a duty, or with one of its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub duty: Uuid,
    pub alert: Option<Uuid>,
}

impl Place {
    /// Reads what an earlier answer gave as its `next`.
    ///
    /// # Errors
    /// It is none, told of the field `pointer`.
    pub fn read(text: &str, pointer: &str) -> Result<Self, Problem> {
        let read = || match text.split_once('.') {
            Some((duty, alert)) => Some(Self { duty: duty.parse().ok()?, alert: Some(alert.parse().ok()?) }),
            None => Some(Self { duty: text.parse().ok()?, alert: None }),
        };
        read().ok_or_else(|| {
            Problem::invalid_field(
                pointer,
                both("不是上一页的结尾", "It is not where a page ended"),
                both("上一次答复的 next", "the `next` of an earlier answer"),
            )
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alert {
            Some(alert) => write!(out, "{}.{alert}", self.duty),
            None => write!(out, "{}", self.duty),
        }
    }
}

/// A duty on a page, with those of its alerts that are on it too.
#[derive(Debug, PartialEq)]
pub struct Part<'a> {
    pub duty: &'a Duty,
    /// False where an earlier page had the duty and some of its alerts.
    pub is_first: bool,
    pub alerts: Vec<&'a Alert>,
}

/// One page.
#[derive(Debug, PartialEq)]
pub struct Page<'a> {
    pub parts: Vec<Part<'a>>,
    pub next: Option<Place>,
}

/// The duties that are still to be given after `place`, in their order.
pub fn rest(duties: &[Duty], place: Option<Place>) -> &[Duty] {
    let Some(place) = place else { return duties };
    let Some(at) = duties.iter().position(|duty| duty.id == place.duty) else { return &[] };
    // A duty that a page ended in is gone on with.
    duties.get(at + usize::from(place.alert.is_none())..).unwrap_or_default()
}

/// A page of these duties, the first of which is gone on with if the page before ended within it. `alerts` are theirs, in the same order,
/// at most [`MOST`] of them.
pub fn page<'a>(duties: &'a [Duty], alerts: &'a [Alert], place: Option<Place>) -> Page<'a> {
    let is_cut = i64::try_from(alerts.len()).is_ok_and(|count| count >= MOST);
    // There may be more behind it, which is not known here.
    let last_known = alerts.last().filter(|_| is_cut).map(|alert| alert.id);
    let mut page = Page { parts: Vec::new(), next: None };
    let mut room = BYTES;
    for duty in duties {
        let needed = of_duty(duty);
        if needed > room && !page.parts.is_empty() {
            return page;
        }
        room = room.saturating_sub(needed);
        let mut part = Part { duty, is_first: place.is_none_or(|place| place.duty != duty.id), alerts: Vec::new() };
        for alert in alerts.iter().filter(|alert| alert.duty == duty.id) {
            let needed = of_alert(alert, duty);
            // A duty that is begun has at least one of its alerts with it, so that the next page can go on from there.
            if needed > room && !part.alerts.is_empty() {
                page.parts.push(part);
                return page;
            }
            room = room.saturating_sub(needed);
            part.alerts.push(alert);
            page.next = Some(Place { duty: duty.id, alert: Some(alert.id) });
            if last_known == Some(alert.id) {
                page.parts.push(part);
                return page;
            }
        }
        if part.is_first || !part.alerts.is_empty() {
            page.parts.push(part);
        }
        page.next = Some(Place { duty: duty.id, alert: None });
    }
    page.next = None;
    page
}

/// Generous: a page shows it as it is and as entries of a timeline.
fn of_duty(duty: &Duty) -> usize {
    let note = duty.ended.as_ref().and_then(|ended| ended.note.as_ref()).map_or(0, String::len);
    length(&duty.shown()) + 2 * note + 2_000
}

fn of_alert(alert: &Alert, duty: &Duty) -> usize {
    length(&alert.shown(duty)) + 500 * (1 + alert.acknowledgements.len())
}

fn length(shown: &impl serde::Serialize) -> usize {
    serde_json::to_vec(shown).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests;
