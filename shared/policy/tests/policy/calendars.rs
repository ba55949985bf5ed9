//! Deadlines: worked examples, the statutory days, clock changes, and what must hold of any calendar.

use crate::world::{POLICY, shanghai, wall};
use duban_policy::calendar::{Calendar, Duration, Measure, Term};
use duban_policy::source::calendar::LooseCalendar;
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

fn cn() -> &'static Calendar {
    POLICY.calendar("cn").unwrap()
}

#[test]
fn deadlines_in_the_chinese_calendar() {
    let examples = [
        // start, in, due                                          6 March 2026 is a Friday
        ("2026-03-06 18:40", "24h", "2026-03-07 18:40"),
        ("2026-03-06 18:40", "7d", "2026-03-13 18:40"),
        ("2026-03-06 18:40", "2w", "2026-03-20 18:40"),
        ("2026-03-06 18:40", "90m", "2026-03-06 20:10"),
        ("2026-03-06 18:40", "2wh", "2026-03-09 11:00"),
        ("2026-03-06 17:00", "1wh", "2026-03-06 18:00"),
        ("2026-03-06 17:00", "2wh", "2026-03-09 10:00"),
        ("2026-03-06 17:00", "90wm", "2026-03-09 09:30"),
        ("2026-03-06 18:00", "1wh", "2026-03-09 10:00"),
        ("2026-03-06 11:00", "1wh", "2026-03-06 12:00"),
        ("2026-03-06 11:30", "1wh", "2026-03-06 13:30"),
        ("2026-03-06 12:00", "1wh", "2026-03-06 14:00"),
        ("2026-03-06 12:30", "1wh", "2026-03-06 14:00"),
        ("2026-03-06 08:00", "8wh", "2026-03-06 18:00"),
        ("2026-03-06 08:00", "16wh", "2026-03-09 18:00"),
        ("2026-03-06 10:00", "1wd", "2026-03-09 10:00"),
        ("2026-03-06 12:30", "1wd", "2026-03-09 13:00"),
        ("2026-03-06 18:00", "1wd", "2026-03-10 09:00"),
        ("2026-03-06 18:40", "1wd", "2026-03-10 09:00"),
        ("2026-03-07 10:00", "3wd", "2026-03-12 09:00"),
        ("2026-03-06 10:00", "10wd", "2026-03-20 10:00"),
        // Spring Festival 2026: off from 15 to 23 February, Saturdays 14 and 28 worked
        ("2026-02-13 10:00", "1wd", "2026-02-14 10:00"),
        ("2026-02-14 10:00", "1wd", "2026-02-24 10:00"),
        ("2026-02-14 17:30", "1wh", "2026-02-24 09:30"),
        ("2026-02-16 10:00", "1wh", "2026-02-24 10:00"),
        ("2026-02-27 15:00", "1wd", "2026-02-28 15:00"),
        ("2026-02-28 15:00", "1wd", "2026-03-02 15:00"),
        // New Year 2026: off from 1 to 3 January, Sunday the 4th worked
        ("2025-12-31 17:00", "2wh", "2026-01-04 10:00"),
        ("2025-12-31 17:00", "1wd", "2026-01-04 17:00"),
        // National Day: 1 to 7 October 2026, Saturday the 10th worked
        ("2026-09-30 16:00", "4wh", "2026-10-08 11:00"),
        ("2026-10-09 16:00", "1wd", "2026-10-10 16:00"),
        ("2024-09-30 16:00", "1wd", "2024-10-08 16:00"),
        ("2025-09-30 16:00", "1wd", "2025-10-09 16:00"),
        ("2025-04-27 16:00", "3wd", "2025-04-30 16:00"),
        // Month ends and leap days
        ("2026-01-31 09:00", "1mon", "2026-02-28 09:00"),
        ("2024-01-31 09:00", "1mon", "2024-02-29 09:00"),
        ("2026-12-31 09:00", "2mon", "2027-02-28 09:00"),
        ("2024-02-29 09:00", "12mon", "2025-02-28 09:00"),
        ("2024-02-29 09:00", "7d", "2024-03-07 09:00"),
        ("2025-12-31 23:59", "1m", "2026-01-01 00:00"),
        // Points of a day
        ("2026-03-06 18:40", "end of day", "2026-03-07 00:00"),
        ("2026-03-06 18:40", "end of next day", "2026-03-08 00:00"),
        ("2026-03-06 16:00", "end of working day", "2026-03-06 18:00"),
        ("2026-03-07 16:00", "end of working day", "2026-03-09 18:00"),
        ("2026-03-06 16:00", "end of next working day", "2026-03-09 18:00"),
        ("2026-02-13 16:00", "end of next working day", "2026-02-14 18:00"),
        ("2026-03-06 16:00", "10:00 next day", "2026-03-07 10:00"),
        ("2026-03-06 16:00", "10:00 next working day", "2026-03-09 10:00"),
        ("2026-03-01 00:00", "by the 10th", "2026-03-11 00:00"),
        ("2026-03-01 00:00", "before the 10th", "2026-03-10 00:00"),
        ("2026-03-11 00:00", "by the 10th", "2026-04-11 00:00"),
        ("2026-02-01 00:00", "by the 31st", "2026-03-01 00:00"),
        // Saturday, worked for the Spring Festival
        ("2026-02-01 00:00", "end of last working day", "2026-02-28 18:00"),
        ("2026-01-30 17:59", "end of last working day", "2026-01-30 18:00"),
        ("2026-01-30 18:00", "end of last working day", "2026-02-28 18:00"),
        ("2026-01-30 18:01", "end of last working day", "2026-02-28 18:00"),
        ("2026-05-31 09:00", "end of last working day", "2026-06-30 18:00"),
    ];
    for (start, term, due) in examples {
        let reached = cn().due(shanghai(start), term.parse::<Term>().unwrap());
        assert_eq!(wall(reached.at), due, "{start} + {term}");
        assert!(!reached.ran_out);
    }
}

