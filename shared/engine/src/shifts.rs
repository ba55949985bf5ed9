//! What has moved a duty's due time since it was settled: pauses, and an extension. Pure.
//!
//! A pause moves the due time by exactly the time for which it stood still: working time where the duty counts in working time, else time by
//! the clock. Where a duty is timed anew, the pauses that it was granted are kept.

use duban_contracts::Timestamp;
use duban_policy::calendar::{Basis, Calendar, whole_second};
use serde::{Deserialize, Serialize};

/// Moves of a due time, as kept with the duty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shifts {
    /// Ended ones, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Span>,
    /// The one that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<Extension>,
    /// How often somebody urged.
    #[serde(default)]
    pub urged: i32,
    /// When last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urged_at: Option<Timestamp>,
}

/// Time that did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A pause that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// The post or person that is waited for, where it is one of the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// How often that one was reminded.
    #[serde(default)]
    pub reminded: i32,
}

/// A later due time, by decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub at: Timestamp,
    pub to: Timestamp,
}

impl Shifts {
    /// When a duty is due that its rule says is due at `settled`. An extension replaces what the pauses before it had come to.
    pub fn due(&self, settled: Timestamp, basis: Basis, calendar: &Calendar) -> Timestamp {
        let push = |due, pauses: &mut dyn Iterator<Item = &Span>| pauses.fold(due, |due, span| pushed(due, *span, basis, calendar));
        let by_rule = push(settled, &mut self.pauses.iter());
        match self.extended {
            Some(extended) => by_rule.max(push(extended.to, &mut self.pauses.iter().filter(|span| span.from >= extended.at))),
            None => by_rule,
        }
    }

    /// From where shares of the time count: later by what was paused.
    pub fn counted_from(&self, from: Timestamp, basis: Basis, calendar: &Calendar) -> Timestamp {
        self.pauses.iter().fold(from, |from, span| pushed(from, *span, basis, calendar))
    }

    /// Time that did not count so far, the pause that goes on included as if it ended at `until`.
    pub fn paused_time(&self, until: Timestamp, basis: Basis, calendar: &Calendar) -> jiff::SignedDuration {
        let going_on = self.paused.as_ref().map(|pause| Span { from: pause.since, until });
        self.pauses.iter().copied().chain(going_on).map(|span| length(span, basis, calendar)).sum()
    }
}

/// How long a span is, in the time that counts. From whole second to whole second: a pause that was asked for at half past eleven began then,
/// whatever the microsecond in which it was told.
pub fn length(span: Span, basis: Basis, calendar: &Calendar) -> jiff::SignedDuration {
    let (from, until) = (whole_second(span.from), whole_second(span.until));
    match basis {
        Basis::Calendar => until.duration_since(from),
        Basis::Working => calendar.working_between(from, until),
    }
}

/// An instant, later by what a span has of time that counts.
fn pushed(at: Timestamp, span: Span, basis: Basis, calendar: &Calendar) -> Timestamp {
    let by = length(span, basis, calendar);
    match basis {
        _ if by <= jiff::SignedDuration::ZERO => at,
        Basis::Calendar => at.checked_add(by).unwrap_or(Timestamp::MAX),
        Basis::Working => calendar.after_working(whole_second(at), by).at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_policy::Title;
    use duban_policy::calendar::Hours;
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn office() -> Calendar {
        let day = vec![Hours { from: 9 * 60, to: 12 * 60 }, Hours { from: 13 * 60, to: 18 * 60 }];
        Calendar {
            name: "office".into(),
            title: Title::new("办公", "Office"),
            zone: TimeZone::UTC,
            weekly: std::array::from_fn(|day_of_week| if day_of_week < 5 { day.clone() } else { Vec::new() }),
            holidays: BTreeSet::new(),
            special: BTreeMap::new(),
        }
    }

    /// Minutes after Monday 2 March 2026, 00:00.
    fn minute(count: i64) -> Timestamp {
        Timestamp::from_second(1_772_409_600 + count * 60).unwrap()
    }

    proptest! {
        /// The working time between now and due is the same after a pause as before it, wherever the pause began and ended.
        #[test]
        fn a_pause_takes_nothing_from_the_time_that_is_left(began in 0_i64..5_000, lasted in 0_i64..9_000, left in 1_i64..4_000) {
            let calendar = office();
            let (from, until) = (minute(began), minute(began + lasted));
            let due = calendar.after_working(from, SignedDuration::from_mins(left)).at;
            let shifts = Shifts { pauses: vec![Span { from, until }], ..Shifts::default() };
            let moved = shifts.due(due, Basis::Working, &calendar);
            prop_assert_eq!(calendar.working_between(until, moved), calendar.working_between(from, due));
        }

        #[test]
        fn two_pauses_that_follow_each_other_are_one(began in 0_i64..5_000, first in 0_i64..3_000, second in 0_i64..3_000, due in 5_000_i64..9_000) {
            let calendar = office();
            let spans = |ends: &[i64]| Shifts {
                pauses: ends.windows(2).map(|pair| Span { from: minute(pair[0]), until: minute(pair[1]) }).collect(),
                ..Shifts::default()
            };
            let apart = spans(&[began, began + first, began + first + second]);
            let whole = spans(&[began, began + first + second]);
            for basis in [Basis::Working, Basis::Calendar] {
                prop_assert_eq!(apart.due(minute(due), basis, &calendar), whole.due(minute(due), basis, &calendar));
            }
        }
    }

    #[test]
    fn an_extension_counts_from_itself_and_is_never_earlier_than_the_rule() {
        let calendar = office();
        let early = Span { from: minute(10), until: minute(70) };
        let late = Span { from: minute(500), until: minute(530) };
        let extended = Some(Extension { at: minute(400), to: minute(1_000) });
        let shifts = Shifts { pauses: vec![early, late], extended, ..Shifts::default() };
        assert_eq!(shifts.due(minute(600), Basis::Calendar, &calendar), minute(1_030));
        assert_eq!(shifts.due(minute(2_000), Basis::Calendar, &calendar), minute(2_090));
    }
}
