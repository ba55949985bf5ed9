//! Instants and spans as people read them.

use super::Language;
use duban_contracts::Timestamp;
use duban_policy::calendar::last_minute;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// `2026年11月23日（周一）14:30`, or `Mon 23 Nov 2026, 14:30`, in the zone.
pub fn moment(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    let at = at.to_zoned_datetime(zone.clone());
    let (year, month, day, hour, minute) = (at.year(), at.month(), at.day(), at.hour(), at.minute());
    let weekday = weekday(at.weekday(), language);
    match language {
        Language::Chinese => format!("{year}年{month}月{day}日（{weekday}）{hour:02}:{minute:02}"),
        Language::English => format!("{weekday} {day} {} {year}, {hour:02}:{minute:02}", month_name(month)),
    }
}

/// As [`moment`], but the end of a day is its 24:00 and no part of the next.
pub fn deadline(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    match last_minute(at, zone) {
        Some(last) => moment(last, zone, language).replace("23:59", "24:00"),
        None => moment(at, zone, language),
    }
}

fn weekday(day: Weekday, language: Language) -> &'static str {
    match day {
        Weekday::Monday => language.pick("周一", "Mon"),
        Weekday::Tuesday => language.pick("周二", "Tue"),
        Weekday::Wednesday => language.pick("周三", "Wed"),
        Weekday::Thursday => language.pick("周四", "Thu"),
        Weekday::Friday => language.pick("周五", "Fri"),
        Weekday::Saturday => language.pick("周六", "Sat"),
        Weekday::Sunday => language.pick("周日", "Sun"),
    }
}

fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month - 1).ok().and_then(|i| NAMES.get(i)).copied().unwrap_or_default()
}

/// How long it is from one instant to a later one, in the two largest units that tell something: `3天4小时`, `50 minutes`.
pub fn span(from: Timestamp, to: Timestamp, language: Language) -> String {
    let minutes = to.as_second().saturating_sub(from.as_second()).max(0) / 60;
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let parts: Vec<String> = [(days, "天", "day"), (hours, "小时", "hour"), (if days > 0 { 0 } else { rest }, "分钟", "minute")]
        .into_iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, zh, en)| match language {
            Language::Chinese => format!("{count}{zh}"),
            Language::English => format!("{count} {en}{}", if count == 1 { "" } else { "s" }),
        })
        .collect();
    match (parts.is_empty(), language) {
        (true, Language::Chinese) => "不足1分钟".to_owned(),
        (true, Language::English) => "less than a minute".to_owned(),
        (false, Language::Chinese) => parts.concat(),
        (false, Language::English) => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_spans_read_as_written_by_hand() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let at: Timestamp = "2026-11-23T06:30:00Z".parse().unwrap();
        assert_eq!(moment(at, &zone, Language::Chinese), "2026年11月23日（周一）14:30");
        assert_eq!(moment(at, &zone, Language::English), "Mon 23 Nov 2026, 14:30");
        assert_eq!(deadline(at, &zone, Language::Chinese), moment(at, &zone, Language::Chinese));
        let end: Timestamp = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(deadline(end, &zone, Language::Chinese), "2026年11月30日（周一）24:00");
        assert_eq!(deadline(end, &zone, Language::English), "Mon 30 Nov 2026, 24:00");
        let later = |seconds| Timestamp::from_second(at.as_second() + seconds).unwrap();
        assert_eq!(span(at, later(30), Language::Chinese), "不足1分钟");
        assert_eq!(span(at, later(60), Language::English), "1 minute");
        assert_eq!(span(at, later(3 * 86_400 + 4 * 3_600 + 120), Language::Chinese), "3天4小时");
        assert_eq!(span(at, later(5_400), Language::English), "1 hour 30 minutes");
        assert_eq!(span(later(5), at, Language::English), "less than a minute");
    }
}
