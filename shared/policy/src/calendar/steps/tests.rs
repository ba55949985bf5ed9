use super::*;
use crate::calendar::Hours;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Monday to Friday 09:00-12:00 and 13:00-18:00; Monday 9 March 2026 is a holiday.
fn office() -> Calendar {
    let day = vec![Hours { from: 540, to: 720 }, Hours { from: 780, to: 1080 }];
    Calendar {
        name: "office".into(),
        title: Title::default(),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        weekly: std::array::from_fn(|nth| if nth < 5 { day.clone() } else { Vec::new() }),
        holidays: BTreeSet::from(["2026-03-09".parse().unwrap()]),
        special: BTreeMap::new(),
    }
}

fn at(wall: &str) -> Timestamp {
    office().instant(wall.parse::<DateTime>().unwrap())
}

fn told(start: &str, term: &str) -> (Vec<String>, Vec<String>) {
    office().steps(at(start), term.parse().unwrap()).into_iter().map(|step| (step.words.zh, step.words.en)).unzip()
}

#[test]
fn working_hours_over_a_weekend_and_a_holiday() {
    let (zh, en) = told("2026-03-06T18:40", "9wh");
    assert_eq!(
        zh,
        [
            "起算：2026年3月6日（周五） 18:40",
            "当时不在工作时间，自下一次上班起算：2026年3月10日（周二） 09:00",
            "2026年3月10日（周二） 09:00–12:00、13:00–18:00：计8小时，累计8小时",
            "2026年3月11日（周三） 09:00–10:00：计1小时，累计9小时",
            "9个工作小时内到期：2026年3月11日（周三） 10:00",
        ]
    );
    assert_eq!(en[1], "outside working hours, so from the next opening Tue 2026-03-10 09:00");
    assert_eq!(en[4], "due within 9 working hours: Wed 2026-03-11 10:00");
}

#[test]
fn working_days_are_numbered_and_what_is_not_worked_is_named() {
    let (zh, en) = told("2026-03-05T15:00", "3wd");
    assert_eq!(
        zh,
        [
            "起算：2026年3月5日（周四） 15:00",
            "2026年3月6日（周五）：第1个工作日",
            "2026年3月7日（周六）至2026年3月9日（周一）不上班，不计",
            "2026年3月10日（周二）：第2个工作日",
            "2026年3月11日（周三）：第3个工作日",
            "3个工作日内到期：2026年3月11日（周三） 15:00",
        ]
    );
    assert_eq!(en[2], "Sat 2026-03-07 to Mon 2026-03-09 are not worked and do not count");
}

#[test]
fn a_long_count_is_summed_up_in_the_middle() {
    let (zh, _) = told("2026-03-10T09:00", "30wd");
    assert!(zh.iter().any(|step| step == "其间另有16个工作日"), "{zh:#?}");
    assert!(zh.len() < 30);
}

#[test]
fn what_runs_round_the_clock_has_a_beginning_and_an_end() {
    let (zh, _) = told("2026-03-06T18:40", "7d");
    assert_eq!(zh, ["起算：2026年3月6日（周五） 18:40", "7天内到期：2026年3月13日（周五） 18:40"]);
}

#[test]
fn a_calendar_that_runs_out_says_so() {
    let empty = Calendar { weekly: std::array::from_fn(|_| Vec::new()), ..office() };
    let steps = empty.steps(at("2026-03-06T10:00"), "1wh".parse().unwrap());
    assert!(steps.last().unwrap().words.en.starts_with("the calendar has not that much working time"));
    let late = at("9999-11-01T10:00");
    for term in ["90d", "3mon", "10000h"] {
        let (due, steps) = (office().due(late, term.parse().unwrap()), office().steps(late, term.parse().unwrap()));
        assert!(due.ran_out, "{term}: {due:?}");
        assert_eq!(steps.last().unwrap().words.en, "it lies beyond the years that can be told");
    }
}

/// A year that nobody has entered yet is counted by the week alone, and this is said; a calendar without any days off means it so.
#[test]
fn a_year_without_its_holidays_is_told_of() {
    let told = |calendar: &Calendar, start: &str, term: &str| {
        calendar.steps(at(start), term.parse().unwrap()).into_iter().any(|step| step.words.zh.contains("年的节假日"))
    };
    let office = office();
    assert!(told(&office, "2035-03-06T10:00", "3wd") && told(&office, "2035-03-06T10:00", "end of working day"));
    assert!(!told(&office, "2026-03-06T10:00", "3wd") && !told(&office, "2035-03-06T10:00", "3d"));
    let bare = Calendar { holidays: Default::default(), special: Default::default(), ..office };
    assert!(!told(&bare, "2035-03-06T10:00", "3wd"));
}

proptest! {
    #[test]
    fn steps_go_forward_and_end_at_the_due_time(minutes in 0_i64..2_000_000, amount in 1_u32..400, measure in 0_usize..4) {
        let office = office();
        let start = at("2025-01-01T00:00").checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let measure = [Measure::WorkingSecond, Measure::WorkingMinute, Measure::WorkingHour, Measure::WorkingDay][measure];
        let term = Term::Within(Duration::new(amount, measure));
        let steps = office.steps(start, term);
        prop_assert_eq!(steps.last().unwrap().at, office.due(start, term).at);
        prop_assert!(steps.windows(2).all(|pair| pair[0].at <= pair[1].at), "{:#?}", steps);
    }

    #[test]
    fn hours_that_are_told_add_up(minutes in 0_i64..2_000_000, amount in 1_u32..3000) {
        let office = office();
        let start = at("2025-01-01T00:00").checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let due = office.due(start, Term::Within(Duration::new(amount, Measure::WorkingMinute)));
        let days = office.counted_hours(office.next_opening(start).at, due.at);
        let total: SignedDuration = days.iter().map(|day| day.amount).sum();
        prop_assert_eq!(total, SignedDuration::from_mins(i64::from(amount)));
    }
}
