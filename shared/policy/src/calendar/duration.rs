//! Durations as packs write them (`24h`, `7d`, `1mon`; working: `3wd`, `6wh`) and terms (`end of next day`, `10:00 next working day`).

use crate::Title;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A length of time. Calendar measures run round the clock; working measures count only the hours of a calendar.
///
/// | written | means |
/// |---|---|
/// | `90s` `30m` `24h` | elapsed time, whatever the clocks do |
/// | `7d` `2w` `1mon` | the same wall time so many days, weeks, months on (31 January + `1mon` is the last of February) |
/// | `45ws` `30wm` `6wh` | working seconds, minutes, hours |
/// | `3wd` | the same wall time three working days on, moved into that day's hours |
///
/// `min` may stand for `m`, `wmin` for `wm`. Amounts are whole and above zero, at most 10,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Duration {
    pub amount: u32,
    pub measure: Measure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    WorkingSecond,
    WorkingMinute,
    WorkingHour,
    WorkingDay,
}

/// Whether a duration runs round the clock or in working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    Calendar,
    Working,
}

/// Why a text is not a duration or a term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDuration {
    #[error("'{0}' is not a duration: write a whole number and a measure, e.g. 24h, 7d, 1mon, 3wd, 6wh")]
    Unreadable(String),
    #[error("'{0}' has no measure '{1}': s, m, h, d, w, mon run round the clock, ws, wm, wh, wd in working time")]
    Measure(String, String),
    #[error("'{0}' is no time at all")]
    Zero(String),
    #[error("'{0}' cannot be meant: it is longer than a hundred years")]
    TooLong(String),
}

impl BadDuration {
    /// The same sentence in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Unreadable(text) => format!("“{text}”不是时长：请写整数加单位，例如 24h、7d、1mon、3wd、6wh"),
            Self::Measure(text, measure) => {
                format!("“{text}”的单位“{measure}”无法识别：s、m、h、d、w、mon 为自然时间，ws、wm、wh、wd 为工作时间")
            }
            Self::Zero(text) => format!("“{text}”等于没有时间"),
            Self::TooLong(text) => format!("“{text}”超过一百年，不可能是本意"),
        }
    }

    /// What to write instead, in English and in Chinese.
    pub fn help(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable(_) => {
                ("write e.g. \"7d\", or the name of a parameter: \"{parameter}\"", "例如写 \"7d\"，或写参数名 \"{参数}\"")
            }
            Self::Measure(..) => ("write e.g. 7d for days, 3wd for working days", "例如自然日写 7d，工作日写 3wd"),
            Self::Zero(_) => ("write 1 or more, e.g. 30m or 1wd", "请写1以上的整数，例如 30m、1wd"),
            Self::TooLong(_) => ("write at most 36500d or 1200mon", "最多可写 36500d 或 1200mon"),
        }
    }
}

impl Measure {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Second, "s"),
        (Self::Minute, "m"),
        (Self::Hour, "h"),
        (Self::Day, "d"),
        (Self::Week, "w"),
        (Self::Month, "mon"),
        (Self::WorkingSecond, "ws"),
        (Self::WorkingMinute, "wm"),
        (Self::WorkingHour, "wh"),
        (Self::WorkingDay, "wd"),
    ];

    fn written(self) -> &'static str {
        Self::ALL.iter().find(|(measure, _)| *measure == self).map_or("", |(_, written)| written)
    }

    /// Greatest amount that can be meant: about a hundred years.
    fn most(self) -> u32 {
        match self {
            Self::Second | Self::WorkingSecond | Self::Minute | Self::WorkingMinute => 10_000_000,
            Self::Hour | Self::WorkingHour => 876_000,
            Self::Day | Self::WorkingDay => 36_500,
            Self::Week => 5_200,
            Self::Month => 1_200,
        }
    }

    pub fn basis(self) -> Basis {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::Day | Self::Week | Self::Month => Basis::Calendar,
            Self::WorkingSecond | Self::WorkingMinute | Self::WorkingHour | Self::WorkingDay => Basis::Working,
        }
    }
}

impl Duration {
    pub const fn new(amount: u32, measure: Measure) -> Self {
        Self { amount, measure }
    }

    pub fn basis(self) -> Basis {
        self.measure.basis()
    }

    /// In words: '24 hours', '3 working days'.
    pub fn en(self) -> String {
        let (one, many) = match self.measure {
            Measure::Second => ("second", "seconds"),
            Measure::Minute => ("minute", "minutes"),
            Measure::Hour => ("hour", "hours"),
            Measure::Day => ("day", "days"),
            Measure::Week => ("week", "weeks"),
            Measure::Month => ("month", "months"),
            Measure::WorkingSecond => ("working second", "working seconds"),
            Measure::WorkingMinute => ("working minute", "working minutes"),
            Measure::WorkingHour => ("working hour", "working hours"),
            Measure::WorkingDay => ("working day", "working days"),
        };
        format!("{} {}", self.amount, if self.amount == 1 { one } else { many })
    }

