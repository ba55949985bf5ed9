//! Whether reminders and rungs come as they are meant, with the figures that the organisation has chosen: tried on duties that open on different
//! days, since hours worked and time by the clock cannot be compared otherwise.

use super::super::duty::{Amount, DutyRule, Ladder, Reminder, Rung, RungAt, TermSource};
use super::super::recurring::RecurringRule;
use super::super::timing::{basis_of, counted};
use super::super::{Pack, Policy};
use crate::calendar::{Basis, Calendar};
use crate::source::{Fault, Placed};
use crate::{Source, Title};
use duban_contracts::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::collections::BTreeSet;

/// Where a pack and its rules stand.
pub(super) struct Heads<'s> {
    pub source: &'s Source,
    pub id: Placed<String>,
    pub rules: Vec<Placed<String>>,
}

/// A Monday, and a year of months: duties of cases are tried on a fortnight, what comes round at the ends of its periods.
const MONDAY: Date = date(2026, 3, 2);
const JANUARY: Date = date(2026, 1, 1);

/// A duty that opens then and is due then.
#[derive(Clone, Copy)]
struct Sample {
    opens: Timestamp,
    due: Timestamp,
    basis: Basis,
}

pub(super) fn check(policy: &Policy, heads: &Heads<'_>, found: &mut Vec<Fault>) {
    let Some(pack) = policy.pack(&heads.id.value) else { return };
    let mut told: BTreeSet<String> = BTreeSet::new();
    let rounds = pack.recurring.iter().map(|recurring| (&recurring.rule, Some(recurring)));
    for (rule, round) in pack.duties.iter().map(|rule| (rule, None)).chain(rounds) {
        let Some(place) = heads.rules.iter().find(|id| id.value == rule.id) else { continue };
        for unit in policy.units_that_choose(pack) {
            let tried = Tried { policy, pack, rule, unit: &unit, calendar: policy.calendar_for(rule, &unit) };
            let samples = tried.samples(round);
            for wrong in tried.reminders(&samples).into_iter().chain(tried.rungs(&samples)) {
                if told.insert(format!("{}{}", rule.id, wrong.en)) {
                    found.push(wrong.at(place.range, &rule.id));
                }
            }
        }
    }
}

impl Policy {
    /// One unit where a pack holds, and each that has figures of its own.
    fn units_that_choose(&self, pack: &Pack) -> BTreeSet<String> {
        let own = self.overrides.iter().filter(|((of, _), _)| *of == pack.id).flat_map(|(_, values)| values);
        own.filter_map(|(unit, _)| unit.clone()).chain([self.first_bound(pack, Timestamp::MAX)]).collect()
    }
}

/// What is wrong, and what to write instead.
struct Wrong {
    code: &'static str,
    en: String,
    zh: String,
    help: (&'static str, &'static str),
}

impl Wrong {
    fn at(self, range: (usize, usize), rule: &str) -> Fault {
        let (en, zh) = (format!("'{rule}': {}", self.en), format!("“{rule}”：{}", self.zh));
        Fault::new(range, self.code, en, zh).warning().help(self.help.0, self.help.1)
    }
}

struct Tried<'p> {
    policy: &'p Policy,
    pack: &'p Pack,
    rule: &'p DutyRule,
    unit: &'p str,
    calendar: &'p Calendar,
}

