//! What a correction makes of a duty that stands: its term counted anew by the right calendar, or as the corrected rule has it. Without the facts
//! of its opening, which nobody keeps: so what hung on them stays as it was settled.

use super::correction::{Corrects, Ruling};
use super::duty::{Amount, DutyRule, Ladder, TermSource, When};
use super::kind::Actor;
use super::retiming::Timed;
use super::timing::{basis_of, counted};
use super::{Pack, Policy};
use crate::calendar::{Calendar, Term};
use crate::condition::Condition;
use crate::ladder::{Plan, Sort, TimedRung, Who};
use duban_contracts::Timestamp;
use serde_json::Value;

/// A standing duty as a correction would have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recounted {
    pub term: Option<Term>,
    /// As its rule has it, without pauses and extensions.
    pub due: Timestamp,
    pub calendar: String,
    pub article: String,
    /// Who owes it and to whom, where that changes.
    pub owed: Option<(Vec<Who>, Vec<Who>)>,
}

/// What a correction does to a duty.
#[derive(Debug, Clone, PartialEq)]
pub enum Recount {
    /// It does not concern it.
    Unconcerned,
    /// It does, and cannot be carried out: what its time hung on when it was opened is not known any longer.
    Left,
    Counted(Recounted),
}

impl Policy {
    /// What a correction makes of a duty that stands. `self`: its version with the correction taken in; `before`: without.
    pub fn recounted(&self, before: &Policy, timed: &Timed<'_>, corrects: &Corrects) -> Recount {
        let Some(after) = self.ruling(timed.pack, timed.rule) else { return Recount::Unconcerned };
        if corrects.has_rule(timed.pack, timed.rule) {
            let Some(earlier) = before.ruling(timed.pack, timed.rule) else { return Recount::Unconcerned };
            return by_rule(earlier, after, timed).map_or(Recount::Left, Recount::Counted);
        }
        match after.policy.calendar(timed.calendar).filter(|calendar| corrects.has_calendar(&calendar.name)) {
            Some(calendar) => Recount::Counted(Recounted {
                term: timed.term,
                due: timed.term.map_or(timed.due, |term| counted(timed.from, term, calendar)),
                calendar: calendar.name.clone(),
                article: after.rule.article.clone(),
                owed: None,
            }),
            None => Recount::Unconcerned,
        }
    }

    /// The plan of a duty whose rule was corrected, from `now` on. As [`Policy::plan_for`], but who is told, how often and on which rung is as
    /// the corrected ladder has it. A rung with a condition is there if it was there at the opening.
    #[expect(clippy::too_many_arguments, reason = "all of it is one duty's context, used once")]
    pub fn plan_as_corrected(
        &self,
        before: &Policy,
        timed: &Timed<'_>,
        plan: &Plan,
        from: Timestamp,
        due: Timestamp,
        now: Timestamp,
        calendar: &Calendar,
    ) -> Plan {
        let rulings = before.ruling(timed.pack, timed.rule).zip(self.ruling(timed.pack, timed.rule));
        let Some((earlier, after)) = rulings else { return plan.clone() };
        let Ruling { policy, pack, rule } = after;
        let mut reminders = policy.reminders(pack, rule, from, due, basis_of(timed.term), timed.unit, calendar);
        reminders.retain(|at| *at > now);
        let mut rungs: Vec<TimedRung> = Vec::new();
        let mut breached = false;
        let old_ladder = ladder_of(earlier.pack, earlier.rule);
        for (nth, rung) in ladder_of(pack, rule).iter().flat_map(|ladder| ladder.rungs.iter().enumerate()) {
            let number = i32::try_from(nth).unwrap_or(i32::MAX - 1) + 1;
            let settled = plan.rungs.iter().find(|settled| settled.rung == number);
            if rung.when.is_some() && settled.is_none() {
                continue;
            }
            let (at, mut sort) = policy.time_of(pack, rung, due, timed.opened, timed.unit, calendar);
            if sort == Sort::Breach && breached {
                sort = Sort::Escalation;
            }
            breached |= sort == Sort::Breach;
            let (Some(at), Some(hold)) = (at, policy.amount(pack, &rung.hold, timed.unit)) else { continue };
            let told = |Ruling { policy, pack, rule }: Ruling<'_>, actors: &[Actor]| -> Vec<Who> {
                actors.iter().flat_map(|actor| policy.told(pack, rule, actor, timed.unit, &Value::Null)).collect()
            };
            let now_told = told(after, &rung.tell);
            let was_told = old_ladder.and_then(|ladder| ladder.rungs.get(nth)).map(|rung| told(earlier, &rung.tell));
            // Whom a field of the opening named is still named.
            let tell = settled.filter(|_| was_told.as_ref() == Some(&now_told)).map_or(now_told, |settled| settled.tell.clone());
            let repeat = rung.repeat.as_ref().and_then(|amount| policy.amount(pack, amount, timed.unit));
            let timed = TimedRung { rung: number, at, sort, tell, until: rung.until, repeat, hold, urgent: rung.urgent, held: rung.held };
            let timed = timed.placed(rungs.last(), calendar);
            if sort == Sort::Notice && timed.at <= now {
                continue;
            }
            rungs.push(timed);
        }
        Plan { reminders, rungs }
    }
}

