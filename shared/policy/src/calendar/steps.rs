//! How a due time comes about, step by step, in both languages: for everybody who doubts a date.

use super::arithmetic::{Calendar, Reached};
use super::day::last_minute;
use super::duration::{Basis, Duration, Measure, Term};
use super::worked::Span;
use crate::Title;
use duban_contracts::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;

/// Of a long count so many days are told at its beginning and at its end; those between are summed up.
const FIRST_DAYS: usize = 10;
const LAST_DAYS: usize = 4;

/// One step of a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Up to when has been counted by then.
    pub at: Timestamp,
    pub words: Title,
}

/// What a day adds.
struct Day {
    date: Date,
    counted_to: Timestamp,
    /// Days without hours before it.
    off: Option<(Date, Date)>,
    words: Title,
    amount: SignedDuration,
}

impl Calendar {
    /// The steps from `start` to [`Calendar::due`]; the last one is the due time itself.
    pub fn steps(&self, start: Timestamp, term: Term) -> Vec<Step> {
        let due = self.due(start, term);
        let mut steps = vec![self.step(start, "起算", "counted from")];
        match term {
            Term::Within(duration) if duration.basis() == Basis::Working => self.working_steps(start, duration, due, &mut steps),
            Term::EndOfDay { working: true, .. } | Term::TimeOfNextDay { working: true, .. } | Term::LastWorkingDay => {
                self.until_opening(start, &mut steps)
            }
            Term::MonthDay { day, .. } if !due.ran_out => steps.extend(self.shorter_month(due.at, day)),
            _ => {}
        }
        if !due.ran_out && term.is_working() {
            steps.extend(self.unknown_year(due.at).map(|words| Step { at: due.at, words }));
        }
        steps.push(Step {
            at: due.at,
            words: match due.ran_out {
                true => due.why_not(),
                false => Title::new(
                    format!("{}到期：{}", term.zh(), self.ends_zh(due.at)),
                    format!("due {}: {}", term.en(), self.ends_en(due.at)),
                ),
            },
        });
        steps
    }

    /// Said where a count ends in a year of which the calendar names no days off.
    pub(crate) fn unknown_year(&self, due: Timestamp) -> Option<Title> {
        let year = self.date(due).year();
        self.lacks_year(year).then(|| {
            Title::new(
                format!("日历未列出 {year} 年的节假日，该年仅按每周作息计算"),
                format!("the calendar names no holidays of {year}: there the week alone is counted"),
            )
        })
    }

    /// Said where the month has no such day.
    fn shorter_month(&self, due: Timestamp, day: i8) -> Option<Step> {
        let last = self.date(last_minute(due, &self.zone)?);
        (last.day() < day).then(|| Step {
            at: due,
            words: Title::new(
                format!("{}年{}月没有{day}日，以月末为准", last.year(), last.month()),
                format!("{}-{:02} has no day {day}: its last day counts", last.year(), last.month()),
            ),
        })
    }

    fn step(&self, at: Timestamp, zh: &str, en: &str) -> Step {
        Step { at, words: Title::new(format!("{zh}：{}", self.clock_zh(at)), format!("{en} {}", self.clock_en(at))) }
    }

    /// Outside hours nothing counts before the next opening.
    fn until_opening(&self, start: Timestamp, steps: &mut Vec<Step>) {
        let opening = self.next_opening(start);
        if opening.at != start && !opening.ran_out {
            steps.push(self.step(opening.at, "当时不在工作时间，自下一次上班起算", "outside working hours, so from the next opening"));
        }
    }

    fn working_steps(&self, start: Timestamp, duration: Duration, due: Reached, steps: &mut Vec<Step>) {
        self.until_opening(start, steps);
        let opening = self.next_opening(start);
        if due.ran_out || opening.ran_out {
            return;
        }
        let days = if duration.measure == Measure::WorkingDay {
            self.counted_days(self.date(opening.at), due.at, duration.amount)
        } else {
            self.counted_hours(opening.at, due.at)
        };
        self.tell(days, steps);
    }

    /// Each working day after the first, numbered.
    fn counted_days(&self, from: Date, due: Timestamp, amount: u32) -> Vec<Day> {
        let mut days = Vec::new();
        let (mut date, mut off) = (from, None);
        let mut nth = 0;
        while nth < amount {
            let Ok(next) = date.tomorrow() else { break };
            date = next;
            let Some((_, close)) = self.spans(date).last().copied() else {
                off = Some(off.map_or((date, date), |(first, _)| (first, date)));
                continue;
            };
            nth += 1;
            let words = Title::new(format!("{}：第{nth}个工作日", day_zh(date)), format!("{}: working day {nth}", day_en(date)));
            days.push(Day {
                date,
                counted_to: if nth == amount { due } else { close },
                off: off.take(),
                words,
                amount: SignedDuration::ZERO,
            });
        }
        days
    }

