//! When something happened, and what came before what: the order in which opens and closes belong together, whatever the order in which
//! they are read.

use duban_contracts::{Event, Timestamp};
use uuid::Uuid;

/// Subjects of what comes round by the calendar begin so.
const ROUND: &str = "occurrence/";

/// An event as a point in the order of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub event: Uuid,
    /// `ce-subject`, e.g. `case/<id>`.
    pub subject: String,
    /// Version of the subject after the event.
    pub version: i64,
    pub at: Timestamp,
}

impl Moment {
    pub fn of(event: &Event) -> Self {
        Self { event: event.id, subject: event.about.clone(), version: event.version, at: event.time }
    }

    /// What comes round by the calendar.
    pub fn of_round(id: Uuid, at: Timestamp) -> Self {
        Self { event: id, subject: format!("{ROUND}{id}"), version: 1, at }
    }

    /// Whether `close` ends what was opened now: it happened later, or at once (a tie ends the open). Within a subject its versions
    /// tell, across subjects the times. What one event both ends and opens (a renewal) it ends first, so it never ends its own. What comes
    /// round by the calendar is ended by whatever names its period, also by what was handed in before the period was over.
    pub fn is_ended_by(&self, close: &Self) -> bool {
        if self.event == close.event {
            return false;
        }
        if self.subject.starts_with(ROUND) {
            return true;
        }
        if self.subject == close.subject { self.version <= close.version } else { self.at <= close.at }
    }

    /// Whether this close came before `other`, and so is the one that counts.
    pub fn is_before(&self, other: &Self) -> bool {
        if self.subject == other.subject && self.version != other.version {
            return self.version < other.version;
        }
        (self.at, self.event) < (other.at, other.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(n: u128, subject: &str, version: i64, second: i64) -> Moment {
        Moment { event: Uuid::from_u128(n), subject: subject.into(), version, at: Timestamp::from_second(second).unwrap() }
    }

    #[test]
    fn within_a_subject_versions_tell_and_not_the_clocks() {
        let opened = moment(1, "case/1", 3, 100);
        assert!(opened.is_ended_by(&moment(2, "case/1", 4, 90)));
        assert!(!opened.is_ended_by(&moment(3, "case/1", 2, 110)));
    }

    #[test]
    fn across_subjects_time_tells_and_a_tie_ends_the_open() {
        let opened = moment(1, "case/1", 3, 100);
        assert!(opened.is_ended_by(&moment(2, "loan/1", 1, 100)));
        assert!(!opened.is_ended_by(&moment(3, "loan/1", 9, 99)));
    }

    #[test]
    fn what_comes_round_is_ended_by_what_was_handed_in_before() {
        let round = Moment::of_round(Uuid::from_u128(1), Timestamp::from_second(100).unwrap());
        assert!(round.is_ended_by(&moment(2, "case/1", 1, 40)));
        assert!(!round.is_ended_by(&round.clone()));
    }

    #[test]
    fn a_renewal_does_not_end_what_it_opens() {
        let renewed = moment(1, "loan/1", 3, 100);
        assert!(!renewed.is_ended_by(&renewed.clone()));
    }
}
