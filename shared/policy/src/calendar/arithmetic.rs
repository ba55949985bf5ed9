//! Adding, subtracting and measuring time in a calendar.

use super::duration::{Duration, Measure, Term};
use crate::Title;
use duban_contracts::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use std::collections::{BTreeMap, BTreeSet};

/// Days looked at before giving up on a calendar that has no working time left: beyond the longest duration.
pub(super) const HORIZON_DAYS: i32 = 60_000;
const HORIZON_MONTHS: i32 = 2_000;

/// Wall times of a day, in minutes from its 00:00; the end may be 1440 (24:00).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    pub from: i16,
    pub to: i16,
}

/// Working hours per weekday, holidays and special days, in a time zone.
///
/// `special` days come before `holidays`, these before `weekly`. A wall time in a gap (clocks put forward) moves forward by the gap's
/// length; in a fold the first is meant; hours that this empties count nothing, and hours that come to overlap count once. So a day from
/// 00:00 to 24:00 really has 23, 24 or 25 hours.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub name: String,
    pub title: crate::Title,
    pub zone: TimeZone,
    /// Monday first.
    pub weekly: [Vec<Hours>; 7],
    pub holidays: BTreeSet<Date>,
    pub special: BTreeMap<Date, Vec<Hours>>,
}

/// Where an addition or subtraction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub at: Timestamp,
    /// The calendar had no working time left, or time itself none; `at` is then where the search ended.
    pub ran_out: bool,
}

impl Reached {
    /// The first and the last instant are what a count comes to that leads out of the years that can be told.
    fn at(at: Timestamp) -> Self {
        Self { at, ran_out: at == Timestamp::MIN || at == Timestamp::MAX }
    }

    /// Why there is no due time, where it ran out.
    pub fn why_not(&self) -> Title {
        if self.at == Timestamp::MIN || self.at == Timestamp::MAX {
            return Title::new("超出可表示的年份", "it lies beyond the years that can be told");
        }
        Title::new(
            "日历在此后一百多年内没有这么多工作时间",
            "the calendar has not that much working time in more than a hundred years to come",
        )
    }
}

/// Working time counts from whole seconds: two working hours from 16:00 end at closing time, 18:00, whatever the microsecond in which it was
/// told; they would else go over to the next opening.
pub fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at)
}

impl Calendar {
    /// Round the clock, in a zone.
    pub fn always(zone: TimeZone) -> Self {
        let day = vec![Hours { from: 0, to: 1440 }];
        Self {
            name: "always".to_owned(),
            title: Title::new("全天候", "Round the clock"),
            zone,
            weekly: std::array::from_fn(|_| day.clone()),
            holidays: BTreeSet::new(),
            special: BTreeMap::new(),
        }
    }

    /// The wall-clock hours worked on a date.
    pub fn hours(&self, date: Date) -> &[Hours] {
        if let Some(hours) = self.special.get(&date) {
            return hours;
        }
        if self.holidays.contains(&date) {
            return &[];
        }
        &self.weekly[weekday_index(date.weekday())]
    }

    pub fn is_working_day(&self, date: Date) -> bool {
        !self.hours(date).is_empty()
    }

    /// Whether the calendar names a holiday or a special day, and none of this year: then its days off are not known there.
    pub fn lacks_year(&self, year: i16) -> bool {
        let mut named = self.holidays.iter().chain(self.special.keys()).map(|date| date.year()).peekable();
        named.peek().is_some() && named.all(|known| known != year)
    }

    /// The date of an instant in the calendar's zone.
    pub fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The instant of a wall time: moved forward in a gap, the first in a fold.
    pub fn instant(&self, wall: DateTime) -> Timestamp {
        self.zone.to_ambiguous_timestamp(wall).compatible().unwrap_or(Timestamp::MAX)
    }

    /// `duration` after `start`.
    pub fn add(&self, start: Timestamp, duration: Duration) -> Reached {
        let amount = i64::from(duration.amount);
        match duration.measure {
            Measure::Second => Reached::at(shift(start, amount)),
            Measure::Minute => Reached::at(shift(start, amount * 60)),
            Measure::Hour => Reached::at(shift(start, amount * 3600)),
            Measure::Day => Reached::at(self.wall_shift(start, amount.days())),
            Measure::Week => Reached::at(self.wall_shift(start, amount.weeks())),
            Measure::Month => Reached::at(self.wall_shift(start, amount.months())),
            Measure::WorkingSecond => self.after_working(start, SignedDuration::from_secs(amount)),
            Measure::WorkingMinute => self.after_working(start, SignedDuration::from_secs(amount * 60)),
            Measure::WorkingHour => self.after_working(start, SignedDuration::from_secs(amount * 3600)),
            Measure::WorkingDay => self.add_working_days(start, duration.amount),
        }
    }

