//! Fields as people and programs send them, into their normal form.

use super::kind::{Field, FieldSort};
use super::period::period;
use crate::condition::Decimal;
use serde_json::{Map, Value};

/// Longest text of a field, in characters.
const LONGEST: usize = 20_000;

/// A field that cannot be taken as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// As it was sent: id or title.
    pub name: String,
    /// The declared field; None: there is no such field.
    pub id: Option<String>,
    pub expected: String,
    pub expected_zh: String,
}

/// Sorts what was sent: declared fields by id in normal form, and what is wrong with the rest. A null or empty value takes a field away
/// and is left out.
pub fn check_fields(fields: &[Field], sent: &Map<String, Value>) -> (Map<String, Value>, Vec<BadField>) {
    let (mut good, mut bad) = (Map::new(), Vec::new());
    for (name, value) in sent {
        let Some(field) = fields.iter().find(|field| field.id == *name || field.title.says(name)) else {
            bad.push(BadField { name: name.clone(), id: None, expected: String::new(), expected_zh: String::new() });
            continue;
        };
        if matches!(value, Value::Null) || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        match field.normal(value) {
            Some(value) => {
                good.insert(field.id.clone(), value);
            }
            None => {
                let (expected_zh, expected) = field.expects();
                bad.push(BadField { name: name.clone(), id: Some(field.id.clone()), expected, expected_zh });
            }
        }
    }
    (good, bad)
}

