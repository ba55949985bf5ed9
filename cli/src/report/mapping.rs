//! From anybody's columns to a report: a small TOML file that names them.
//!
//! ```toml
//! key = "{complaint_id}"                  # absent: file name and line
//! zone = "America/New_York"               # of dates and times that name none
//! time = "09:00"                          # for dates alone
//! occurred_at = "{date_received}"
//! channel = { from = "submitted_via", is = { Phone = "phone", Web = "web" }, otherwise = "other" }
//! subject = "{issue}"
//! text = "{product}: {issue} {sub_issue}"
//!
//! [reporter]
//! name = "{customer}"
//!
//! [fields]
//! state = "{state}"
//! ```
//! A value is a text with columns in braces, or a table that translates one column's values. Columns that a row lacks stand for nothing; a
//! value that comes out empty is left out.

use super::rows::Row;
use anyhow::{Context, bail};
use duban_contracts::report::{Report, Reporter};
use duban_contracts::subjects;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// A mapping as its file says it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub key: Option<Text>,
    pub zone: Option<String>,
    pub time: Option<String>,
    pub occurred_at: Option<Text>,
    pub channel: Option<Text>,
    pub kind: Option<Text>,
    pub unit: Option<Text>,
    pub subject: Option<Text>,
    pub text: Option<Text>,
    pub follows: Option<Text>,
    #[serde(default)]
    pub reporter: ReporterMapping,
    #[serde(default)]
    pub fields: BTreeMap<String, Text>,
}

/// The reporter's columns.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReporterMapping {
    pub name: Option<Text>,
    pub phone: Option<Text>,
    pub email: Option<Text>,
    pub anonymous: Option<Text>,
}

/// How one member comes about.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// A text with columns in braces.
    Template(String),
    /// One column's values, translated.
    Translated {
        from: String,
        is: BTreeMap<String, String>,
        #[serde(default)]
        otherwise: Option<String>,
    },
}

/// A report made of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    pub key: String,
    pub report: Report,
}

impl Mapping {
    /// # Errors
    /// When the file cannot be read as a mapping; the message names the line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a mapping", path.display()))
    }

    /// The report that `row` of the file `name` stands for; `channel` where the mapping says none.
    ///
    /// # Errors
    /// With the line, when the row's values do not make a report.
    pub fn apply(&self, name: &str, row: &Row, channel: &str) -> anyhow::Result<Mapped> {
        self.report(name, row, channel).with_context(|| format!("{name}, line {}", row.line))
    }

    fn report(&self, name: &str, row: &Row, channel: &str) -> anyhow::Result<Mapped> {
        let value = |text: &Option<Text>| text.as_ref().and_then(|text| text.of(row));
        let report = Report {
            channel: value(&self.channel).unwrap_or_else(|| channel.to_owned()),
            kind: value(&self.kind),
            unit: value(&self.unit),
            occurred_at: value(&self.occurred_at).map(|text| self.instant(&text)).transpose()?,
            reporter: Reporter {
                name: value(&self.reporter.name),
                phone: value(&self.reporter.phone),
                email: value(&self.reporter.email),
                anonymous: value(&self.reporter.anonymous).is_some_and(|text| says_yes(&text)),
            },
            subject: value(&self.subject).map(|text| text.chars().take(200).collect()),
            text: value(&self.text).map(|text| text.chars().take(20_000).collect()),
            fields: self.fields.iter().filter_map(|(name, text)| Some((name.clone(), Value::String(text.of(row)?)))).collect(),
            attachments: Vec::new(),
            follows: value(&self.follows),
        };
        if !subjects::is_token(&report.channel) {
            bail!("the channel {:?} may hold lower-case letters, digits, - and _ only", report.channel);
        }
        if report.subject.is_none() && report.text.is_none() {
            bail!("neither subject nor text comes of it");
        }
        Ok(Mapped { key: value(&self.key).unwrap_or_else(|| key_of_line(name, row.line)), report })
    }

    /// A date, a date and time, or an RFC 3339 instant.
    fn instant(&self, text: &str) -> anyhow::Result<jiff::Timestamp> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(instant);
        }
        let zone = self.zone.as_deref().map(TimeZone::get).transpose().context("zone")?.unwrap_or(TimeZone::UTC);
        let at = match text.parse::<civil::DateTime>() {
            Ok(at) if text.len() > 10 => at,
            _ => {
                let date: civil::Date =
                    text.parse().with_context(|| format!("{text:?} is neither a date nor a time (2017-03-21, 2017-03-21T09:00, …)"))?;
                let time: civil::Time = self.time.as_deref().unwrap_or("00:00").parse().context("time")?;
                date.to_datetime(time)
            }
        };
        Ok(at.to_zoned_datetime(zone)?.timestamp())
    }
}

