//! Another due time for a duty that stands: a date was put in later, a kind or a severity was put right, a pause ended.

use super::correction::Ruling;
use super::duty::{DutyRule, TermSource, unit_of};
use super::timing::{basis_of, end_in_field};
use super::{Pack, Policy};
use crate::calendar::{Calendar, Term};
use crate::ladder::{Plan, Sort, TimedRung};
use duban_contracts::Timestamp;
use serde_json::Value;

/// A duty as it was timed.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    pub pack: &'a str,
    pub rule: &'a str,
    pub unit: &'a str,
    pub opened: Timestamp,
    /// From when its time counts.
    pub from: Timestamp,
    /// None for a date in a field.
    pub term: Option<Term>,
    /// When it is due as its rule says, without pauses and extensions.
    pub due: Timestamp,
    /// Name of its calendar.
    pub calendar: &'a str,
}

/// As its rule would time it now.
#[derive(Debug, Clone, PartialEq)]
pub struct Retimed {
    pub from: Timestamp,
    pub term: Option<Term>,
    pub due: Timestamp,
    pub calendar: String,
}

impl Policy {
    /// What a newer event of its subject makes of a standing duty's time. None: nothing.
    ///
    /// A date in a field counts as soon as it is put in, and again when it is changed. Where a kind, a severity or a unit was put right (the
    /// event says what it was `before`) the time is what it would have been had it been so from the beginning. It counts from where it
    /// counted, so what was used up stays used up.
    pub fn retimed_by(&self, timed: &Timed<'_>, facts: &Value) -> Option<Retimed> {
        if let Some(later) = self.ruled_by(timed.pack, timed.rule) {
            return later.retimed_by(timed, facts);
        }
        let pack = self.pack(timed.pack).filter(|pack| facts.get("pack").and_then(Value::as_str) == Some(&pack.id))?;
        let rule = self.duty_rule(timed.pack, timed.rule)?;
        let is_put_right = facts.get("before").is_some();
        let unit = if unit_of(facts).is_empty() { timed.unit } else { unit_of(facts) };
        if !is_put_right && !self.has_date(pack, rule, unit, facts) {
            return None;
        }
        // A term that hangs on what only its opening event said (its step, its stage) cannot be judged by a later one: it stays.
        if is_put_right && self.judged(pack, rule, timed, &before(facts)).due != timed.due {
            return None;
        }
        let retimed = self.judged(pack, rule, timed, facts);
        (retimed.due != timed.due).then_some(retimed)
    }

    /// As the rule times it by these facts.
    fn judged(&self, pack: &Pack, rule: &DutyRule, timed: &Timed<'_>, facts: &Value) -> Retimed {
        let unit = if unit_of(facts).is_empty() { timed.unit } else { unit_of(facts) };
        let calendar = self.calendar_for(rule, unit);
        let from = self.start_member(pack, rule, unit).and_then(|member| end_in_field(facts, &member, calendar)).unwrap_or(timed.from);
        let counted = self.due(pack, rule, from, facts, unit, calendar);
        Retimed { from, term: counted.term, due: counted.due, calendar: calendar.name.clone() }
    }

    /// Whether an event of a case of this pack may retime a duty that stands.
    pub fn may_retime(&self, facts: &Value) -> bool {
        let pack = facts.get("pack").and_then(Value::as_str).and_then(|pack| self.pack(pack));
        pack.is_some_and(|pack| {
            facts.get("before").is_some() || pack.duties.iter().any(|rule| self.has_date(pack, rule, unit_of(facts), facts))
        })
    }

    /// What is told of a duty that is due at another time, from `now` on: who is told, whose acknowledgement counts and how often it is
    /// repeated stay as they were settled. `from`: where the shares of its time count from, later by what was paused.
    pub fn plan_for(&self, timed: &Timed<'_>, plan: &Plan, from: Timestamp, due: Timestamp, now: Timestamp, calendar: &Calendar) -> Plan {
        let Some(Ruling { policy, pack, rule }) = self.ruling(timed.pack, timed.rule) else {
            return shifted(plan, timed.due, due, calendar);
        };
        let mut reminders = policy.reminders(pack, rule, from, due, basis_of(timed.term), timed.unit, calendar);
        reminders.retain(|at| *at > now);
        let ladder = rule.ladder.as_deref().and_then(|ladder| pack.ladders.get(ladder));
        let mut rungs: Vec<TimedRung> = Vec::new();
        for settled in &plan.rungs {
            let nth = usize::try_from(settled.rung - 1).ok();
            let written = ladder.zip(nth).and_then(|(ladder, nth)| ladder.rungs.get(nth));
            let at = written.and_then(|rung| policy.time_of(pack, rung, due, timed.opened, timed.unit, calendar).0);
            let timed = TimedRung { at: at.unwrap_or(settled.at), ..settled.clone() }.placed(rungs.last(), calendar);
            // What was told at its opening, or should have been by now, is not told again.
            if settled.sort == Sort::Notice && timed.at <= now {
                continue;
            }
            rungs.push(timed);
        }
        Plan { reminders, rungs }
    }

    /// Whether the term that counts is a date in a field, and the event brings it.
    fn has_date(&self, pack: &Pack, rule: &DutyRule, unit: &str, facts: &Value) -> bool {
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        let of_field = |source: &TermSource| match source {
            TermSource::Field { field, .. } => end_in_field(facts, field, self.calendar_for(rule, unit)).is_some(),
            TermSource::Fixed(_) | TermSource::Parameter(_) => false,
        };
        let mut dated = rule.within.iter().filter(|when| matches!(when.term, TermSource::Field { .. })).peekable();
        if dated.peek().is_none() {
            return self.start_member(pack, rule, unit).is_some_and(|member| {
                member.starts_with("fields.") && end_in_field(facts, &member, self.calendar_for(rule, unit)).is_some()
            });
        }
        let counts = rule.within.iter().find(|when| when.when.as_ref().is_none_or(|condition| condition.holds(facts, &figures)));
        counts.is_some_and(|when| of_field(&when.term))
    }
}

/// The facts of an event that puts something right, as they were before it.
fn before(facts: &Value) -> Value {
    let mut then = facts.clone();
    for (member, value) in facts.get("before").and_then(Value::as_object).into_iter().flatten() {
        then[member] = value.clone();
    }
    then
}

/// A plan moved as a whole: for a rule that is there no longer.
fn shifted(plan: &Plan, from: Timestamp, to: Timestamp, calendar: &Calendar) -> Plan {
    let by = to.duration_since(from);
    let move_on = |at: Timestamp| at.checked_add(by).unwrap_or(at);
    let mut rungs: Vec<TimedRung> = Vec::new();
    for rung in &plan.rungs {
        rungs.push(TimedRung { at: move_on(rung.at), ..rung.clone() }.placed(rungs.last(), calendar));
    }
    Plan { reminders: plan.reminders.iter().map(|at| move_on(*at)).collect(), rungs }
}
