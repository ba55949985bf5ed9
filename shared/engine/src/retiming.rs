//! Another due time for a duty that stands. Pure.
//!
//! Its plan is made anew from now on: what was told already is not told again, and alerts of the time before are of an earlier run.

use crate::acts::{Acted, What};
use crate::climb;
use crate::duty::{Duty, State};
use crate::moment::Moment;
use duban_contracts::Timestamp;
use duban_policy::Policy;
use duban_policy::calendar::Calendar;
use duban_policy::ladder::Progress;
use duban_policy::policy::{Retimed, Timed, basis_of};
use serde_json::Value;

/// The calendar that a duty's time counts in.
pub fn calendar_of<'a>(policy: &'a Policy, duty: &Duty) -> &'a Calendar {
    policy.calendar_of_duty(&duty.pack, &duty.rule, &duty.terms.calendar, &duty.facts.unit)
}

/// What a newer event of its subject makes of its time. None: nothing; or the duty has ended, is overdue, or was timed by a newer one.
pub fn by_facts(duty: &Duty, event: &Moment, facts: &Value, policy: &Policy) -> Option<Retimed> {
    let is_newer = duty.opened.subject == event.subject && event.version > duty.opened.version.max(duty.terms.timed_by);
    // What happened after its time moves it no longer, whether or not somebody has noticed that it passed.
    if !is_newer || !stands(duty) || event.at > duty.due_at {
        return None;
    }
    policy.retimed_by(&timed(duty), facts)
}

/// Only what is not overdue yet can be timed anew by what happens; an overdue one is extended by decision.
pub(crate) fn stands(duty: &Duty) -> bool {
    duty.state.is_open() && !duty.shadowed && duty.breached_at.is_none()
}

pub(crate) fn timed(duty: &Duty) -> Timed<'_> {
    Timed {
        pack: &duty.pack,
        rule: &duty.rule,
        unit: &duty.facts.unit,
        opened: duty.opened.at,
        from: duty.terms.counts_from,
        term: duty.terms.term,
        due: duty.settled_due(),
        calendar: &duty.terms.calendar,
    }
}

/// Times it anew, by an event with these facts. Gives what is kept of it.
pub fn retime(duty: &mut Duty, retimed: Retimed, by: &Moment, facts: &Value, now: Timestamp, policy: &Policy) -> Acted {
    let due_before = duty.due_at;
    count_anew(duty, retimed, by.version, now, policy);
    let reason = if facts.get("before").is_some() { "put-right" } else { "date" }.to_owned();
    let due_after = duty.due_at;
    Acted { reason, due_after, ..Acted::of_itself(What::Retimed, by.at, due_before) }
}

fn count_anew(duty: &mut Duty, retimed: Retimed, version: i64, now: Timestamp, policy: &Policy) {
    duty.terms.counts_from = retimed.from;
    duty.terms.term = retimed.term;
    duty.terms.settled_due = Some(retimed.due);
    duty.terms.calendar = retimed.calendar;
    duty.terms.timed_by = duty.terms.timed_by.max(version);
    replan(duty, now, policy);
}

/// Puts due time and plan where its shifts say, and begins another run.
pub(crate) fn replan(duty: &mut Duty, now: Timestamp, policy: &Policy) {
    let calendar = calendar_of(policy, duty);
    let basis = basis_of(duty.terms.term);
    let due = duty.shifts.due(duty.settled_due(), basis, calendar);
    let from = duty.shifts.counted_from(duty.terms.counts_from, basis, calendar);
    duty.terms.settled_due = Some(duty.settled_due());
    duty.terms.plan = policy.plan_for(&Timed { due: duty.due_at, ..timed(duty) }, &duty.terms.plan, from, due, now, calendar);
    duty.due_at = due;
    duty.run += 1;
    duty.progress = Progress::default();
    duty.state = State::Pending;
    duty.next_at = climb::timer(duty, now, calendar);
}

#[cfg(test)]
pub(crate) mod tests;
