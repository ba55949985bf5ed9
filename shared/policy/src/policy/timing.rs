//! When a duty is due, and what is told of it when: its term, its reminders, the rungs of its ladder.

use super::duty::{Amount, DutyRule, EVENT, Ladder, Reminder, Rung, RungAt, Start, TermSource, unit_of};
use super::{Pack, Policy};
use crate::calendar::{Basis, Calendar, Duration, Term, whole_second};
use crate::ladder::{Sort, TimedRung};
use duban_contracts::Timestamp;
use serde_json::Value;

impl Policy {
    pub(super) fn due(&self, pack: &Pack, rule: &DutyRule, from: Timestamp, facts: &Value, unit: &str, calendar: &Calendar) -> Counted {
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        let when = rule.within.iter().find(|when| when.when.as_ref().is_none_or(|condition| condition.holds(facts, &figures)));
        let mut source = match when.or(rule.within.last()) {
            Some(when) => &when.term,
            None => return Counted { due: from, term: None },
        };
        while let TermSource::Field { field, before, otherwise } = source {
            if let Some(end) = end_in_field(facts, field, calendar) {
                let before = before.as_ref().and_then(|before| self.amount(pack, before, unit));
                let at = before.map_or(end, |before| calendar.subtract(end, before).at);
                return Counted { due: at.max(from), term: None };
            }
            source = otherwise;
        }
        let term = self.term(pack, source, unit);
        Counted { due: counted(from, term, calendar), term: Some(term) }
    }

    /// From when the time of a duty counts, if not from the event itself.
    pub(super) fn start(&self, pack: &Pack, rule: &DutyRule, facts: &Value, calendar: &Calendar) -> Option<Timestamp> {
        end_in_field(facts, &self.start_member(pack, rule, unit_of(facts))?, calendar)
    }

    /// The member of the event that says it, with a parameter looked up.
    pub(super) fn start_member(&self, pack: &Pack, rule: &DutyRule, unit: &str) -> Option<String> {
        match rule.from.as_ref()? {
            Start::Member(member) => Some(member.clone()),
            // Every parameter was checked when the set was compiled; without it the earliest would count.
            Start::Parameter(name) => match self.figure(&pack.id, name, unit).as_deref() {
                Some(EVENT) => None,
                said => pack.instant(said.unwrap_or("received_at")),
            },
        }
    }

    /// The term with its parameter looked up. Every parameter was checked when the set was compiled.
    pub(super) fn term(&self, pack: &Pack, source: &TermSource, unit: &str) -> Term {
        let end_of_day = Term::EndOfDay { next: false, working: false };
        match source {
            TermSource::Fixed(term) => *term,
            TermSource::Parameter(name) => self.figure(&pack.id, name, unit).and_then(|value| value.parse().ok()).unwrap_or(end_of_day),
            TermSource::Field { otherwise, .. } => self.term(pack, otherwise, unit),
        }
    }

    /// The terms of a duty as they are written, parameters with what they say for the whole organisation: `7d`; `planned_on-24h|2d` for the date in a
    /// field, so long before it, and what counts while it is empty; several by condition, in order. None: there is no such duty.
    pub fn written_terms(&self, pack: &str, rule: &str) -> Option<Vec<String>> {
        let pack = self.pack(pack)?;
        let rule = pack.duty_rules().find(|duty| duty.id == rule)?;
        Some(rule.within.iter().map(|when| self.written_term(pack, &when.term)).collect())
    }

    fn written_term(&self, pack: &Pack, source: &TermSource) -> String {
        match source {
            TermSource::Fixed(term) => term.to_string(),
            TermSource::Parameter(name) => self.figure(&pack.id, name, &self.root).unwrap_or_default(),
            TermSource::Field { field, before, otherwise } => {
                let field = field.strip_prefix("fields.").unwrap_or(field);
                let before = before.as_ref().and_then(|before| self.amount(pack, before, &self.root));
                let before = before.map(|before| format!("-{before}")).unwrap_or_default();
                format!("{field}{before}|{}", self.written_term(pack, otherwise))
            }
        }
    }

    pub(super) fn amount(&self, pack: &Pack, amount: &Amount, unit: &str) -> Option<Duration> {
        match amount {
            Amount::Fixed(duration) => Some(*duration),
            Amount::Parameter(name) => self.figure(&pack.id, name, unit)?.parse().ok(),
        }
    }