    /// `duration` before `end`: as [`Calendar::add`], mirrored. An end outside hours counts back from the closing before it.
    pub fn subtract(&self, end: Timestamp, duration: Duration) -> Reached {
        let amount = i64::from(duration.amount);
        match duration.measure {
            Measure::Second => Reached::at(shift(end, -amount)),
            Measure::Minute => Reached::at(shift(end, -amount * 60)),
            Measure::Hour => Reached::at(shift(end, -amount * 3600)),
            Measure::Day => Reached::at(self.wall_shift(end, (-amount).days())),
            Measure::Week => Reached::at(self.wall_shift(end, (-amount).weeks())),
            Measure::Month => Reached::at(self.wall_shift(end, (-amount).months())),
            Measure::WorkingSecond => self.subtract_working(end, SignedDuration::from_secs(amount)),
            Measure::WorkingMinute => self.subtract_working(end, SignedDuration::from_secs(amount * 60)),
            Measure::WorkingHour => self.subtract_working(end, SignedDuration::from_secs(amount * 3600)),
            Measure::WorkingDay => self.subtract_working_days(end, duration.amount),
        }
    }

    /// When a term that starts at `start` ends.
    pub fn due(&self, start: Timestamp, term: Term) -> Reached {
        let today = self.date(start);
        match term {
            Term::Within(duration) => self.add(start, duration),
            Term::EndOfDay { next, working: false } => Reached::at(self.midnight(self.day_after(today, 1 + i32::from(next)))),
            Term::EndOfDay { next, working: true } => self.working_day(start, u32::from(next)).map_or_else(
                || self.exhausted(start),
                |date| Reached::at(self.spans(date).last().map_or_else(|| self.midnight(date), |span| span.1)),
            ),
            Term::TimeOfNextDay { time, working: false } => Reached::at(self.instant(self.day_after(today, 1).to_datetime(time))),
            Term::TimeOfNextDay { time, working: true } => match self.working_day(start, 1) {
                Some(date) => Reached::at(self.instant(date.to_datetime(time))),
                None => self.exhausted(start),
            },
            Term::MonthDay { day, month } => Reached::at(self.month_day(start, day, month)),
            Term::LastWorkingDay => self.last_closing_of_month(start).map_or_else(|| self.exhausted(start), Reached::at),
        }
    }