impl Field {
    /// The value in its normal form: amounts and numbers as decimals in text, dates as `YYYY-MM-DD`, with a time `YYYY-MM-DD HH:MM`, periods as `2026-03`, `2026-Q1`, telephone numbers as digits, plates
    /// in capitals without spaces, choices by their value. None: it does not fit.
    pub fn normal(&self, value: &Value) -> Option<Value> {
        match self.sort {
            FieldSort::YesNo => yes_no(value).map(Value::Bool),
            FieldSort::Choices => {
                let several: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
                several.into_iter().map(|one| self.choice(&text(one)?).map(Value::String)).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            _ => self.normal_text(text(value)?.trim()).map(Value::String),
        }
    }

    fn normal_text(&self, text: &str) -> Option<String> {
        match self.sort {
            FieldSort::Text | FieldSort::File => (text.chars().count() <= LONGEST).then(|| text.to_owned()),
            FieldSort::Choice => self.choice(text),
            FieldSort::Amount | FieldSort::Number => {
                Decimal::parse(text.trim_start_matches(['¥', '￥']).trim_end_matches('元')).map(|decimal| decimal.to_string())
            }
            FieldSort::Date => date(text),
            FieldSort::DateTime => date_time(text),
            FieldSort::Period => {
                period(text).filter(|period| self.periods.is_empty() || self.periods.iter().any(|every| every.has(period)))
            }
            FieldSort::Phone => phone(text),
            FieldSort::Email => {
                let (name, host) = text.split_once('@')?;
                let fits = !name.is_empty()
                    && host.contains('.')
                    && !host.contains('@')
                    && !text.contains(char::is_whitespace)
                    && text.len() <= 254;
                fits.then(|| text.to_owned())
            }
            FieldSort::Plate => plate(text),
            FieldSort::Person | FieldSort::Unit => (!text.is_empty() && text.chars().count() <= 100).then(|| text.to_owned()),
            FieldSort::Choices | FieldSort::YesNo => None,
        }
    }

    fn choice(&self, text: &str) -> Option<String> {
        self.choices.iter().find(|choice| choice.value == text || choice.title.says(text)).map(|choice| choice.value.clone())
    }

    pub(super) fn expects(&self) -> (String, String) {
        let fixed = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        match self.sort {
            FieldSort::Choice | FieldSort::Choices => {
                let (zh, en): (Vec<_>, Vec<_>) =
                    self.choices.iter().map(|choice| (choice.title.zh.as_str(), choice.value.as_str())).unzip();
                (format!("可选：{}", zh.join("、")), format!("one of: {}", en.join(", ")))
            }
            FieldSort::Amount | FieldSort::Number => fixed("数字，例如 5000.00", "a number such as 5000.00"),
            FieldSort::Date => fixed("日期，例如 2026-03-01", "a date such as 2026-03-01"),
            FieldSort::DateTime => {
                fixed("本单位当地的日期和时间，例如 2026-03-01 14:30", "a date and time where the unit is, such as 2026-03-01 14:30")
            }
            FieldSort::Period if !self.periods.is_empty() => {
                let examples: Vec<&str> = self.periods.iter().map(|every| every.example()).collect();
                (format!("期间，写作 {}", examples.join(" 或 ")), format!("a period such as {}", examples.join(" or ")))
            }
            FieldSort::Period => {
                fixed("期间，例如 2026-03、2026-Q1、2026年3月", "a period such as 2026-03, 2026-Q1, 2026-H1, 2026, 2026-W09")
            }
            FieldSort::Phone => fixed("电话号码（5 至 15 位数字）", "a telephone number of 5 to 15 digits"),
            FieldSort::Email => fixed("电子邮箱地址", "an email address"),
            FieldSort::Plate => fixed("车牌号，例如 京A12345", "a number plate such as 京A12345"),
            FieldSort::YesNo => fixed("是或否", "yes or no"),
            FieldSort::Person => fixed("人员标识", "a person's id"),
            FieldSort::Unit => fixed("单位代码", "a unit's code"),
            FieldSort::Text | FieldSort::File => fixed("不超过 20000 字的文字", "text of at most 20,000 characters"),
        }
    }
}

/// A telephone number as digits, without the country code of China; None if it cannot be one.
pub(super) fn phone(text: &str) -> Option<String> {
    let mut digits = String::new();
    for c in text.chars() {
        match c {
            '０'..='９' => digits.push(char::from_digit(u32::from(c) - u32::from('０'), 10)?),
            '0'..='9' => digits.push(c),
            '+' | '-' | ' ' | '(' | ')' | '（' | '）' | '－' | '—' | '\u{a0}' | '.' | '/' => {}
            _ => return None,
        }
    }
    let national = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86").filter(|rest| rest.len() >= 11)).unwrap_or(&digits);
    (5..=15).contains(&national.len()).then(|| national.to_owned())
}

fn plate(text: &str) -> Option<String> {
    let plate: String = text.chars().filter(|c| !matches!(c, ' ' | '·' | '•' | '.' | '-' | '　')).flat_map(char::to_uppercase).collect();
    let fits =
        (4..=10).contains(&plate.chars().count()) && plate.chars().all(char::is_alphanumeric) && plate.chars().any(|c| c.is_ascii_digit());
    fits.then_some(plate)
}

pub(super) fn date(text: &str) -> Option<String> {
    let whole = text.get(..10).filter(|_| text.len() == 10 || text[10..].starts_with(['T', ' ']));
    let plain = text.replace(['年', '月', '/', '.'], "-").replace('日', "");
    if let Some(date) = whole.and_then(|date| date.parse::<jiff::civil::Date>().ok()) {
        return Some(date.to_string());
    }
    let mut parts = plain.split('-').map(str::trim);
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then(|| jiff::civil::Date::new(year, month, day).ok())?.map(|date| date.to_string())
}

/// What is said in another zone is no wall time of the unit's.
fn date_time(text: &str) -> Option<String> {
    let (day, clock) = text.split_once(['T', ' ', '日'])?;
    let clock = clock.trim().replace('：', ":");
    if !clock.contains(':') || !clock.chars().all(|c| c.is_ascii_digit() || c == ':') {
        return None;
    }
    let at = date(day)?.parse::<jiff::civil::Date>().ok()?.to_datetime(clock.parse().ok()?);
    Some(at.strftime(if at.second() == 0 { "%F %H:%M" } else { "%F %T" }).to_string())
}

fn yes_no(value: &Value) -> Option<bool> {
    if let Some(truth) = value.as_bool() {
        return Some(truth);
    }
    match text(value)?.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "on" | "是" | "有" => Some(true),
        "false" | "no" | "n" | "0" | "off" | "否" | "无" => Some(false),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
