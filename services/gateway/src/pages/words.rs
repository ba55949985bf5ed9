//! Dates and distances as each language writes them. Words themselves stand in the pages, Chinese and English side by side.

use crate::viewer::Language;
use duban_contracts::Timestamp;
use duban_policy::calendar::last_minute;
use jiff::tz::TimeZone;
use std::fmt::Display;

/// `2026年11月23日（周一）14:30` or `Mon 23 Nov 2026, 14:30`, in the organisation's zone.
pub fn instant(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    match language {
        Language::Chinese => {
            let day = ["一", "二", "三", "四", "五", "六", "日"][(local.weekday().to_monday_zero_offset() as usize).min(6)];
            format!("{}年{}月{}日（周{day}）{:02}:{:02}", local.year(), local.month(), local.day(), local.hour(), local.minute())
        }
        Language::English => local.strftime("%a %-d %b %Y, %H:%M").to_string(),
    }
}

/// As [`instant`], but the end of a day is its 24:00 and no part of the next: who has until the 23rd is not told the 24th.
pub fn deadline(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    match last_minute(at, zone) {
        Some(last) => instant(language, last, zone).replace("23:59", "24:00"),
        None => instant(language, at, zone),
    }
}

/// `2026-11-23 14:30:05`, as spreadsheets sort and reckon.
pub fn sortable(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-23`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d").to_string()
}

/// How far off an instant is, in the largest unit that says enough: `3 小时后`, `2 days ago`. Minutes and hours to the nearest; days as the
/// calendar of the organisation's zone counts them, so that all of one day is as many days off.
pub fn distance(language: Language, at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let seconds = at.as_second() - now.as_second();
    let (count, zh, en) = match seconds.unsigned_abs() {
        s if s < 60 => return language.pick(if seconds > 0 { "即将" } else { "刚刚" }, "now").to_owned(),
        s if s < 3_570 => ((s + 30) / 60, "分钟", "minute"),
        s if s < 47 * 3_600 + 1_800 => ((s + 1_800) / 3_600, "小时", "hour"),
        _ => (days_between(at, now, zone), "天", "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match (language, seconds > 0) {
        (Language::Chinese, true) => format!("{count}{zh}后"),
        (Language::Chinese, false) => format!("{count}{zh}前"),
        (Language::English, true) => format!("in {count} {en}{plural}"),
        (Language::English, false) => format!("{count} {en}{plural} ago"),
    }
}

fn days_between(one: Timestamp, other: Timestamp, zone: &TimeZone) -> u64 {
    let date = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
    let days = date(one).since(date(other)).map_or(0, |span| span.get_days());
    u64::from(days.unsigned_abs())
}

/// How many there are of what a list shows: `共3件`, `1 case`. `zh` is the Chinese measure word.
pub fn counted<N: Display + PartialEq + From<u8>>(language: Language, count: N, zh: &str, one: &str, many: &str) -> String {
    match language {
        Language::Chinese => format!("共{count}{zh}"),
        Language::English if count == N::from(1) => format!("{count} {one}"),
        Language::English => format!("{count} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_stand_as_each_language_writes_them() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let at: Timestamp = "2026-11-23T06:30:00Z".parse().unwrap();
        assert_eq!(instant(Language::Chinese, at, &zone), "2026年11月23日（周一）14:30");
        assert_eq!(instant(Language::English, at, &zone), "Mon 23 Nov 2026, 14:30");
        assert_eq!(deadline(Language::English, at, &zone), "Mon 23 Nov 2026, 14:30");
        let end = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(deadline(Language::Chinese, end, &zone), "2026年11月30日（周一）24:00");
        assert_eq!(deadline(Language::English, end, &zone), "Mon 30 Nov 2026, 24:00");
    }

    #[test]
    fn near_times_are_told_relative_to_now() {
        let now: Timestamp = "2026-11-23T06:30:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-23T09:31:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(distance(Language::Chinese, later, now, &zone), "3小时后");
        assert_eq!(distance(Language::English, now, later, &zone), "3 hours ago");
        assert_eq!(distance(Language::English, now, now, &zone), "now");
        let in_seconds =
            |seconds: i64| distance(Language::English, now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap(), now, &zone);
        let told = [60, 89, 91, 3_569, 3_570, 5_399, 5_401, 47 * 3_600 + 1_799, 47 * 3_600 + 1_800, 7 * 86_400 - 60].map(in_seconds);
        let expected = [
            "in 1 minute",
            "in 1 minute",
            "in 2 minutes",
            "in 59 minutes",
            "in 1 hour",
            "in 1 hour",
            "in 2 hours",
            "in 47 hours",
            "in 2 days",
            "in 7 days",
        ];
        assert_eq!(told, expected);
        // The morning and the evening of one day are as many days off.
        let on_that_day =
            ["2026-11-26T00:00:00Z", "2026-11-26T15:59:00Z"].map(|at| distance(Language::Chinese, at.parse().unwrap(), now, &zone));
        assert_eq!(on_that_day, ["3天后", "3天后"]);
    }

    #[test]
    fn one_is_counted_as_one() {
        assert_eq!([0, 1, 2].map(|n| counted(Language::English, n, "件", "case", "cases")), ["0 cases", "1 case", "2 cases"]);
        assert_eq!(counted(Language::Chinese, 1, "件", "case", "cases"), "共1件");
    }
}