    /// In Chinese words: '24小时', '3个工作日'.
    pub fn zh(self) -> String {
        let word = match self.measure {
            Measure::Second => "秒",
            Measure::Minute => "分钟",
            Measure::Hour => "小时",
            Measure::Day => "天",
            Measure::Week => "周",
            Measure::Month => "个月",
            Measure::WorkingSecond => "秒工作时间",
            Measure::WorkingMinute => "分钟工作时间",
            Measure::WorkingHour => "个工作小时",
            Measure::WorkingDay => "个工作日",
        };
        format!("{}{word}", self.amount)
    }
}

impl FromStr for Duration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let written = text.trim();
        let digits = written.bytes().take_while(u8::is_ascii_digit).count();
        let (amount, measure) = written.split_at(digits);
        let measure = measure.trim_start();
        if amount.is_empty() || measure.is_empty() {
            return Err(BadDuration::Unreadable(text.to_owned()));
        }
        let amount: u32 = amount.parse().map_err(|_| BadDuration::TooLong(text.to_owned()))?;
        let short = match measure {
            "min" => "m",
            "wmin" => "wm",
            other => other,
        };
        let Some((measure, _)) = Measure::ALL.into_iter().find(|(_, written)| *written == short) else {
            return Err(BadDuration::Measure(text.to_owned(), measure.to_owned()));
        };
        if amount == 0 {
            return Err(BadDuration::Zero(text.to_owned()));
        }
        if amount > measure.most() {
            return Err(BadDuration::TooLong(text.to_owned()));
        }
        Ok(Self { amount, measure })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.measure.written())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "24h, 7d, 1mon, 3wd, 6wh", "pattern": "^[0-9]+ ?(s|m|min|h|d|w|mon|ws|wm|wmin|wh|wd)$" })
    }
}

/// By when something is owed: a duration, or a point of some day.
///
/// `end of day`, `end of next day` (24:00); `end of working day`, `end of next working day` (the last closing);
/// `end of last working day` of the month, or of the next month where that has passed;
/// `10:00 next day`, `10:00 next working day` (`by 10:00 next day` is the same); `by the 10th` (its 24:00), `before the 10th` (the 9th's 24:00) of the month, or the next
/// month where that has passed; `by the 25th of the 3rd month`, that of the start being the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    Within(Duration),
    EndOfDay {
        next: bool,
        working: bool,
    },
    TimeOfNextDay {
        time: Time,
        working: bool,
    },
    /// `month`: which month, where that of the start is the first.
    MonthDay {
        day: i8,
        month: i8,
    },
    LastWorkingDay,
}

impl FromStr for Term {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let words = text.trim();
        let term = match words {
            "end of day" => Self::EndOfDay { next: false, working: false },
            "end of next day" => Self::EndOfDay { next: true, working: false },
            "end of working day" => Self::EndOfDay { next: false, working: true },
            "end of next working day" => Self::EndOfDay { next: true, working: true },
            "end of last working day" => Self::LastWorkingDay,
            _ => match Self::of_day(words) {
                Some(term) => term,
                None => Self::Within(words.parse()?),
            },
        };
        Ok(term)
    }
}

impl Term {
    fn of_day(words: &str) -> Option<Self> {
        if let Some(day) = words.strip_prefix("by the ") {
            let (day, month) = of_month(day)?;
            return Some(Self::MonthDay { day, month });
        }
        if let Some(day) = words.strip_prefix("before the ") {
            let (day, month) = of_month(day)?;
            return (day > 1).then_some(Self::MonthDay { day: day - 1, month });
        }
        let words = words.strip_prefix("by ").unwrap_or(words);
        let (time, working) = match (words.strip_suffix(" next working day"), words.strip_suffix(" next day")) {
            (Some(time), _) => (time, true),
            (None, Some(time)) => (time, false),
            (None, None) => return None,
        };
        let (hour, minute) = time.split_once(':')?;
        let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
        Some(Self::TimeOfNextDay { time, working })
    }

    /// Whether days off matter to it.
    pub fn is_working(self) -> bool {
        match self {
            Self::Within(duration) => duration.basis() == Basis::Working,
            Self::EndOfDay { working, .. } | Self::TimeOfNextDay { working, .. } => working,
            Self::MonthDay { .. } => false,
            Self::LastWorkingDay => true,
        }
    }

