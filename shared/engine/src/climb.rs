//! What is due for a duty now: reminder, breach, rungs, repetitions, in order. Pure; the times of the rungs are the policy's
//! [`duban_policy::ladder`], this is what a tick makes of them.

use crate::duty::{Duty, State};
use crate::shifts::Pause;
use duban_contracts::Timestamp;
use duban_policy::calendar::{Calendar, Duration, Measure, whole_second};
use duban_policy::ladder::{Next, Raised, Sort, Until, Who};

/// Reminders to who is waited for while a duty is paused have rungs below this.
const AWAITED: i32 = -1_000;

/// One thing that a tick finds due.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The due time has passed.
    Breached,
    /// A reminder or a rung.
    Raised(Rung),
}

/// A rung (or reminder) to be raised.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Negative for reminders.
    pub rung: i32,
    pub repetition: i32,
    pub sort: Sort,
    pub tell: Tell,
    pub until: Until,
    pub urgent: bool,
    /// When it should have been raised.
    pub at: Timestamp,
    /// Raised after its time, because nobody could in time.
    pub late: bool,
}

/// To whom.
#[derive(Debug, Clone, PartialEq)]
pub enum Tell {
    /// Who owes the duty.
    Debtor,
    /// All of these at once.
    All(Vec<Who>),
}

/// Takes every step that is due at `now`, in order, and sets the duty's timer to the next. What should have happened before
/// `late_before` is marked late.
pub fn climb(duty: &mut Duty, now: Timestamp, late_before: Timestamp, calendar: &Calendar) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(pause) = duty.shifts.paused.as_mut().filter(|_| duty.state.is_open()) {
        steps.extend(remind_awaited(pause, now, late_before, calendar).map(Step::Raised));
        duty.next_at = timer(duty, now, calendar);
        return steps;
    }
    while duty.state.is_open() {
        let next = duty.terms.plan.next(duty.due_at, &duty.progress, now, calendar);
        // What a copy could not raise in its hours is held over to the next ones; what a tick has just missed is not.
        let held_over = |next: &Next<'_>| next.held_over(now, calendar).filter(|_| next.at < late_before);
        let at = next.as_ref().map(|next| held_over(next).unwrap_or(next.at));
        let is_breach_next = duty.breached_at.is_none() && at.is_none_or(|at| duty.due_at <= at);
        if is_breach_next && duty.due_at <= now {
            duty.breached_at = Some(now);
            duty.state = State::Breached;
            duty.late = duty.due_at < late_before;
            steps.push(Step::Breached);
            continue;
        }
        let Some(next) = next.filter(|_| at.is_some_and(|at| at <= now)) else { break };
        let rung = raised(&next, late_before);
        count(duty, &rung, now);
        steps.push(Step::Raised(rung));
    }
    duty.next_at = timer(duty, now, calendar);
    steps
}

/// When the duty's next step is due if nobody acts.
pub fn timer(duty: &Duty, now: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
    if !duty.state.is_open() {
        return None;
    }
    if let Some(pause) = &duty.shifts.paused {
        return Some(next_to_awaited(pause, calendar).unwrap_or(pause.until));
    }
    let next = duty.terms.plan.next(duty.due_at, &duty.progress, now, calendar);
    let next = next.map(|next| next.held_over(now, calendar).unwrap_or(next.at));
    let breach = duty.breached_at.is_none().then_some(duty.due_at);
    next.into_iter().chain(breach).min()
}

/// When a duty's timer should run out, where it will not: it is set to nothing, or should have run out by now and is set to later.
pub fn lost_timer(duty: &Duty, now: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
    let should = timer(duty, now, calendar)?;
    let is_lost = duty.next_at.is_none_or(|set| set > now && should <= now);
    is_lost.then_some(should)
}

/// When who is waited for is told (again): at once, then every working day until the pause ends.
fn next_to_awaited(pause: &Pause, calendar: &Calendar) -> Option<Timestamp> {
    pause.waits_for.as_ref()?;
    let days = u32::try_from(pause.reminded).ok()?;
    let since = whole_second(pause.since);
    let at = if days == 0 { since } else { calendar.add(since, Duration::new(days, Measure::WorkingDay)).at };
    (at < pause.until).then_some(at)
}

/// Missed reminders are not made up for.
fn remind_awaited(pause: &mut Pause, now: Timestamp, late_before: Timestamp, calendar: &Calendar) -> Option<Rung> {
    let who = pause.waits_for.clone()?;
    let mut due = None;
    while let Some(at) = next_to_awaited(pause, calendar).filter(|at| *at <= now) {
        pause.reminded += 1;
        due = Some(at);
    }
    let at = due?;
    let who = if who.contains('/') { Who::Post(who) } else { Who::Person(who) };
    let (rung, tell, late) = (AWAITED - pause.reminded, Tell::All(vec![who]), at < late_before);
    Some(Rung { rung, repetition: 0, sort: Sort::Awaited, tell, until: Until::Any, urgent: false, at, late })
}

/// Takes an acknowledgement of a whole rung: it stops the climb if the rung is the newest.
pub fn acknowledge(duty: &mut Duty, rung: i32, at: Timestamp, calendar: &Calendar) {
    if duty.state.is_open() && duty.progress.last.is_some_and(|last| last.rung == rung) {
        duty.progress.acknowledged_at.get_or_insert(at);
        duty.next_at = timer(duty, at, calendar);
    }
}

/// Until when the climb stands still by the acknowledgement of this rung. None if it does not stop the climb.
pub fn quiet_until(duty: &Duty, rung: i32, calendar: &Calendar) -> Option<Timestamp> {
    duty.progress.last.filter(|last| last.rung == rung && duty.state.is_open())?;
    duty.terms.plan.resumes(&duty.progress, calendar)
}

fn raised(next: &Next<'_>, late_before: Timestamp) -> Rung {
    Rung {
        rung: next.rung,
        repetition: next.repetition,
        sort: next.sort,
        tell: next.timed.map_or(Tell::Debtor, |timed| Tell::All(timed.tell.clone())),
        until: next.timed.map_or(Until::Any, |timed| timed.until),
        urgent: next.timed.is_some_and(|timed| timed.urgent),
        at: next.at,
        late: next.at < late_before,
    }
}

fn count(duty: &mut Duty, rung: &Rung, now: Timestamp) {
    if rung.sort == Sort::Reminder {
        duty.progress.reminders += 1;
        if duty.state == State::Pending {
            duty.state = State::DueSoon;
        }
    } else {
        duty.progress.last = Some(Raised { rung: rung.rung, repetition: rung.repetition, at: now });
        duty.progress.acknowledged_at = None;
    }
}

#[cfg(test)]
pub(crate) mod tests;
