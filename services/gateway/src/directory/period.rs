//! A time for which an absence or a delegation is set: checked, and ended before its time.

use duban_contracts::problem::{Sentence, both};
use duban_contracts::{FieldError, Timestamp};
use jiff::{SignedDuration, Timestamp as Instant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far back it may begin: who forgot to say so this morning says it at noon.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// Longest that can be meant.
const LONGEST: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

/// From `from` up to `until`; without it, until further notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

/// Where a period stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Upcoming,
    Current,
    Ended,
    /// Taken back before it began.
    Withdrawn,
}

impl Period {
    /// As asked for: without `from`, it begins now. Whole seconds, so that copies whose clocks differ by less agree.
    pub fn asked(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Self {
        Self { from: whole_second(from.unwrap_or(now)), until: until.map(whole_second) }
    }

    /// What is wrong with it.
    pub fn faults(&self, now: Timestamp) -> Vec<FieldError> {
        let mut faults = Vec::new();
        if self.from < now.saturating_sub(BACK).unwrap_or(Instant::MIN) {
            faults.push(fault(
                "/from",
                both("早于一天之前", "it lies more than a day back"),
                both("应为将来的时间；留空表示从现在起", "a time to come, or none for now"),
            ));
        }
        match self.until {
            Some(until) if until <= self.from => faults.push(fault(
                "/until",
                both("不晚于开始时间", "it is not after the beginning"),
                both("应晚于开始时间", "a time after `from`"),
            )),
            Some(until) if until <= now => {
                faults.push(fault("/until", both("已经过去", "it is over already"), both("应为将来的时间", "a time to come")))
            }
            Some(until) if until.duration_since(self.from) > LONGEST => {
                faults.push(fault(
                    "/until",
                    both("距开始超过两年", "it is more than two years after the beginning"),
                    both("不超过两年", "at most two years"),
                ));
            }
            _ => {}
        }
        faults
    }

    pub fn overlaps(&self, from: Timestamp, until: Option<Timestamp>) -> bool {
        until.is_none_or(|until| self.from < until) && self.until.is_none_or(|end| from < end)
    }

    pub fn state(&self, withdrawn: bool, now: Timestamp) -> State {
        match (withdrawn, now < self.from, self.until.is_some_and(|until| until <= now)) {
            (true, ..) => State::Withdrawn,
            (false, true, _) => State::Upcoming,
            (false, false, true) => State::Ended,
            (false, false, false) => State::Current,
        }
    }
}

pub fn fault(field: &str, wrong: Sentence, expected: Sentence) -> FieldError {
    FieldError::new(field, wrong, expected)
}

pub fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_microsecond().div_euclid(1_000_000)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_that_cannot_be_meant_names_its_field() {
        let now = at("2026-03-02T01:00:00.7Z");
        let wrong = |from: Option<&str>, until: Option<&str>| {
            let faults = Period::asked(from.map(at), until.map(at), now).faults(now);
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(wrong(None, None), [""; 0]);
        assert_eq!(wrong(None, Some("2026-03-09T01:00:00Z")), [""; 0]);
        assert_eq!(wrong(Some("2026-03-01T02:00:00Z"), Some("2026-03-09T01:00:00Z")), [""; 0]);
        assert_eq!(wrong(Some("2026-02-28T02:00:00Z"), Some("2026-03-09T01:00:00Z")), ["/from"]);
        assert_eq!(wrong(Some("2026-03-05T01:00:00Z"), Some("2026-03-05T01:00:00Z")), ["/until"]);
        assert_eq!(wrong(Some("2026-03-02T00:00:00Z"), Some("2026-03-02T00:30:00Z")), ["/until"]);
        assert_eq!(wrong(None, Some("2029-03-02T01:00:00Z")), ["/until"]);
    }

    #[test]
    fn periods_that_touch_do_not_overlap() {
        let first = Period { from: at("2026-03-02T01:00:00Z"), until: Some(at("2026-03-03T01:00:00Z")) };
        assert!(!first.overlaps(at("2026-03-03T01:00:00Z"), None) && !first.overlaps(at("2026-03-01T01:00:00Z"), Some(first.from)));
        assert!(first.overlaps(at("2026-03-03T00:59:59Z"), None) && first.overlaps(at("2026-03-01T01:00:00Z"), None));
        let open = Period { from: first.from, until: None };
        assert!(open.overlaps(at("2027-03-02T01:00:00Z"), Some(at("2027-03-03T01:00:00Z"))));
    }
}