/// Counted by another program than ours, minute by minute, or by hand with the reasoning beside it: calendar, start and due as wall times (due
/// with its offset), and what it is about.
const EXAMPLES: &str = include_str!("examples.csv");

#[test]
fn examples_that_were_counted_apart_from_us() {
    let zoned = |zone: &str, weekly: serde_json::Value| {
        serde_json::from_value::<LooseCalendar>(json!({ "zone": zone, "weekly": weekly })).unwrap().build().unwrap()
    };
    let every_day = |hours: serde_json::Value| json!({ "mon": hours, "tue": hours, "wed": hours, "thu": hours, "fri": hours, "sat": hours, "sun": hours });
    let office = json!([["09:00", "17:00"]]);
    let made = [
        (
            "new-york-office",
            zoned("America/New_York", json!({ "mon": office, "tue": office, "wed": office, "thu": office, "fri": office })),
        ),
        ("new-york-nights", zoned("America/New_York", every_day(json!([["00:00", "06:00"], ["22:00", "24:00"]])))),
        ("new-york-always", zoned("America/New_York", every_day(json!([["00:00", "24:00"]])))),
        ("lord-howe", zoned("Australia/Lord_Howe", every_day(json!([["00:00", "04:00"], ["08:00", "17:00"]])))),
    ];
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in EXAMPLES.lines().skip(1) {
        let [name, start, term, due, note] = line.splitn(5, ',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let calendar = made.iter().find(|(made, _)| *made == name).map_or_else(|| POLICY.calendar(name).unwrap(), |(_, calendar)| calendar);
        let begun = calendar.instant(start.parse::<DateTime>().unwrap());
        let reached = calendar.due(begun, term.parse::<Term>().unwrap());
        if reached.at != due.parse::<Timestamp>().unwrap() {
            wrong.push(format!(
                "{name} {start} + {term} ({note}): {} instead of {due}",
                reached.at.to_zoned_datetime(calendar.zone.clone())
            ));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 150, "{count}");
}

#[test]
fn reminders_count_back_in_the_same_hours() {
    let examples = [
        ("2026-03-09 10:00", "2wh", "2026-03-06 17:00"),
        ("2026-03-09 09:00", "1wh", "2026-03-06 17:00"),
        ("2026-03-08 12:00", "1wh", "2026-03-06 17:00"),
        ("2026-03-09 13:30", "1wh", "2026-03-09 11:30"),
        ("2026-03-09 10:00", "1wd", "2026-03-06 10:00"),
        ("2026-03-08 12:00", "1wd", "2026-03-05 18:00"),
        ("2026-02-24 10:00", "1wd", "2026-02-14 10:00"),
        ("2026-03-31 10:00", "1mon", "2026-02-28 10:00"),
        ("2026-03-07 18:40", "12h", "2026-03-07 06:40"),
        // An hour of Sunday 4 January, worked for the 2nd; the 3rd to the 1st are off; an hour of 31 December.
        ("2026-01-04 10:00", "2wh", "2025-12-31 17:00"),
        // A whole make-up Saturday, 5 h and 3 h: its beginning is exactly at opening and stays there.
        ("2026-02-24 09:00", "8wh", "2026-02-14 09:00"),
        // Back from a make-up Saturday: Friday, Thursday; before it lie eight days off.
        ("2025-10-11 10:00", "2wd", "2025-10-09 10:00"),
        ("2025-10-11 10:00", "3wd", "2025-09-30 10:00"),
        // A leap February.
        ("2028-03-31 10:00", "1mon", "2028-02-29 10:00"),
    ];
    for (end, back, start) in examples {
        assert_eq!(wall(cn().subtract(shanghai(end), back.parse().unwrap()).at), start, "{end} - {back}");
    }
}

fn new_york(hours: serde_json::Value) -> Calendar {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| (day.to_owned(), hours.clone()));
    let weekly: serde_json::Map<String, serde_json::Value> = days.into_iter().collect();
    serde_json::from_value::<LooseCalendar>(json!({ "zone": "America/New_York", "weekly": weekly })).unwrap().build().unwrap()
}

/// In New York clocks go forward on 8 March 2026 at 02:00 and back on 1 November at 02:00.
#[test]
fn clock_changes_lose_and_gain_what_they_lose_and_gain() {
    let at = |calendar: &Calendar, text: &str| calendar.instant(text.parse::<DateTime>().unwrap());
    let shown = |calendar: &Calendar, at: Timestamp| calendar.zone.to_datetime(at).to_string();
    let always = new_york(json!([["00:00", "24:00"]]));
    let after = |start: &str, span: &str| always.add(at(&always, start), span.parse().unwrap()).at;
    assert_eq!(shown(&always, after("2026-03-07 12:00", "24h")), "2026-03-08T13:00:00");
    assert_eq!(shown(&always, after("2026-03-07 12:00", "24wh")), "2026-03-08T13:00:00");
    assert_eq!(shown(&always, after("2026-03-07 02:30", "1d")), "2026-03-08T03:30:00", "a gap moves forward by its length");
    assert_eq!(after("2026-10-31 01:30", "1d").to_string(), "2026-11-01T05:30:00Z", "in a fold the first is meant");
    for (date, hours) in [("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25)] {
        let start = at(&always, &format!("{date} 00:00"));
        let next = always.add(start, "1d".parse().unwrap()).at;
        assert_eq!(always.working_between(start, next), SignedDuration::from_hours(hours), "{date}");
    }
    let nights = new_york(json!([["02:00", "03:00"], ["02:30", "04:00"]]));
    let (start, end) = (at(&nights, "2026-03-08 00:00"), at(&nights, "2026-03-09 00:00"));
    assert_eq!(nights.working_between(start, end), SignedDuration::from_mins(30), "an emptied span counts nothing, an overlap once");
    let (start, end) = (at(&nights, "2026-03-09 00:00"), at(&nights, "2026-03-10 00:00"));
    assert_eq!(nights.working_between(start, end), SignedDuration::from_hours(2));
}

/// Hours that a gap moves into those after them, or into the next day's, count once, and what they cover is none the less worked.
#[test]
fn hours_that_clocks_move_into_one_another_count_once() {
    let made = |zone: &str, special: serde_json::Value| {
        serde_json::from_value::<LooseCalendar>(json!({ "zone": zone, "weekly": {}, "special": special })).unwrap().build().unwrap()
    };
    let morning = made("America/New_York", json!({ "2026-03-08": [["00:00", "02:15"], ["02:30", "02:45"], ["03:00", "12:00"]] }));
    let at = |calendar: &Calendar, text: &str| calendar.instant(text.parse::<DateTime>().unwrap());
    let shown = |calendar: &Calendar, at: Timestamp| calendar.zone.to_datetime(at).to_string();
    let midnight = at(&morning, "2026-03-08 00:00");
    assert_eq!(shown(&morning, morning.add(midnight, "3wh".parse().unwrap()).at), "2026-03-08T04:00:00");
    let noon = morning.add(midnight, "11wh".parse().unwrap());
    assert_eq!((shown(&morning, noon.at), noon.ran_out), ("2026-03-08T12:00:00".to_owned(), false));
    assert_eq!(morning.working_between(midnight, noon.at), SignedDuration::from_hours(11));
    assert_eq!(morning.subtract(noon.at, "11wh".parse().unwrap()).at, midnight);
    let steps = morning.steps(midnight, "11wh".parse::<Term>().unwrap());
    assert!(steps.iter().any(|step| step.words.en.contains("00:00–12:00: 11 h")), "{steps:#?}");
    // In Nuuk clocks went forward on 28 March 2026 at 23:00, over midnight.
    let night = made("America/Nuuk", json!({ "2026-03-28": [["23:10", "23:50"]], "2026-03-29": [["00:00", "00:20"]] }));
    let evening = at(&night, "2026-03-28 12:00");
    assert_eq!(night.add(evening, "45wm".parse().unwrap()).at.to_string(), "2026-03-29T01:45:00Z");
    assert!(night.is_open("2026-03-29T01:45:00Z".parse().unwrap()) && !night.is_open("2026-03-29T01:50:00Z".parse().unwrap()));
}

#[test]
fn special_days_come_before_holidays_and_these_before_the_week() {
    let text = json!({
        "zone": "UTC", "weekly": { "mon": [["09:00", "17:00"]] }, "holidays": ["2026-03-02", "2026-03-09"], "special": { "2026-03-09": [["10:00", "11:00"]] },
    });
    let calendar = serde_json::from_value::<LooseCalendar>(text).unwrap().build().unwrap();
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(calendar.add(start, "1wh".parse().unwrap()).at.to_string(), "2026-03-09T11:00:00Z");
    assert_eq!(calendar.add(start, "61wm".parse().unwrap()).at.to_string(), "2026-03-16T09:01:00Z");
}

#[test]
fn a_calendar_that_cannot_be_meant_is_refused_and_one_that_runs_out_says_so() {
    let build =
        |weekly: serde_json::Value| serde_json::from_value::<LooseCalendar>(json!({ "zone": "UTC", "weekly": weekly })).unwrap().build();
    assert!(build(json!({ "mon": [["22:00", "06:00"]] })).unwrap_err().contains("ends before it begins"));
    assert!(build(json!({ "mon": [["09:00", "24:01"]] })).unwrap_err().contains("not times of a day"));
    assert!(build(json!({ "mon": [["9:00", "12:00"]] })).is_err());
    let never = build(json!({})).unwrap();
    assert!(never.add(Timestamp::UNIX_EPOCH, "1wd".parse().unwrap()).ran_out);
    assert!(never.add(Timestamp::UNIX_EPOCH, "1wh".parse().unwrap()).ran_out);
}

#[test]
fn durations_that_cannot_be_meant_are_refused() {
    for bad in
        ["", "h", "7", "0d", "-3d", "1.5h", "3 weeks", "7wk", "99999999999h", "200000d", "by the 40th", "before the 1st", "25:00 next day"]
    {
        assert!(bad.parse::<Term>().is_err(), "{bad}");
    }
    for good in ["24h", "7 d", "3wd", "6wh", "30min", "1mon", "45ws", "by the 3rd"] {
        let term: Term = good.parse().unwrap();
        assert_eq!(term.to_string().parse::<Term>().unwrap(), term, "{good} is written as it is read");
    }
}

static SHOPS: LazyLock<[Calendar; 3]> =
    LazyLock::new(|| [cn().clone(), POLICY.calendar("stores").unwrap().clone(), new_york(json!([["01:00", "02:30"], ["08:00", "24:00"]]))]);

/// Days on which clocks go forward or back.
const CHANGES: [(&str, &str); 9] = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Asia/Beirut", "2026-03-29"),
    ("America/Nuuk", "2026-03-28"),
    ("America/Santiago", "2026-09-06"),
    ("Europe/Berlin", "2026-03-29"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Shanghai", "2026-03-08"),
];

/// Of these the one whose clocks are changed.
const NEW_YORK: usize = 2;

fn instants() -> impl Strategy<Value = Timestamp> {
    // 2024 to 2026, to the minute.
    (28_400_000_i64..29_900_000).prop_map(|minute| Timestamp::from_second(minute * 60).unwrap())
}

fn durations() -> impl Strategy<Value = Duration> {
    (1_u32..200, prop_oneof!["m", "h", "d", "w", "mon", "wm", "wh", "wd"])
        .prop_map(|(amount, measure)| format!("{amount}{measure}").parse().unwrap())
}

/// Any text, and texts that are nearly terms.
fn terms() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,24}",
        "[-+ ]?[0-9]{1,22}[ \u{a0}]?(s|m|min|h|d|w|mon|ws|wm|wh|wd|y|天|H|)",
        "(by|before|By) the [0-9]{1,12}(st|nd|rd|th|)",
        "(end|END) of (next )?(working )?day",
        "[0-9]{1,3}:[0-9]{1,3} next (working )?day",
    ]
}