impl Tried<'_> {
    /// One for each day on which it opens and each of its terms. None where a date in a field may say when it is due.
    fn samples(&self, round: Option<&RecurringRule>) -> Vec<Sample> {
        if self.rule.within.iter().any(|when| matches!(when.term, TermSource::Field { .. })) {
            return Vec::new();
        }
        let terms: Vec<_> = self.rule.within.iter().map(|when| self.policy.term(self.pack, &when.term, self.unit)).collect();
        let sample = |opens: Timestamp| {
            let one = move |term| Sample { opens, due: counted(opens, term, self.calendar), basis: basis_of(Some(term)) };
            terms.clone().into_iter().map(one)
        };
        self.openings(round).into_iter().flat_map(sample).collect()
    }

    fn openings(&self, round: Option<&RecurringRule>) -> Vec<Timestamp> {
        let every = round.and_then(|round| self.policy.every_in(self.pack, &round.every, self.unit));
        let fortnight = (0..14).filter_map(|days| MONDAY.checked_add(days.days()).ok());
        let wall: Vec<_> = match every {
            None => fortnight.map(|day| day.at(10, 0, 0, 0)).collect(),
            Some(every) if every.ends_month() => {
                (0..12).filter_map(|months| JANUARY.checked_add(months.months()).ok()).map(|day| day.at(0, 0, 0, 0)).collect()
            }
            Some(_) => fortnight.map(|day| day.at(0, 0, 0, 0)).collect(),
        };
        wall.into_iter().map(|wall| self.calendar.instant(wall)).collect()
    }

    /// Those that never come, whenever the duty opens.
    fn reminders(&self, samples: &[Sample]) -> Vec<Wrong> {
        let comes = |reminder: &Reminder, sample: &Sample| {
            let span = (sample.opens, sample.due);
            let at = self.policy.reminder_time(self.pack, reminder, span, sample.basis, self.unit, self.calendar);
            at.is_some_and(|at| at > sample.opens && at < sample.due)
        };
        let never = self.rule.remind.iter().filter(|reminder| !samples.is_empty() && !samples.iter().any(|sample| comes(reminder, sample)));
        let words = |reminder: &Reminder| match self.policy.reminder(self.pack, reminder, self.unit) {
            Some(Reminder::Before(amount)) => self.length(&amount),
            _ => Title::default(),
        };
        never
            .map(|reminder| {
                let before = words(reminder);
                Wrong {
                    code: "never-reminded",
                    en: format!(
                        "no reminder ever comes {} before it is due: that lies before it opens{}",
                        before.en,
                        self.with_own_figures().en
                    ),
                    zh: format!("到期前{}的提醒永远不会发出：该时点早于责任事项产生之时{}", before.zh, self.with_own_figures().zh),
                    help: ("write less than the term, or a share of it: \"80%\"", "请写短于期限的时长，或期限的百分比：\"80%\""),
                }
            })
            .collect()
    }

    /// Rungs that, whenever the duty opens, come before one that stands above them in the list.
    fn rungs(&self, samples: &[Sample]) -> Vec<Wrong> {
        let Some(ladder) = self.rule.ladder.as_ref().and_then(|id| self.pack.ladders.get(id)) else { return Vec::new() };
        let rungs = ladder.rungs.iter().filter(|rung| rung.when.is_none()).collect::<Vec<_>>();
        let time = |rung: &Rung, sample: &Sample| {
            self.policy.time_of(self.pack, rung, sample.due, sample.opens, self.unit, self.calendar).0.unwrap_or(sample.due)
        };
        let is_overtaken = |pair: &[&Rung]| samples.iter().all(|sample| time(pair[1], sample) < time(pair[0], sample));
        let overtaken = rungs.windows(2).filter(|pair| !samples.is_empty() && is_overtaken(pair));
        overtaken.filter_map(|pair| self.overtaken(ladder, pair[1])).collect()
    }

    fn overtaken(&self, ladder: &Ladder, rung: &Rung) -> Option<Wrong> {
        let (RungAt::After(amount) | RungAt::Before(amount)) = &rung.at else { return None };
        let (length, id) = (self.length(amount), &ladder.id);
        let side = if matches!(rung.at, RungAt::After(_)) { ("逾期后", "after") } else { ("到期前", "before") };
        Some(Wrong {
            code: "ladder-order",
            en: format!(
                "the rung {} {} it is due of the ladder '{id}' comes before the one above it{}",
                length.en,
                side.1,
                self.with_own_figures().en
            ),
            zh: format!("阶梯“{id}”中{}{}的一级早于它前面的一级{}", side.0, length.zh, self.with_own_figures().zh),
            help: ("put the rungs in order of time, or choose another figure", "请按时间先后排列各级，或另定数值"),
        })
    }

    fn length(&self, amount: &Amount) -> Title {
        self.policy.amount(self.pack, amount, self.unit).map(|length| Title::new(length.zh(), length.en())).unwrap_or_default()
    }

    /// Said where the organisation has chosen figures of this pack.
    fn with_own_figures(&self) -> Title {
        if !self.policy.overrides.keys().any(|(pack, _)| *pack == self.pack.id) {
            return Title::default();
        }
        Title::new(
            format!("（单位 {}，按组织文件所定参数）", self.unit),
            format!(" (in unit '{}', with the figures of the organisation)", self.unit),
        )
    }
}