    /// With its parameter looked up. Every parameter was checked when the set was compiled.
    pub(super) fn reminder(&self, pack: &Pack, reminder: &Reminder, unit: &str) -> Option<Reminder> {
        match reminder {
            Reminder::Parameter(name) => Reminder::parse(&self.figure(&pack.id, name, unit)?),
            Reminder::Before(_) | Reminder::Share(_) => Some(reminder.clone()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is one duty's context, used once")]
    pub(super) fn reminders(
        &self,
        pack: &Pack,
        rule: &DutyRule,
        from: Timestamp,
        due: Timestamp,
        basis: Basis,
        unit: &str,
        calendar: &Calendar,
    ) -> Vec<Timestamp> {
        let time = |reminder| self.reminder_time(pack, reminder, (from, due), basis, unit, calendar);
        let mut times: Vec<Timestamp> = rule.remind.iter().filter_map(time).collect();
        times.retain(|at| *at > from && *at < due);
        times.sort();
        times.dedup();
        times
    }

    /// When a reminder is due. It is sent only where that lies between the beginning and the due time.
    pub(super) fn reminder_time(
        &self,
        pack: &Pack,
        reminder: &Reminder,
        (from, due): (Timestamp, Timestamp),
        basis: Basis,
        unit: &str,
        calendar: &Calendar,
    ) -> Option<Timestamp> {
        match self.reminder(pack, reminder, unit)? {
            Reminder::Before(amount) => self.amount(pack, &amount, unit).map(|amount| calendar.subtract(due, amount).at),
            Reminder::Share(hundredths) => Some(share(from, due, hundredths, basis, calendar)),
            Reminder::Parameter(_) => None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is one duty's context, used once")]
    pub(super) fn rungs(
        &self,
        pack: &Pack,
        rule: &DutyRule,
        ladder: &Ladder,
        due: Timestamp,
        opened: Timestamp,
        facts: &Value,
        unit: &str,
        calendar: &Calendar,
    ) -> Vec<TimedRung> {
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        let mut rungs: Vec<TimedRung> = Vec::new();
        let mut breached = false;
        for (nth, rung) in ladder.rungs.iter().enumerate() {
            if rung.when.as_ref().is_some_and(|when| !when.holds(facts, &figures)) {
                continue;
            }
            let amount = |amount: &Amount| self.amount(pack, amount, unit);
            let (at, mut sort) = self.time_of(pack, rung, due, opened, unit, calendar);
            if sort == Sort::Breach && breached {
                sort = Sort::Escalation;
            }
            breached |= sort == Sort::Breach;
            let (Some(at), Some(hold)) = (at, amount(&rung.hold)) else { continue };
            let tell = rung.tell.iter().flat_map(|actor| self.told(pack, rule, actor, unit, facts)).collect();
            let number = i32::try_from(nth).unwrap_or(i32::MAX - 1) + 1;
            let repeat = rung.repeat.as_ref().and_then(amount);
            let timed = TimedRung { rung: number, at, sort, tell, until: rung.until, repeat, hold, urgent: rung.urgent, held: rung.held };
            // The list's order counts, also where working and calendar time would have it otherwise.
            rungs.push(timed.placed(rungs.last(), calendar));
        }
        rungs
    }

    /// When a rung is raised, and as what.
    pub(super) fn time_of(
        &self,
        pack: &Pack,
        rung: &Rung,
        due: Timestamp,
        opened: Timestamp,
        unit: &str,
        calendar: &Calendar,
    ) -> (Option<Timestamp>, Sort) {
        let amount = |amount: &Amount| self.amount(pack, amount, unit);
        match &rung.at {
            RungAt::Opened => (Some(opened), Sort::Notice),
            RungAt::Due => (Some(due), Sort::Breach),
            RungAt::After(span) => (amount(span).map(|span| calendar.add(due, span).at), Sort::Breach),
            RungAt::Before(span) => (amount(span).map(|span| calendar.subtract(due, span).at.max(opened)), Sort::Notice),
        }
    }
}

/// A due time, and what it was counted by.
pub(super) struct Counted {
    pub due: Timestamp,
    /// None for a date in a field.
    pub term: Option<Term>,
}

/// The end of a term.
pub(super) fn counted(from: Timestamp, term: Term, calendar: &Calendar) -> Timestamp {
    let from = if basis_of(Some(term)) == Basis::Working { whole_second(from) } else { from };
    calendar.due(from, term).at
}

/// Whether time counts by the clock or by hours worked: what is due at a point of a working day is shared out and put off at work, too.
pub fn basis_of(term: Option<Term>) -> Basis {
    if term.is_some_and(Term::is_working) { Basis::Working } else { Basis::Calendar }
}

fn member<'a>(facts: &'a Value, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(facts, |at, step| at.get(step))?.as_str()
}

/// Length of `YYYY-MM-DD`: what is longer says a time too.
const DATE: usize = 10;

/// An instant as it stands, a date by its end in the calendar's zone, a wall time as it is there.
pub(super) fn end_in_field(facts: &Value, path: &str, calendar: &Calendar) -> Option<Timestamp> {
    let text = member(facts, path)?;
    // A wall time that clocks skip moves forward by what they skip; of one that comes twice, the first is meant.
    let wall = || calendar.zone.to_ambiguous_timestamp(text.parse().ok()?).compatible().ok();
    text.parse().ok().or_else(|| if text.len() > DATE { wall() } else { crate::organisation::end_of(text, &calendar.zone) })
}

/// The instant at which so many hundredths of the period are over, in working time where the period is.
fn share(from: Timestamp, due: Timestamp, hundredths: u8, basis: Basis, calendar: &Calendar) -> Timestamp {
    let from = whole_second(from);
    let part = |seconds: i64| seconds.saturating_mul(i64::from(hundredths)) / 100;
    match basis {
        Basis::Calendar => from.checked_add(jiff::SignedDuration::from_secs(part(due.duration_since(from).as_secs()))).unwrap_or(due),
        Basis::Working => {
            let seconds = part(calendar.working_between(from, due).as_secs());
            calendar.after_working(from, jiff::SignedDuration::from_secs(seconds)).at
        }
    }
}
