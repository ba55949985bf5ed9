//! The hours of days as instants: those that clocks move into one another count once.

use super::arithmetic::{Calendar, HORIZON_DAYS};
use duban_contracts::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;

/// From an opening to its closing.
pub type Span = (Timestamp, Timestamp);

impl Calendar {
    /// A day's hours as instants, ascending, without empty or overlapping ones.
    pub fn spans(&self, date: Date) -> Vec<Span> {
        let mut spans = Vec::with_capacity(2);
        self.add_spans(date, &mut spans);
        merge(&mut spans);
        spans
    }

    /// Everything worked from two days before this one on, in order of time: hours that begin in a gap move forward by its length, into those
    /// after them, of the next day too.
    pub(super) fn worked_from(&self, date: Date) -> WorkedFrom<'_> {
        WorkedFrom { calendar: self, date: Some(date.saturating_sub(2.days())), left: HORIZON_DAYS, waiting: Vec::with_capacity(4) }
    }

    /// What is worked between two instants, and what reaches into that time; days long after it are not looked through.
    pub(super) fn worked_within(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Span> {
        let (first, last) = (self.date(from), self.date(to));
        let days = first.until(last).map_or(HORIZON_DAYS, |days| days.get_days());
        // From two days before to the day after.
        let worked = WorkedFrom { left: days.saturating_add(4), ..self.worked_from(first) };
        worked.take_while(move |(open, _)| *open < to)
    }

    /// As [`Self::worked_from`] backwards, from the day after this one.
    pub(super) fn worked_until(&self, date: Date) -> WorkedUntil<'_> {
        WorkedUntil { calendar: self, date: Some(date.saturating_add(1.day())), left: HORIZON_DAYS, waiting: Vec::with_capacity(4) }
    }

    /// What is worked on a day and just before: whatever this day's instants may lie in.
    pub(super) fn worked_about(&self, date: Date) -> Vec<Span> {
        let mut spans = Vec::with_capacity(4);
        for days in (0..=2).rev() {
            self.add_spans(date.saturating_sub(days.days()), &mut spans);
        }
        merge(&mut spans);
        spans
    }

    fn add_spans(&self, date: Date, spans: &mut Vec<Span>) {
        let hours = self.hours(date).iter();
        let instants = hours.map(|hours| (self.minute_of(date, hours.from), self.minute_of(date, hours.to)));
        spans.extend(instants.filter(|(open, close)| close > open));
    }

    fn minute_of(&self, date: Date, minute: i16) -> Timestamp {
        let (date, minute) = if minute >= 1440 { (date.saturating_add(1.day()), minute - 1440) } else { (date, minute) };
        let hour = i8::try_from(minute / 60).unwrap_or(0);
        let minute = i8::try_from(minute % 60).unwrap_or(0);
        self.instant(date.at(hour, minute, 0, 0))
    }
}

/// Puts spans in order, and those that overlap into one. Where one ends as the next begins both stay: the closing is one.
fn merge(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    spans.dedup_by(|next, before| {
        let overlaps = next.0 < before.1;
        if overlaps {
            before.1 = before.1.max(next.1);
        }
        overlaps
    });
}

pub(super) struct WorkedFrom<'c> {
    calendar: &'c Calendar,
    /// The first day that has not been looked at.
    date: Option<Date>,
    /// So many days are looked at yet.
    left: i32,
    waiting: Vec<Span>,
}

impl Iterator for WorkedFrom<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let date = self.date.filter(|_| self.left > 0);
            // What is to come begins no earlier than its day.
            let bound = date.map_or(Timestamp::MAX, |date| self.calendar.instant(date.at(0, 0, 0, 0)));
            if self.waiting.first().is_some_and(|(_, close)| *close <= bound) {
                return Some(self.waiting.remove(0));
            }
            let date = date?;
            self.calendar.add_spans(date, &mut self.waiting);
            merge(&mut self.waiting);
            self.date = date.tomorrow().ok();
            self.left -= 1;
        }
    }
}

pub(super) struct WorkedUntil<'c> {
    calendar: &'c Calendar,
    date: Option<Date>,
    left: i32,
    waiting: Vec<Span>,
}

impl Iterator for WorkedUntil<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let date = self.date.filter(|_| self.left > 0);
            // No zone has left out more than a day: what is to come ends within the day after its own.
            let bound = date.map_or(Timestamp::MIN, |date| self.calendar.instant(date.saturating_add(2.days()).at(0, 0, 0, 0)));
            if self.waiting.last().is_some_and(|(open, _)| *open >= bound) {
                return self.waiting.pop();
            }
            let date = date?;
            self.calendar.add_spans(date, &mut self.waiting);
            merge(&mut self.waiting);
            self.date = date.yesterday().ok();
            self.left -= 1;
        }
    }
}