/// What ships is what others have typed in too: each day of the three years, against a library of calendars.
#[test]
fn the_statutory_days_are_those_that_a_library_of_calendars_has() {
    use tyme4rs::tyme::holiday::LegalHoliday;
    let mut day = jiff::civil::date(2024, 1, 1);
    let (mut off, mut made_up) = (0, 0);
    while day.year() < 2027 {
        let known = LegalHoliday::from_ymd(day.year().into(), day.month() as usize, day.day() as usize).map(|known| known.is_work());
        let weekday = day.weekday().to_monday_zero_offset() < 5;
        assert_eq!(cn().is_working_day(day), known.unwrap_or(weekday), "{day}");
        off += usize::from(known == Some(false));
        made_up += usize::from(known == Some(true));
        day = day.tomorrow().unwrap();
    }
    assert!(off > 80 && made_up > 15, "the library knows {off} days off and {made_up} made up");
}

proptest! {
    /// Time by the clock is the same whatever the calendar, in parts or at once, and comes off again.
    #[test]
    fn time_by_the_clock_may_be_split_and_comes_off_again(start in instants(), first in 1_u32..2_000, second in 1_u32..2_000, measure in prop_oneof!["h", "m"], nth in 0_usize..3) {
        let calendar = &SHOPS[nth];
        let span = |amount: u32| format!("{amount}{measure}").parse::<Duration>().unwrap();
        let whole = calendar.add(start, span(first + second)).at;
        prop_assert_eq!(calendar.add(calendar.add(start, span(first)).at, span(second)).at, whole);
        prop_assert_eq!(calendar.subtract(whole, span(first + second)).at, start);
    }

    #[test]
    fn working_hours_may_be_split(start in instants(), first in 1_u32..80, second in 1_u32..80, nth in 0_usize..3) {
        let add = |at: Timestamp, hours: u32| SHOPS[nth].add(at, format!("{hours}wh").parse().unwrap()).at;
        prop_assert_eq!(add(add(start, first), second), add(start, first + second));
    }

    /// Days and weeks are dates: in a zone whose clock is never changed they may be split, and come off again.
    #[test]
    fn days_may_be_split_where_no_clock_is_changed(start in instants(), first in 1_u32..400, second in 1_u32..400, measure in prop_oneof!["d", "w"]) {
        let span = |amount: u32| format!("{amount}{measure}").parse::<Duration>().unwrap();
        let whole = cn().add(start, span(first + second)).at;
        prop_assert_eq!(cn().add(cn().add(start, span(first)).at, span(second)).at, whole);
        prop_assert_eq!(cn().subtract(whole, span(first + second)).at, start);
    }

    /// From the day on which the count begins, so many working days later.
    #[test]
    fn so_many_working_days_lie_between(start in instants(), days in 1_u32..200) {
        let end = cn().add(start, format!("{days}wd").parse().unwrap()).at;
        // At closing, work has ended: it counts from the next opening.
        let begins = if cn().is_open(start) { start } else { cn().at_work(start.checked_add(SignedDuration::from_secs(1)).unwrap()) };
        let (mut day, mut counted) = (cn().date(begins), 0);
        while day < cn().date(end) {
            day = day.tomorrow().unwrap();
            counted += u32::from(cn().is_working_day(day));
        }
        prop_assert_eq!((counted, cn().is_working_day(day)), (days, true));
    }

    /// A month on is the same day of the month, or the last where there is none; taken off again it is not later than the start.
    #[test]
    fn a_month_on_is_the_same_day_or_the_last(start in instants(), months in 1_u32..60) {
        let span: Duration = format!("{months}mon").parse().unwrap();
        let (from, to) = (cn().date(start), cn().date(cn().add(start, span).at));
        prop_assert!(to.day() == from.day() || (to.day() < from.day() && to.day() == to.days_in_month()), "{} {}", from, to);
        let ahead = (i32::from(to.year()) - i32::from(from.year())) * 12 + i32::from(to.month()) - i32::from(from.month());
        prop_assert_eq!(ahead, i32::try_from(months).unwrap());
        prop_assert!(cn().subtract(cn().add(start, span).at, span).at <= start);
    }

    /// But where the calendar itself has it so: the 30th at 18:00 and the 31st at 09:00 both end on the last of February, each at its time of day;
    /// and a wall time that clocks skip moves forward over the next hour.
    #[test]
    fn a_later_start_is_never_due_earlier(a in instants(), b in instants(), span in durations(), nth in 0_usize..3) {
        let calendar = &SHOPS[nth];
        let (first, second) = (a.min(b), a.max(b));
        let (early, late) = (calendar.add(first, span).at, calendar.add(second, span).at);
        let keeps_wall_time = matches!(span.measure, Measure::Day | Measure::Week | Measure::Month | Measure::WorkingDay);
        let skipped = SignedDuration::from_hours(i64::from(nth == NEW_YORK && keeps_wall_time));
        if span.measure == Measure::Month {
            prop_assert!(calendar.zone.to_datetime(early).date() <= calendar.zone.to_datetime(late).date());
        } else {
            prop_assert!(early <= late + skipped);
        }
        prop_assert!(early > first);
    }

    /// The same, of starts that lie near one another: where it could go wrong at all.
    #[test]
    fn a_start_a_little_later_is_never_due_earlier(a in instants(), minutes in 0_i64..4_320, span in durations(), nth in 0_usize..2) {
        let calendar = &SHOPS[nth];
        let later = a + SignedDuration::from_mins(minutes);
        let (early, late) = (calendar.add(a, span).at, calendar.add(later, span).at);
        if span.measure == Measure::Month {
            prop_assert!(calendar.zone.to_datetime(early).date() <= calendar.zone.to_datetime(late).date());
        } else {
            prop_assert!(early <= late);
        }
    }

    #[test]
    fn more_time_is_never_due_earlier(start in instants(), less in 1_u32..500, more in 1_u32..500, measure in prop_oneof!["h", "wm", "wh", "wd"], nth in 0_usize..3) {
        let add = |amount: u32| SHOPS[nth].add(start, format!("{amount}{measure}").parse().unwrap()).at;
        prop_assert!(add(less.min(more)) <= add(less.max(more)));
    }

    #[test]
    fn a_working_span_may_be_split(start in instants(), first in 1_u32..600, second in 1_u32..600, nth in 0_usize..3) {
        let add = |at: Timestamp, minutes: u32| SHOPS[nth].add(at, format!("{minutes}wm").parse().unwrap()).at;
        prop_assert_eq!(add(add(start, first), second), add(start, first + second));
    }

    #[test]
    fn what_was_added_is_the_working_time_between_and_comes_off_again(start in instants(), minutes in 1_u32..3_000, nth in 0_usize..3) {
        let (calendar, span) = (&SHOPS[nth], format!("{minutes}wm").parse().unwrap());
        let end = calendar.add(start, span).at;
        prop_assert_eq!(calendar.working_between(start, end), SignedDuration::from_mins(i64::from(minutes)));
        let back = calendar.subtract(end, span).at;
        prop_assert_eq!(calendar.working_between(back, start), SignedDuration::ZERO);
    }

    /// Around clock changes of every sort (an hour, half an hour, over midnight, a whole day left out), with hours that overlap: against a count
    /// minute by minute of what lies within any day's hours.
    #[test]
    fn what_is_worked_around_a_clock_change_counts_once(
        change in 0_usize..CHANGES.len(),
        days in prop::collection::vec(prop::collection::vec((0_i64..1_440, 1_i64..400), 0..4), 4),
        start in 0_i64..4_320,
        minutes in 1_u32..1_500,
    ) {
        let (zone, day) = CHANGES[change];
        let first: Date = day.parse().unwrap();
        let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        let dates: Vec<Date> = (-1..3).map(|days: i64| first.checked_add(days.days()).unwrap()).collect();
        let hours: Vec<Vec<(i64, i64)>> = days.iter().map(|day| day.iter().map(|(from, length)| (*from, (from + length).min(1_440))).collect()).collect();
        let special: serde_json::Map<String, serde_json::Value> = dates
            .iter()
            .zip(&hours)
            .map(|(date, hours)| (date.to_string(), hours.iter().map(|(from, to)| json!([clock(*from), clock(*to)])).collect()))
            .collect();
        let text = json!({ "zone": zone, "weekly": {}, "special": special });
        let calendar = serde_json::from_value::<LooseCalendar>(text).unwrap().build().unwrap();
        let instant = |date: Date, minute: i64| calendar.instant(date.to_datetime(jiff::civil::Time::midnight()).checked_add(minute.minutes()).unwrap());
        let spans: Vec<(Timestamp, Timestamp)> =
            dates.iter().zip(&hours).flat_map(|(date, hours)| hours.iter().map(|(from, to)| (instant(*date, *from), instant(*date, *to)))).collect();
        let begun = instant(dates[0], 0) + SignedDuration::from_mins(start);
        let is_worked = |at: Timestamp| spans.iter().any(|(open, close)| *open <= at && at < *close);
        let (mut at, mut left) = (begun, minutes);
        let last = spans.iter().map(|(_, close)| *close).max().unwrap_or(begun).max(begun);
        while left > 0 && at < last {
            prop_assert_eq!(calendar.is_open(at), is_worked(at), "{}", at);
            left -= u32::from(is_worked(at));
            at += SignedDuration::from_mins(1);
        }
        let span: Duration = format!("{minutes}wm").parse().unwrap();
        let reached = calendar.add(begun, span);
        prop_assert_eq!(reached.ran_out, left > 0);
        if left == 0 {
            prop_assert_eq!(reached.at, at);
            prop_assert_eq!(calendar.working_between(begun, at), SignedDuration::from_mins(i64::from(minutes)));
            let back = calendar.subtract(at, span).at;
            prop_assert_eq!(calendar.working_between(back, at), SignedDuration::from_mins(i64::from(minutes)));
            prop_assert!(back >= begun);
        }
    }

    /// Against a count minute by minute.
    #[test]
    fn working_minutes_are_those_in_which_work_goes_on(start in instants(), minutes in 1_u32..900) {
        let calendar = cn();
        let (mut at, mut left) = (start, minutes);
        while left > 0 {
            left -= u32::from(calendar.is_open(at));
            at = at.checked_add(SignedDuration::from_mins(1)).unwrap();
        }
        prop_assert_eq!(calendar.add(start, format!("{minutes}wm").parse().unwrap()).at, at);
    }

    #[test]
    fn working_days_fall_on_working_days_within_hours(start in instants(), days in 1_u32..60, nth in 0_usize..3) {
        let calendar = &SHOPS[nth];
        let end = calendar.add(start, format!("{days}wd").parse().unwrap()).at;
        let just_before = end.checked_sub(SignedDuration::from_secs(1)).unwrap();
        prop_assert!(calendar.is_open(end) || calendar.is_open(just_before));
    }

    /// What is read is written as it is read, and counts from any instant.
    #[test]
    fn any_text_is_read_or_refused(text in terms(), second in any::<i64>()) {
        let start = Timestamp::from_second(second % (1 << 36)).unwrap_or(Timestamp::MAX);
        if let Ok(term) = text.parse::<Term>() {
            prop_assert_eq!(term.to_string().parse::<Term>(), Ok(term), "{}", text);
            for start in [start, Timestamp::MIN, Timestamp::MAX] {
                let _ = cn().due(start, term);
            }
        }
        if let Ok(duration) = text.parse::<Duration>() {
            prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration), "{}", text);
            for start in [start, Timestamp::MIN, Timestamp::MAX] {
                let _ = cn().subtract(start, duration);
            }
        }
    }
}