pub(super) fn ladder_of<'a>(pack: &'a Pack, rule: &DutyRule) -> Option<&'a Ladder> {
    rule.ladder.as_deref().and_then(|ladder| pack.ladders.get(ladder))
}

fn by_rule(before: Ruling<'_>, after: Ruling<'_>, timed: &Timed<'_>) -> Option<Recounted> {
    let calendar = after.policy.calendar_for(after.rule, timed.unit);
    let term = carried(before, after, timed)?;
    let people = |Ruling { policy, pack, rule }: Ruling<'_>| {
        let who = |actors: &[Actor]| -> Vec<Who> {
            actors.iter().filter_map(|actor| policy.who(pack, rule, actor, timed.unit, &Value::Null)).collect()
        };
        (who(&rule.owed_by), who(&rule.owed_to))
    };
    let (were, are) = (people(before), people(after));
    // Who owes a recurring duty is the post that it came round for.
    let recurs = after.rule.opens.is_empty();
    Some(Recounted {
        term,
        due: term.map_or(timed.due, |term| counted(timed.from, term, calendar)),
        calendar: calendar.name.clone(),
        article: after.rule.article.clone(),
        owed: (!recurs && were != are).then_some(are),
    })
}

/// The term that takes the place of the one that counted, which is recognised by itself: which of several conditions held at the opening is told
/// by the term that came of it. Outer None: it cannot be told.
fn carried(before: Ruling<'_>, after: Ruling<'_>, timed: &Timed<'_>) -> Option<Option<Term>> {
    let term_of = |Ruling { policy, pack, .. }: Ruling<'_>, when: &When| policy.term(pack, &when.term, timed.unit);
    if let [only] = after.rule.within.as_slice()
        && is_plain(only)
    {
        return Some(Some(term_of(after, only)));
    }
    if !have_same_shape(&before.rule.within, &after.rule.within) {
        return None;
    }
    // A date in a field is the one that was given.
    let Some(term) = timed.term else { return Some(None) };
    let both = before.rule.within.iter().zip(&after.rule.within);
    let mut found = both.filter(|(old, _)| term_of(before, old) == term).map(|(_, new)| term_of(after, new));
    let first = found.next()?;
    found.all(|other| other == first).then_some(Some(first))
}

/// A term without condition and field: it holds whatever was known at the opening.
pub(super) fn is_plain(when: &When) -> bool {
    when.when.is_none() && !matches!(when.term, TermSource::Field { .. })
}

/// Whether two lists of terms ask the same of the opening, so that one can be told from the other.
pub(super) fn have_same_shape(old: &[When], new: &[When]) -> bool {
    let same = |(old, new): (&When, &When)| old.when == new.when && fields(&old.term) == fields(&new.term);
    old.len() == new.len() && old.iter().zip(new).all(same)
}

/// The fields of which a term may be a date, in order, and how long before it.
fn fields(source: &TermSource) -> Vec<(&str, Option<&Amount>)> {
    let mut found = Vec::new();
    let mut source = source;
    while let TermSource::Field { field, before, otherwise } = source {
        found.push((field.as_str(), before.as_ref()));
        source = otherwise;
    }
    found
}

/// The conditions of a ladder's rungs.
pub(super) fn conditions(ladder: Option<&Ladder>) -> Vec<Option<&Condition>> {
    ladder.iter().flat_map(|ladder| &ladder.rungs).map(|rung| rung.when.as_ref()).collect()
}