/// What makes an import resumable where the rows have no key of their own.
pub fn key_of_line(name: &str, line: u64) -> String {
    format!("{name}:{line}")
}

/// A row that is already a report (JSON Lines as the API takes it), with its key in `key`, if it has one.
///
/// # Errors
/// With the line and the member that does not fit.
pub fn as_report(name: &str, row: &Row, channel: Option<&str>) -> anyhow::Result<Mapped> {
    let mut members = row.members.clone();
    let key = match members.remove("key") {
        None => key_of_line(name, row.line),
        Some(Value::String(key)) => key,
        Some(other) => other.to_string(),
    };
    if let Some(channel) = channel
        && !members.contains_key("channel")
    {
        members.insert("channel".into(), Value::String(channel.into()));
    }
    let report = serde_json::from_value(Value::Object(members))
        .with_context(|| format!("{name}, line {}: not a report; name its columns with --mapping", row.line))?;
    Ok(Mapped { key, report })
}

impl Text {
    /// The value for a row; None when it comes out empty.
    fn of(&self, row: &Row) -> Option<String> {
        let text = match self {
            Text::Template(template) => filled(template, &row.members),
            Text::Translated { from, is, otherwise } => {
                let value = row.members.get(from).map(plain).unwrap_or_default();
                is.get(&value).or(otherwise.as_ref()).cloned().unwrap_or_default()
            }
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// `template` with `{column}` replaced; `{{` stands for a brace.
fn filled(template: &str, members: &Map<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            out.push('{');
            rest = after;
            continue;
        }
        let Some(end) = rest.find('}') else {
            out.push('{');
            break;
        };
        out.push_str(&members.get(&rest[..end]).map(plain).unwrap_or_default());
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn says_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "yes" | "y" | "1" | "是" | "匿名")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Row {
        Row { line: 7, members: serde_json::from_str(json).unwrap() }
    }

    fn mapping(text: &str) -> Mapping {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_row_becomes_the_report_that_the_mapping_describes() {
        let mapping = mapping(
            r#"
            key = "c-{id}"
            zone = "America/New_York"
            time = "09:00"
            occurred_at = "{day}"
            channel = { from = "via", is = { Phone = "phone" }, otherwise = "letter" }
            subject = "{issue}"
            text = "{product}: {issue}"
            [reporter]
            name = "{who}"
            anonymous = "{hidden}"
            [fields]
            state = "{state}"
            missing = "{nothing}"
            "#,
        );
        let mapped = mapping
            .apply(
                "f.csv",
                &row(r#"{"id":12,"day":"2017-03-21","via":"Phone","issue":"Wrong","product":"Card","state":"TX","hidden":"Yes"}"#),
                "web",
            )
            .unwrap();
        assert_eq!(mapped.key, "c-12");
        assert_eq!(mapped.report.channel, "phone");
        assert_eq!(mapped.report.occurred_at.unwrap().to_string(), "2017-03-21T13:00:00Z");
        assert_eq!(mapped.report.text.as_deref(), Some("Card: Wrong"));
        assert_eq!(mapped.report.reporter, Reporter { anonymous: true, ..Reporter::default() });
        assert_eq!(mapped.report.fields.len(), 1);
    }

    #[test]
    fn without_a_key_column_file_and_line_are_the_key() {
        let mapped = mapping("text = '{t}'").apply("f.csv", &row(r#"{"t":"x"}"#), "web").unwrap();
        assert_eq!((mapped.key.as_str(), mapped.report.channel.as_str()), ("f.csv:7", "web"));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_line() {
        let of = |m: &str, r: &str| format!("{:#}", mapping(m).apply("f.csv", &row(r), "web").unwrap_err());
        assert!(of("text = '{t}'", "{}").contains("line 7: neither subject nor text"));
        assert!(of("text='x'\noccurred_at='{d}'", r#"{"d":"yesterday"}"#).contains("\"yesterday\" is neither a date nor a time"));
        assert!(of("text='x'\nchannel='{c}'", r#"{"c":"By Phone"}"#).contains("lower-case"));
        assert!(toml::from_str::<Mapping>("subjekt = 'x'").is_err());
    }

    #[test]
    fn a_row_that_is_a_report_needs_no_mapping() {
        let mapped = as_report("f.jsonl", &row(r#"{"key":"k1","channel":"web","text":"x"}"#), None).unwrap();
        assert_eq!(mapped.key, "k1");
        assert!(format!("{:#}", as_report("f.jsonl", &row(r#"{"nmae":"x"}"#), Some("web")).unwrap_err()).contains("nmae"));
    }
}