    /// Each day's hours that count, with the sum so far.
    fn counted_hours(&self, from: Timestamp, due: Timestamp) -> Vec<Day> {
        let mut worked: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
        for (open, close) in self.worked_within(from, due) {
            let (open, close) = (open.max(from), close.min(due));
            if open < close {
                worked.entry(self.date(open)).or_default().push((open, close));
            }
        }
        let mut days = Vec::new();
        let (mut date, mut off, mut total) = (self.date(from), None, SignedDuration::ZERO);
        let last = self.date(due);
        while date <= last {
            let spans = worked.remove(&date).unwrap_or_default();
            if let Some((_, counted_to)) = spans.last().copied() {
                let amount: SignedDuration = spans.iter().map(|(open, close)| close.duration_since(*open)).sum();
                total += amount;
                let hours: Vec<String> = spans.iter().map(|(open, close)| format!("{}–{}", self.wall(*open), self.wall(*close))).collect();
                let words = Title::new(
                    format!("{} {}：计{}，累计{}", day_zh(date), hours.join("、"), length_zh(amount), length_zh(total)),
                    format!("{} {}: {}, {} in all", day_en(date), hours.join(", "), length_en(amount), length_en(total)),
                );
                days.push(Day { date, counted_to, off: off.take(), words, amount });
            } else if date > self.date(from) {
                off = Some(off.map_or((date, date), |(first, _)| (first, date)));
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        days
    }

    fn tell(&self, days: Vec<Day>, steps: &mut Vec<Step>) {
        let between = if days.len() > FIRST_DAYS + LAST_DAYS { FIRST_DAYS..days.len() - LAST_DAYS } else { 0..0 };
        for (nth, day) in days.iter().enumerate() {
            if between.contains(&nth) {
                if nth + 1 == between.end {
                    steps.push(Step { at: day.counted_to, words: summed_up(&days[between.clone()]) });
                }
                continue;
            }
            if let Some((first, last)) = day.off {
                steps.push(Step { at: self.instant(day.date.at(0, 0, 0, 0)), words: not_worked(first, last) });
            }
            steps.push(Step { at: day.counted_to, words: day.words.clone() });
        }
    }

    fn wall(&self, at: Timestamp) -> String {
        let wall = self.zone.to_datetime(at);
        let seconds = if wall.second() == 0 { String::new() } else { format!(":{:02}", wall.second()) };
        format!("{:02}:{:02}{seconds}", wall.hour(), wall.minute())
    }

    fn clock_zh(&self, at: Timestamp) -> String {
        format!("{} {}", day_zh(self.date(at)), self.wall(at))
    }

    fn clock_en(&self, at: Timestamp) -> String {
        format!("{} {}", day_en(self.date(at)), self.wall(at))
    }

    fn ends_zh(&self, at: Timestamp) -> String {
        last_minute(at, &self.zone).map_or_else(|| self.clock_zh(at), |last| format!("{} 24:00", day_zh(self.date(last))))
    }

    fn ends_en(&self, at: Timestamp) -> String {
        last_minute(at, &self.zone).map_or_else(|| self.clock_en(at), |last| format!("{} 24:00", day_en(self.date(last))))
    }
}

fn not_worked(first: Date, last: Date) -> Title {
    if first == last {
        return Title::new(format!("{}不上班，不计", day_zh(first)), format!("{} is not worked and does not count", day_en(first)));
    }
    Title::new(
        format!("{}至{}不上班，不计", day_zh(first), day_zh(last)),
        format!("{} to {} are not worked and do not count", day_en(first), day_en(last)),
    )
}

fn summed_up(days: &[Day]) -> Title {
    let amount: SignedDuration = days.iter().map(|day| day.amount).sum();
    let (zh, en) = if amount.is_zero() {
        (String::new(), String::new())
    } else {
        (format!("，共计{}", length_zh(amount)), format!(", {}", length_en(amount)))
    };
    Title::new(format!("其间另有{}个工作日{zh}", days.len()), format!("{} working days more{en}", days.len()))
}

fn day_zh(date: Date) -> String {
    let day = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][weekday(date)];
    format!("{}年{}月{}日（{day}）", date.year(), date.month(), date.day())
}

fn day_en(date: Date) -> String {
    let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][weekday(date)];
    format!("{day} {date}")
}

fn weekday(date: Date) -> usize {
    match date.weekday() {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

fn length_zh(length: SignedDuration) -> String {
    in_parts(length, ["小时", "分钟", "秒"], "")
}

fn length_en(length: SignedDuration) -> String {
    in_parts(length, [" h", " min", " s"], " ")
}

fn in_parts(length: SignedDuration, measures: [&str; 3], between: &str) -> String {
    let seconds = length.as_secs();
    let parts = [seconds / 3600, seconds % 3600 / 60, seconds % 60];
    let told: Vec<String> =
        parts.iter().zip(measures).filter(|(amount, _)| **amount > 0).map(|(amount, m)| format!("{amount}{m}")).collect();
    if told.is_empty() { format!("0{}", measures[0]) } else { told.join(between) }
}

#[cfg(test)]
mod tests;