    /// Working time between two instants; negative if the second is earlier.
    pub fn working_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to < from {
            return -self.working_between(to, from);
        }
        let mut total = SignedDuration::ZERO;
        for (open, close) in self.worked_within(from, to) {
            let (open, close) = (open.max(from), close.min(to));
            if close > open {
                total += close.duration_since(open);
            }
        }
        total
    }

    /// Whether there is any working time in its week.
    pub fn has_hours(&self) -> bool {
        self.weekly.iter().any(|day| !day.is_empty())
    }

    /// True if work is going on at this instant (from opening, up to but not at closing).
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.worked_about(self.date(at)).iter().any(|(open, close)| *open <= at && at < *close)
    }

    /// This instant if work goes on, else the next opening.
    pub fn next_opening(&self, at: Timestamp) -> Reached {
        match self.worked_from(self.date(at)).find(|(_, close)| *close > at) {
            Some((open, _)) => Reached::at(open.max(at)),
            None => self.exhausted(at),
        }
    }

    /// When somebody is told who is told at work only: now while work goes on, else at the next opening. As everywhere
    /// where something ends, the closing itself still belongs to the hours. A calendar that never opens again makes nobody wait.
    pub fn at_work(&self, at: Timestamp) -> Timestamp {
        let is_closing = self.worked_about(self.date(at)).iter().any(|(_, close)| *close == at);
        if is_closing {
            return at;
        }
        let opening = self.next_opening(at);
        if opening.ran_out { at } else { opening.at }
    }

    fn midnight(&self, date: Date) -> Timestamp {
        self.instant(date.at(0, 0, 0, 0))
    }

    fn day_after(&self, date: Date, days: i32) -> Date {
        date.saturating_add(days.days())
    }

    fn wall_shift(&self, at: Timestamp, span: jiff::Span) -> Timestamp {
        let wall = self.zone.to_datetime(at);
        match wall.checked_add(span) {
            // The second of a fold stays the second where nothing else was meant: only a changed wall time is read anew.
            Ok(shifted) if shifted == wall => at,
            Ok(shifted) => self.instant(shifted),
            Err(_) if span.is_negative() => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// So much working time after `start`; an end exactly at closing stays there.
    pub fn after_working(&self, start: Timestamp, length: SignedDuration) -> Reached {
        let mut left = length;
        for (open, close) in self.worked_from(self.date(start)) {
            let open = open.max(start);
            if close <= open {
                continue;
            }
            let available = close.duration_since(open);
            if left <= available {
                return Reached::at(open.checked_add(left).unwrap_or(Timestamp::MAX));
            }
            left -= available;
        }
        self.exhausted(start)
    }

    fn subtract_working(&self, end: Timestamp, length: SignedDuration) -> Reached {
        let mut left = length;
        for (open, close) in self.worked_until(self.date(end)) {
            let close = close.min(end);
            if close <= open {
                continue;
            }
            let available = close.duration_since(open);
            if left <= available {
                return Reached::at(close.checked_sub(left).unwrap_or(Timestamp::MIN));
            }
            left -= available;
        }
        Reached { at: end, ran_out: true }
    }

    fn add_working_days(&self, start: Timestamp, days: u32) -> Reached {
        let opening = self.next_opening(start);
        if opening.ran_out {
            return opening;
        }
        match self.next_working_date(self.date(opening.at), days) {
            Some(date) => Reached::at(self.moved_into(date, self.zone.to_datetime(opening.at))),
            None => self.exhausted(start),
        }
    }

    fn subtract_working_days(&self, end: Timestamp, days: u32) -> Reached {
        let Some(closing) = self.closing_before(end) else { return Reached { at: end, ran_out: true } };
        let (mut date, mut left) = (self.date(closing), days);
        // A closing at 24:00 belongs to the day that it ends.
        if !self.spans(date).iter().any(|(open, close)| *open <= closing && closing <= *close) {
            date = self.day_after(date, -1);
        }
        for _ in 0..HORIZON_DAYS {
            if left == 0 {
                return Reached::at(self.moved_into(date, self.zone.to_datetime(closing)));
            }
            match date.yesterday() {
                Ok(before) => date = before,
                Err(_) => break,
            }
            left -= u32::from(!self.spans(date).is_empty());
        }
        Reached { at: end, ran_out: true }
    }

    /// This instant if it is within hours or at a closing, else the closing before it.
    fn closing_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.worked_until(self.date(at)).find(|(open, _)| *open < at).map(|(_, close)| close.min(at))
    }

    /// The wall time on this working day, moved into its hours: to the opening after it, or back to the last closing.
    fn moved_into(&self, date: Date, wall: DateTime) -> Timestamp {
        let wanted = self.instant(date.to_datetime(wall.time()));
        let spans = self.spans(date);
        match spans.iter().find(|(_, close)| *close >= wanted) {
            Some((open, _)) => wanted.max(*open),
            None => spans.last().map_or(wanted, |(_, close)| *close),
        }
    }

    /// The date of the working day `days` after the one that `start` counts for (its own, or the next opening's).
    fn working_day(&self, start: Timestamp, days: u32) -> Option<Date> {
        let opening = self.next_opening(start);
        if opening.ran_out { None } else { self.next_working_date(self.date(opening.at), days) }
    }

    fn next_working_date(&self, from: Date, days: u32) -> Option<Date> {
        let (mut date, mut left) = (from, days);
        for _ in 0..HORIZON_DAYS {
            if left == 0 {
                return Some(date);
            }
            date = date.tomorrow().ok()?;
            left -= u32::from(!self.spans(date).is_empty());
        }
        None
    }

    fn month_day(&self, start: Timestamp, day: i8, nth: i8) -> Timestamp {
        let today = self.date(start);
        let mut month = today.first_of_month().saturating_add((nth - 1).months());
        loop {
            let date = month.with().day(day.min(month.days_in_month())).build().unwrap_or(month);
            let end = self.midnight(self.day_after(date, 1));
            if end > start {
                return end;
            }
            month = month.saturating_add(1.month());
            if month.year() >= 9998 {
                return Timestamp::MAX;
            }
        }
    }

    /// The last closing of the month, or of the first month after it that has one yet to come.
    fn last_closing_of_month(&self, start: Timestamp) -> Option<Timestamp> {
        let mut month = self.date(start).first_of_month();
        for _ in 0..HORIZON_MONTHS {
            let last = (1..=month.days_in_month()).rev().filter_map(|day| month.with().day(day).build().ok());
            let closing = last.filter_map(|date| self.spans(date).last().map(|span| span.1)).next();
            if let Some(closing) = closing.filter(|closing| *closing > start) {
                return Some(closing);
            }
            month = month.checked_add(1.month()).ok()?;
        }
        None
    }

    fn exhausted(&self, start: Timestamp) -> Reached {
        Reached { at: start.checked_add(SignedDuration::from_hours(24 * 36_500)).unwrap_or(Timestamp::MAX), ran_out: true }
    }
}

fn shift(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn weekday_index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}
