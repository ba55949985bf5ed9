//! Duties that come back: monthly statistics, weekly reports.

use super::declaration::Rhythm;
use super::duty::{DutyRule, OpenedDuty};
use super::kind::Actor;
use super::{Pack, Policy};
use crate::Title;
use crate::directory::Post;
use crate::ladder::Who;
use duban_contracts::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde_json::json;
use std::collections::BTreeMap;

/// With which a year may end.
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// At most so many days are looked through in one call: after a longer silence the oldest rounds are not made up for.
const LONGEST_DAYS: i32 = 400;

/// A rule whose duty opens by the calendar, for each post that owes it.
#[derive(Debug, Clone)]
pub struct RecurringRule {
    pub every: Rhythm,
    /// Without opening events; closed by events whose key names unit and period.
    pub rule: DutyRule,
}

/// What comes to an end when the duty opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Day,
    WorkingDay,
    Week,
    Month,
    Quarter,
    HalfYear,
    /// Of the calendar, or one that ends with another month (1 to 11), and is called after the year in which it ends.
    Year {
        to: i8,
    },
}

/// One coming round of a recurring duty.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// When the duty opens: the end of the period that it is about.
    pub at: Timestamp,
    /// `2026-02`, `2026-W09`, `2026-02-11`, `2026-Q1`, `2026-H1`, `2026`.
    pub period: String,
    /// Ready to be opened; its key is unique per rule, unit and period, so that two copies open it once.
    pub duty: OpenedDuty,
}

impl Every {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Day, "day"),
        (Self::WorkingDay, "working day"),
        (Self::Week, "week"),
        (Self::Month, "month"),
        (Self::Quarter, "quarter"),
        (Self::HalfYear, "half-year"),
        (Self::Year { to: 12 }, "year"),
    ];

    pub(super) fn read(word: &str) -> Option<Self> {
        if let Some(named) = word.strip_prefix("year to ") {
            let month = MONTHS.iter().position(|month| *month == named)?;
            return i8::try_from(month + 1).ok().map(|to| Self::Year { to });
        }
        Self::ALL.into_iter().find(|(_, written)| *written == word).map(|(every, _)| every)
    }

    /// Whether a period is one of its own, by how it is written: `2026-03`, `2026-Q1`.
    pub(super) fn has(self, period: &str) -> bool {
        let (year, rest) = period.split_once('-').map_or((period, None), |(year, rest)| (year, Some(rest)));
        year.len() == 4
            && match (self, rest) {
                (Self::Year { .. }, rest) => rest.is_none(),
                (_, None) => false,
                (Self::Quarter, Some(rest)) => rest.starts_with('Q'),
                (Self::HalfYear, Some(rest)) => rest.starts_with('H'),
                (Self::Week, Some(rest)) => rest.starts_with('W'),
                (Self::Month, Some(rest)) => rest.len() == 2 && rest.bytes().all(|digit| digit.is_ascii_digit()),
                (Self::Day | Self::WorkingDay, Some(rest)) => rest.contains('-'),
            }
    }

    /// A period of its own, for who asks how it is written.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Day | Self::WorkingDay => "2026-03-31",
            Self::Week => "2026-W09",
            Self::Month => "2026-03",
            Self::Quarter => "2026-Q1",
            Self::HalfYear => "2026-H1",
            Self::Year { .. } => "2026",
        }
    }

    /// Whether its last day is a month's.
    pub(super) fn ends_month(self) -> bool {
        !matches!(self, Self::Day | Self::WorkingDay | Self::Week)
    }

    pub(super) fn words(self) -> Title {
        match self {
            Self::Day => Title::new("每日", "every day"),
            Self::WorkingDay => Title::new("每个工作日", "every working day"),
            Self::Week => Title::new("每周", "every week"),
            Self::Month => Title::new("每月", "every month"),
            Self::Quarter => Title::new("每季度", "every quarter"),
            Self::HalfYear => Title::new("每半年", "every half-year"),
            Self::Year { to: 12 } => Title::new("每年", "every year"),
            Self::Year { to } => {
                let month = usize::try_from(to - 1).ok().and_then(|nth| MONTHS.get(nth)).copied().unwrap_or_default();
                Title::new(
                    format!("每年（至{to}月底止）"),
                    format!("every year to the end of {}{}", month[..1].to_uppercase(), &month[1..]),
                )
            }
        }
    }

    /// The name of the period whose last day this is, if one ends with it.
    fn ending_with(self, last: Date, works: impl FnOnce(Date) -> bool) -> Option<String> {
        let next = last.tomorrow().ok()?;
        let (year, month) = (last.year(), last.month());
        let month_ends = next.day() == 1;
        match self {
            Self::Day => Some(last.to_string()),
            Self::WorkingDay => works(last).then(|| last.to_string()),
            Self::Week => (next.weekday() == Weekday::Monday).then(|| {
                let week = last.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }),
            Self::Month => month_ends.then(|| format!("{year:04}-{month:02}")),
            Self::Quarter => (month_ends && month % 3 == 0).then(|| format!("{year:04}-Q{}", month / 3)),
            Self::HalfYear => (month_ends && month % 6 == 0).then(|| format!("{year:04}-H{}", month / 6)),
            Self::Year { to } => (month_ends && month == to).then(|| format!("{year:04}")),
        }
    }
}

