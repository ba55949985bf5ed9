//! Calendars in words, each special day a thing of its own.

use super::{Thing, Things, joined};
use crate::Title;
use crate::calendar::Calendar;

pub(super) fn describe_calendar(calendar: &Calendar, things: &mut Things) {
    let hours = |spans: &[crate::calendar::Hours]| {
        let clock = |minute: i16| format!("{:02}:{:02}", minute / 60, minute % 60);
        spans.iter().map(|span| format!("{}–{}", clock(span.from), clock(span.to))).collect::<Vec<_>>().join(" ")
    };
    let days = [("周一", "Mon"), ("周二", "Tue"), ("周三", "Wed"), ("周四", "Thu"), ("周五", "Fri"), ("周六", "Sat"), ("周日", "Sun")];
    let week = calendar.weekly.iter().zip(days).map(|(spans, (zh, en))| {
        let hours = hours(spans);
        let (off_zh, off_en) = if hours.is_empty() { ("休息", "off") } else { ("", "") };
        Title::new(format!("{zh} {hours}{off_zh}"), format!("{en} {hours}{off_en}"))
    });
    let zone = calendar.zone.iana_name().unwrap_or_default();
    let thing = Thing::new(calendar.title.clone(), "").says("zone", "时区", "zone", Title::new(zone, zone)).says(
        "weekly",
        "每周时间",
        "weekly hours",
        joined(week),
    );
    things.insert((String::new(), format!("calendar.{}", calendar.name)), thing);
    for date in calendar.holidays.iter().filter(|date| !calendar.special.contains_key(date)) {
        let thing = Thing::new(Title::new(format!("{}放假", date), format!("{date}, a holiday")), "");
        things.insert((String::new(), format!("calendar.{}.{date}", calendar.name)), thing);
    }
    for (date, spans) in &calendar.special {
        let worked = hours(spans);
        let worked = if worked.is_empty() { Title::new("不上班", "not worked") } else { Title::new(&worked, &worked) };
        let thing = Thing::new(Title::new(date.to_string(), date.to_string()), "").says("hours", "当日时间", "hours", worked);
        things.insert((String::new(), format!("calendar.{}.{date}", calendar.name)), thing);
    }
}
