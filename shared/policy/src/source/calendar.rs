//! A calendar as written, and as other programs hand it in.

use super::fault::{Fault, Range};
use super::place::Placed;
use crate::Title;
use crate::calendar::{Calendar, Hours};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A calendar file: `[calendar]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Duban calendar", rename = "CalendarFile")]
pub struct CalendarFile {
    pub calendar: NamedCalendar,
}

/// Hours, holidays and special days.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Calendar")]
pub struct NamedCalendar {
    pub name: Placed<String>,
    pub title: Title,
    /// Takes zone, hours, holidays and special days of another; what stands here comes before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Placed<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Weekly>,
    #[serde(default)]
    pub holidays: Vec<Placed<String>>,
    /// Hours of single dates; before holidays, these before weekly hours.
    #[serde(default)]
    pub special: BTreeMap<String, Vec<Placed<Span>>>,
}

/// A calendar without a name, as `duban policy due --batch` takes it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LooseCalendar {
    pub zone: String,
    #[serde(default)]
    pub weekly: Loose,
    #[serde(default)]
    pub holidays: Vec<String>,
    #[serde(default)]
    pub special: BTreeMap<String, Vec<Span>>,
}

/// `["09:00", "12:00"]`.
pub type Span = (String, String);

#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weekly {
    #[serde(default)]
    pub mon: Vec<Placed<Span>>,
    #[serde(default)]
    pub tue: Vec<Placed<Span>>,
    #[serde(default)]
    pub wed: Vec<Placed<Span>>,
    #[serde(default)]
    pub thu: Vec<Placed<Span>>,
    #[serde(default)]
    pub fri: Vec<Placed<Span>>,
    #[serde(default)]
    pub sat: Vec<Placed<Span>>,
    #[serde(default)]
    pub sun: Vec<Placed<Span>>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loose {
    #[serde(default)]
    pub mon: Vec<Span>,
    #[serde(default)]
    pub tue: Vec<Span>,
    #[serde(default)]
    pub wed: Vec<Span>,
    #[serde(default)]
    pub thu: Vec<Span>,
    #[serde(default)]
    pub fri: Vec<Span>,
    #[serde(default)]
    pub sat: Vec<Span>,
    #[serde(default)]
    pub sun: Vec<Span>,
}

impl LooseCalendar {
    /// # Errors
    /// A sentence on the first thing that cannot be read.
    pub fn build(self) -> Result<Calendar, String> {
        let nowhere = |spans: Vec<Span>| spans.into_iter().map(Placed::nowhere).collect::<Vec<_>>();
        let week = self.weekly;
        let weekly = Weekly {
            mon: nowhere(week.mon),
            tue: nowhere(week.tue),
            wed: nowhere(week.wed),
            thu: nowhere(week.thu),
            fri: nowhere(week.fri),
            sat: nowhere(week.sat),
            sun: nowhere(week.sun),
        };
        let named = NamedCalendar {
            name: Placed::nowhere("unnamed".to_owned()),
            title: Title::default(),
            extends: None,
            zone: Some(Placed::nowhere(self.zone)),
            weekly: Some(weekly),
            holidays: nowhere_all(self.holidays),
            special: self.special.into_iter().map(|(date, spans)| (date, nowhere(spans))).collect(),
        };
        let mut faults = Vec::new();
        let calendar = named.build(None, &mut faults);
        match (calendar, faults.into_iter().next()) {
            (Some(calendar), None) => Ok(calendar),
            (_, fault) => Err(fault.map_or_else(|| "not a calendar".to_owned(), |fault| fault.en)),
        }
    }
}

fn nowhere_all(dates: Vec<String>) -> Vec<Placed<String>> {
    dates.into_iter().map(Placed::nowhere).collect()
}

impl NamedCalendar {
    /// The calendar, on top of the one that it extends.
    pub(crate) fn build(&self, base: Option<&Calendar>, faults: &mut Vec<Fault>) -> Option<Calendar> {
        let zone = match (&self.zone, base) {
            (Some(name), _) => zone(name, faults)?,
            (None, Some(base)) => base.zone.clone(),
            (None, None) => {
                let fault = Fault::new(self.name.range, "missing-key", "'zone' is missing", "缺少“zone”（时区）");
                faults.push(fault.help("write zone = \"Asia/Shanghai\"", "请写 zone = \"Asia/Shanghai\""));
                return None;
            }
        };
        let weekly = match (&self.weekly, base) {
            (Some(weekly), _) => weekly.days().map(|spans| hours(spans, faults)),
            (None, Some(base)) => base.weekly.clone(),
            (None, None) => std::array::from_fn(|_| Vec::new()),
        };
        let mut holidays: BTreeSet<Date> = base.map(|base| base.holidays.clone()).unwrap_or_default();
        holidays.extend(self.holidays.iter().filter_map(|text| date(text, text.range, faults)));
        let mut special: BTreeMap<Date, Vec<Hours>> = base.map(|base| base.special.clone()).unwrap_or_default();
        for (text, spans) in &self.special {
            let range = spans.first().map_or(self.name.range, |span| span.range);
            if let Some(date) = date(text, range, faults) {
                special.insert(date, hours(spans, faults));
            }
        }
        Some(Calendar { name: self.name.value.clone(), title: self.title.clone(), zone, weekly, holidays, special })
    }
}

impl Weekly {
    fn days(&self) -> [&Vec<Placed<Span>>; 7] {
        [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun]
    }
}

/// A time zone by its IANA name.
pub(crate) fn zone(name: &Placed<String>, faults: &mut Vec<Fault>) -> Option<TimeZone> {
    let found = TimeZone::get(name).ok();
    if found.is_none() {
        let fault =
            Fault::new(name.range, "unknown-zone", format!("there is no time zone '{}'", name.value), format!("没有时区“{}”", name.value));
        faults.push(fault.help("write an IANA name such as Asia/Shanghai", "请写 IANA 名称，例如 Asia/Shanghai"));
    }
    found
}

fn date(text: &str, range: Range, faults: &mut Vec<Fault>) -> Option<Date> {
    let found = text.parse().ok();
    if found.is_none() {
        let (en, zh) = (format!("'{text}' is not a date: write YYYY-MM-DD"), format!("“{text}”不是日期：请写 YYYY-MM-DD"));
        faults.push(Fault::new(range, "bad-date", en, zh).help("write e.g. \"2026-01-31\"", "例如写 \"2026-01-31\""));
    }
    found
}

fn hours(spans: &[Placed<Span>], faults: &mut Vec<Fault>) -> Vec<Hours> {
    let mut hours: Vec<Hours> = Vec::with_capacity(spans.len());
    for span in spans {
        let (Some(from), Some(to)) = (minute(&span.0), minute(&span.1)) else {
            let en = format!("'{}'–'{}' are not times of a day: write HH:MM, at most 24:00", span.0, span.1);
            let zh = format!("“{}”至“{}”不是一天中的时刻：请写 HH:MM，最晚 24:00", span.0, span.1);
            faults.push(
                Fault::new(span.range, "bad-hours", en, zh).help("write e.g. [\"09:00\", \"17:30\"]", "例如写 [\"09:00\", \"17:30\"]"),
            );
            continue;
        };
        if from >= to {
            let fault = Fault::new(
                span.range,
                "bad-hours",
                format!("{}–{} ends before it begins", span.0, span.1),
                format!("{}–{} 的结束时间不晚于开始时间", span.0, span.1),
            );
            faults.push(fault.help(
                "write a span over midnight as two: to 24:00, and from 00:00 of the next day",
                "跨零点的时段请分成两段写：到 24:00，以及次日从 00:00 起",
            ));
            continue;
        }
        hours.push(Hours { from, to });
    }
    hours.sort();
    hours
}

/// Minutes from 00:00; 24:00 is 1440.
fn minute(text: &str) -> Option<i16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 || !hour.bytes().chain(minute.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hour, minute): (i16, i16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 1440).then_some(total)
}