    pub fn en(self) -> String {
        match self {
            Self::Within(duration) => format!("within {}", duration.en()),
            Self::EndOfDay { next, working } => {
                format!("by the end of {}{}day", if next { "the next " } else { "the " }, if working { "working " } else { "" })
            }
            Self::TimeOfNextDay { time, working } => {
                format!("by {:02}:{:02} on the next {}day", time.hour(), time.minute(), if working { "working " } else { "" })
            }
            Self::MonthDay { day, month: 1 } => format!("by the end of the {}", nth(day)),
            Self::MonthDay { day, month } => {
                format!("by the end of the {} of the {} month, that of the start being the first", nth(day), nth(month))
            }
            Self::LastWorkingDay => "by the end of the month's last working day".to_owned(),
        }
    }

    pub fn zh(self) -> String {
        match self {
            Self::Within(duration) => format!("{}内", duration.zh()),
            Self::EndOfDay { next, working } => {
                format!("{}{}结束前", if next { "次一" } else { "当" }, if working { "工作日" } else { "日" })
            }
            Self::TimeOfNextDay { time, working } => {
                format!("次一{} {:02}:{:02} 前", if working { "工作日" } else { "日" }, time.hour(), time.minute())
            }
            Self::MonthDay { day, month: 1 } => format!("{day}日前（含当日）"),
            Self::MonthDay { day, month } => format!("自起算之月起第{month}个月的{day}日前（含当日）"),
            Self::LastWorkingDay => "月末最后一个工作日结束前".to_owned(),
        }
    }

    /// In words where it counts from the end of a period: from the first instant of the day after its last. `ends_month`: the period ends with a
    /// month, so that 'the month' is the one that follows it.
    pub fn after_a_period(self, ends_month: bool) -> Title {
        let nth_day = |second: bool, working: bool| {
            let (number, nth) = if second { ("2", "second") } else { ("1", "first") };
            let (unit, day) = if working { ("个工作日", "working day") } else { ("日", "day") };
            (format!("期满后第{number}{unit}"), format!("the {nth} {day} after it"))
        };
        match self {
            Self::EndOfDay { next, working } => {
                let (zh, en) = nth_day(next, working);
                Title::new(format!("{zh}结束前"), format!("by the end of {en}"))
            }
            Self::TimeOfNextDay { time, working } => {
                let ((zh, en), hour, minute) = (nth_day(true, working), time.hour(), time.minute());
                Title::new(format!("{zh} {hour:02}:{minute:02} 前"), format!("by {hour:02}:{minute:02} on {en}"))
            }
            Self::MonthDay { day, month: 1 } if ends_month => {
                Title::new(format!("次月{day}日前（含当日）"), format!("by the end of the {} of the month that follows", nth(day)))
            }
            Self::MonthDay { day, month } if ends_month => Title::new(
                format!("自次月起第{month}个月的{day}日前（含当日）"),
                format!("by the end of the {} of the {} month after it", nth(day), nth(month)),
            ),
            Self::LastWorkingDay if ends_month => {
                Title::new("次月最后一个工作日结束前", "by the end of the last working day of the month that follows")
            }
            Self::Within(_) | Self::MonthDay { .. } | Self::LastWorkingDay => Title::new(self.zh(), self.en()),
        }
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(duration) => write!(f, "{duration}"),
            Self::EndOfDay { next, working } => {
                write!(f, "end of {}{}day", if *next { "next " } else { "" }, if *working { "working " } else { "" })
            }
            Self::TimeOfNextDay { time, working } => {
                write!(f, "{:02}:{:02} next {}day", time.hour(), time.minute(), if *working { "working " } else { "" })
            }
            Self::MonthDay { day, month: 1 } => write!(f, "by the {}", nth(*day)),
            Self::MonthDay { day, month } => write!(f, "by the {} of the {} month", nth(*day), nth(*month)),
            Self::LastWorkingDay => f.write_str("end of last working day"),
        }
    }
}

/// Day and month of `25th of the 3rd month`; without a month the first.
fn of_month(text: &str) -> Option<(i8, i8)> {
    let Some((day, month)) = text.split_once(" of the ") else { return Some((ordinal(text)?, 1)) };
    let month = ordinal(month.strip_suffix(" month")?).filter(|month| *month <= 24)?;
    Some((ordinal(day)?, month))
}

/// `1st`, `22nd`, `13th`.
fn nth(number: i8) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

fn ordinal(text: &str) -> Option<i8> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let day: i8 = digits.parse().ok()?;
    let fits = matches!(suffix, "st" | "nd" | "rd" | "th") && (1..=31).contains(&day);
    fits.then_some(day)
}