impl Pack {
    /// Why a value cannot stand for a parameter by which something comes round, if it is one.
    pub(super) fn unfit_period(&self, parameter: &str, value: &str) -> Option<(&'static str, &'static str)> {
        let paced = |recurring: &RecurringRule| matches!(&recurring.every, Rhythm::Parameter(name) if name == parameter);
        (self.recurring.iter().any(paced) && Every::read(value).is_none()).then_some(("no period", "不是周期"))
    }
}

impl Policy {
    /// Every recurring duty that opens in (`after`, `until`], in order of time. Pure: ask it on every tick with the last `until` kept.
    pub fn recurring(&self, after: Timestamp, until: Timestamp) -> Vec<Occurrence> {
        self.recurring_of(after, until, |_, _| true)
    }

    /// As [`Policy::recurring`], of the rules that are wanted alone: what nobody asks for is not looked through.
    pub fn recurring_of(&self, after: Timestamp, until: Timestamp, wanted: impl Fn(&Pack, &DutyRule) -> bool) -> Vec<Occurrence> {
        let mut found = Vec::new();
        if until <= after {
            return found;
        }
        for pack in self.packs() {
            for recurring in pack.recurring.iter().filter(|recurring| wanted(pack, &recurring.rule)) {
                self.rounds(pack, recurring, after, until, &mut found);
            }
        }
        found.sort_by(|a, b| (a.at, &a.duty.pack, &a.duty.rule, &a.duty.unit).cmp(&(b.at, &b.duty.pack, &b.duty.rule, &b.duty.unit)));
        found
    }

    /// The next time that it comes round, within a year.
    pub(super) fn next_round(&self, pack: &Pack, recurring: &RecurringRule, after: Timestamp) -> Option<Occurrence> {
        // Mostly it is near: a year of days is looked through only for what comes once in one.
        [2, 33, 370].into_iter().find_map(|days| {
            let until = after.checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
            let mut found = Vec::new();
            self.rounds(pack, recurring, after, until, &mut found);
            found.into_iter().min_by(|a, b| (a.at, &a.duty.unit).cmp(&(b.at, &b.duty.unit)))
        })
    }

    fn rounds(&self, pack: &Pack, recurring: &RecurringRule, after: Timestamp, until: Timestamp, found: &mut Vec<Occurrence>) {
        let rule = &recurring.rule;
        let calendar = self.calendar_for(rule, &self.root);
        let to = calendar.date(until);
        let mut day = calendar.date(after).max(to.saturating_sub(LONGEST_DAYS.days()));
        while day <= to {
            let at = calendar.instant(day.at(0, 0, 0, 0));
            let ended = |every: Every| day.yesterday().ok().and_then(|last| every.ending_with(last, |date| calendar.is_working_day(date)));
            // Where units may differ in how often, it is asked of each; else no post is looked for on days on which nothing ends.
            let may_end = match &recurring.every {
                Rhythm::Fixed(every) => ended(*every).is_some(),
                Rhythm::Parameter(_) => true,
            };
            if may_end && at > after && at <= until {
                for post in self.owing_posts(pack, rule, at) {
                    if let Some(period) = self.every_in(pack, &recurring.every, &post.unit).and_then(ended) {
                        found.push(self.round(pack, rule, post, at, &period));
                    }
                }
            }
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
    }

    /// How often it comes round in a unit.
    pub(super) fn every_in(&self, pack: &Pack, rhythm: &Rhythm, unit: &str) -> Option<Every> {
        match rhythm {
            Rhythm::Fixed(every) => Some(*every),
            Rhythm::Parameter(name) => Every::read(&self.figure(&pack.id, name, unit)?),
        }
    }

    fn round(&self, pack: &Pack, rule: &DutyRule, post: &Post, at: Timestamp, period: &str) -> Occurrence {
        let facts = json!({ "pack": pack.id, "unit": post.unit, "period": period });
        let key = rule.key.fill(&facts);
        let mut duty = match self.ruled_by(&pack.id, &rule.id).and_then(|later| later.ruling(&pack.id, &rule.id)) {
            Some(later) => later.policy.opened(later.pack, later.rule, key, at, at, &facts),
            None => self.opened(pack, rule, key, at, at, &facts),
        };
        duty.owed_by = vec![Who::Post(post.id.clone())];
        Occurrence { at, period: period.to_owned(), duty }
    }

    /// Each post once that plays the owing role in the units where the pack binds.
    pub(super) fn owing_posts(&self, pack: &Pack, rule: &DutyRule, at: Timestamp) -> Vec<&Post> {
        let role = rule.owed_by.iter().find_map(|actor| if let Actor::Role(role) = actor { Some(role.as_str()) } else { None });
        let Some(role) = role else { return Vec::new() };
        let mut posts: BTreeMap<&str, &Post> = BTreeMap::new();
        for unit in self.tree.units().filter(|unit| self.packs_of(&unit.code, at).iter().any(|bound| bound.id == pack.id)) {
            let post = self.tree.find_post(&self.post_for(&pack.id, role, &unit.code), &unit.code);
            posts.extend(post.map(|post| (post.id.as_str(), post)));
        }
        posts.into_values().collect()
    }
}
