//! What a correction makes of a duty that stands: another due time, another plan, another post. Pure.
//!
//! Time used, pauses and extensions are kept: the term is counted anew from where it counted, and moved by what had moved it. A duty that is
//! overdue when the correction comes into force stays as it is; so does one whose time passed before anybody noticed.

pub use stages::stages;

use crate::acts::{Acted, What};
use crate::climb;
use crate::duty::Duty;
use crate::recipients;
use crate::retiming::{calendar_of, replan, stands, timed};
use duban_contracts::Timestamp;
use duban_contracts::duty::DutyCorrected;
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::ladder::{Plan, Sort, TimedRung, Who};
use duban_policy::policy::correction::Correction;
use duban_policy::policy::{Recount, Recounted, Timed, basis_of};

/// What a correction has done to a duty.
#[derive(Debug, Clone, PartialEq)]
pub enum Corrected {
    /// Nothing: it does not concern it, or makes no difference.
    Unchanged,
    /// It concerns it, and cannot be carried out: what its time hung on at its opening is not known any longer.
    Left,
    Changed(Box<Acted>),
}

/// A duty's version without a correction, and with it.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    pub before: &'a Policy,
    pub after: &'a Policy,
}

/// Lets a duty follow a correction. Afterwards it counts as following it, whatever came of it.
pub fn correct(duty: &mut Duty, sides: Sides<'_>, by: &Correction, directory: Option<&Directory>, now: Timestamp) -> Corrected {
    duty.corrections = i32::try_from(sides.after.corrections()).unwrap_or(i32::MAX);
    if !stands(duty) || duty.is_late_at(by.since) {
        return Corrected::Unchanged;
    }
    let recounted = match sides.after.recounted(sides.before, &timed(duty), &by.corrects) {
        Recount::Unconcerned => return Corrected::Unchanged,
        Recount::Left => return Corrected::Left,
        Recount::Counted(recounted) => recounted,
    };
    let was = duty.clone();
    let of = by.corrects.concerning(&duty.pack, &duty.rule, &duty.terms.calendar).unwrap_or_default();
    take(duty, recounted, sides, by, directory, now);
    let is_same = duty.due_at == was.due_at && duty.terms.plan == was.terms.plan && duty.terms.owed == was.terms.owed;
    if is_same && duty.terms.owed_to == was.terms.owed_to && duty.terms.settled_due == Some(was.settled_due()) {
        let corrections = duty.corrections;
        *duty = Duty { corrections, ..was };
        return Corrected::Unchanged;
    }
    let corrected = DutyCorrected { version: by.version, of, approved_by: by.approved_by.clone() };
    let acted = Acted::of_itself(What::Retimed, by.since.max(duty.opened.at), was.due_at);
    Corrected::Changed(Box::new(Acted { by: by.approved_by.clone(), due_after: duty.due_at, corrected: Some(corrected), ..acted }))
}

fn take(duty: &mut Duty, to: Recounted, sides: Sides<'_>, by: &Correction, directory: Option<&Directory>, now: Timestamp) {
    let is_by_rule = by.corrects.rules().any(|(pack, rule)| pack == duty.pack && rule == duty.rule);
    let settled_before = duty.settled_due();
    duty.terms.settled_due = Some(to.due);
    duty.terms.term = to.term;
    duty.terms.calendar = to.calendar;
    duty.terms.article = to.article;
    let handed_to = duty.handed_to().map(|person| Who::Person(person.to_owned()));
    if let Some((owed, owed_to)) = to.owed {
        // To whom it was handed over owes it before the posts do.
        duty.terms.owed = handed_to.iter().cloned().chain(owed).collect();
        duty.terms.owed_to = owed_to;
        let owing = directory
            .and_then(|directory| recipients::owing_post(&recipients::open_to(directory, &duty.facts), &duty.terms.owed, &duty.facts));
        duty.owed_by = owing.unwrap_or_else(|| duty.owed_by.clone());
    }
    let calendar = calendar_of(sides.after, duty);
    let basis = basis_of(duty.terms.term);
    let due = duty.shifts.due(to.due, basis, calendar);
    let from = duty.shifts.counted_from(duty.terms.counts_from, basis, calendar);
    let plan = if is_by_rule {
        let now_timed = Timed { due: duty.due_at, ..timed(duty) };
        let mut plan = sides.after.plan_as_corrected(sides.before, &now_timed, &duty.terms.plan, from, due, now, calendar);
        tell_too(&mut plan, &duty.terms.owed, handed_to.as_ref());
        Some(plan)
    } else {
        None
    };
    if due == duty.due_at {
        // Its time is what it was: what was told of it stands, only what is to come may come at another time.
        let timed = Timed { due: settled_before, ..timed(duty) };
        let fresh = plan.unwrap_or_else(|| sides.after.plan_for(&timed, &duty.terms.plan, from, due, now, calendar));
        duty.terms.plan = going_on(duty, fresh, now);
        duty.next_at = climb::timer(duty, now, calendar);
        return;
    }
    let last = duty.progress.last.map_or(0, |last| last.rung);
    let is_untold = |rung: &&TimedRung| rung.sort == Sort::Notice && rung.at <= now && rung.rung > last;
    let untold: Vec<TimedRung> = duty.terms.plan.rungs.iter().filter(is_untold).cloned().collect();
    if let Some(plan) = plan {
        duty.terms.plan = plan;
    }
    replan(duty, now, sides.after);
    // What is told at the opening, and nobody has come to yet, is told all the same.
    duty.terms.plan.rungs.splice(0..0, untold);
    duty.next_at = climb::timer(duty, now, calendar);
}

/// Whom a duty was handed to is told wherever who owes it is.
fn tell_too(plan: &mut Plan, owed: &[Who], handed_to: Option<&Who>) {
    let (Some(person), Some(post)) = (handed_to, owed.get(1)) else { return };
    for rung in plan.rungs.iter_mut().filter(|rung| rung.tell.contains(post) && !rung.tell.contains(person)) {
        rung.tell.insert(0, person.clone());
    }
}

/// A plan of which the beginning has been told: that stays, what follows is as in the new one.
fn going_on(duty: &Duty, fresh: Plan, now: Timestamp) -> Plan {
    let old = &duty.terms.plan;
    let told = duty.progress.reminders.min(old.reminders.len());
    // One whose time has come and that nobody has raised yet is raised all the same.
    let is_past = |(nth, at): &(usize, &Timestamp)| *nth < told || **at <= now;
    let past = old.reminders.iter().enumerate().filter(is_past).map(|(_, at)| *at);
    let reminders = past.chain(fresh.reminders.into_iter().filter(|at| *at > now)).collect();
    let last = duty.progress.last.map_or(0, |last| last.rung);
    // What is told at the opening stays too, whether or not somebody has come to it.
    let is_past = |rung: &&TimedRung| rung.rung <= last || (rung.sort == Sort::Notice && rung.at <= now);
    let past: Vec<TimedRung> = old.rungs.iter().filter(is_past).cloned().collect();
    let last = past.last().map_or(last, |rung| rung.rung.max(last));
    Plan { reminders, rungs: past.into_iter().chain(fresh.rungs.into_iter().filter(|rung| rung.rung > last)).collect() }
}

mod stages;
#[cfg(test)]
mod tests;
