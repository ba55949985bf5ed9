//! From a JSON value to a [`Report`], with every fault named at once. Pure.
//!
//! Only what nobody can put right afterwards refuses a report. An unknown kind, unit or field is not looked at here: see `warnings`.

use duban_contracts::report::{Attachment, Report, Reporter};
use duban_contracts::{FieldError, Sentence, Timestamp, both, subjects};
use jiff::SignedDuration;
use serde_json::{Map, Value};

/// How far ahead of our clock a report's time may lie.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

const MOST_SUBJECT: usize = 200;
const MOST_TEXT: usize = 20_000;
const MOST_SHORT: usize = 200;
const MOST_REFERENCE: usize = 2_000;
const MOST_FIELDS: usize = 100;
const MOST_ATTACHMENTS: usize = 50;

const MEMBERS: &str = "channel, kind, unit, occurred_at, reporter, subject, text, fields, attachments, follows";

/// Judges a body; `now` is domain time.
///
/// # Errors
/// Every field that cannot be taken, in the order of the body.
pub fn report(value: Value, now: Timestamp) -> Result<Report, Vec<FieldError>> {
    let Value::Object(members) = value else {
        return Err(vec![fault("", instead_of(&value, ("对象", "an object")), both("JSON 对象", "a JSON object"))]);
    };
    let mut faults = Vec::new();
    let mut report = Report {
        channel: String::new(),
        kind: None,
        unit: None,
        occurred_at: None,
        reporter: Reporter::default(),
        subject: None,
        text: None,
        fields: Map::new(),
        attachments: Vec::new(),
        follows: None,
    };
    let mut channel = None;
    for (name, value) in members {
        let at = pointer("", &name);
        match name.as_str() {
            "channel" => channel = text(&at, value, 40, &mut faults),
            "kind" => report.kind = text(&at, value, MOST_SHORT, &mut faults),
            "unit" => report.unit = text(&at, value, MOST_SHORT, &mut faults),
            "occurred_at" => report.occurred_at = instant(&at, value, now, &mut faults),
            "reporter" => report.reporter = reporter(&at, value, &mut faults),
            "subject" => report.subject = text(&at, value, MOST_SUBJECT, &mut faults),
            "text" => report.text = text(&at, value, MOST_TEXT, &mut faults),
            "fields" => report.fields = fields(&at, value, &mut faults),
            "attachments" => report.attachments = attachments(&at, value, &mut faults),
            "follows" => report.follows = text(&at, value, MOST_SHORT, &mut faults),
            _ => faults.push(fault(
                &at,
                unknown(),
                both(
                    format!("只能是 {MEMBERS}；事项类别所需内容填在 fields 中"),
                    format!("one of {MEMBERS}; what a kind asks for stands in fields"),
                ),
            )),
        }
    }
    match channel {
        Some(channel) if subjects::is_token(&channel) => report.channel = channel,
        Some(channel) => faults.push(fault(
            "/channel",
            both(format!("“{}”不能作渠道名", shorten(&channel)), format!("{:?} is no channel's name", shorten(&channel))),
            both("1至40个小写字母、数字、“-”或“_”，如 phone、web", "1 to 40 lower-case letters, digits, - and _, e.g. phone or web"),
        )),
        None if faults.iter().any(|f| f.field == "/channel") => {}
        None => faults.push(fault(
            "/channel",
            both("未注明渠道", "the channel is missing"),
            both("来件的渠道，如 phone、web", "how the report came, e.g. phone or web"),
        )),
    }
    if report.subject.is_none() && report.text.is_none() && !faults.iter().any(|f| f.field == "/subject" || f.field == "/text") {
        faults.push(fault(
            "/text",
            both("主题和经过均未填写", "subject and text are both missing"),
            both("请填写主题或经过，至少填写一项", "a subject, a text, or both"),
        ));
    }
    if faults.is_empty() { Ok(report) } else { Err(faults) }
}

/// An idempotency key: 1 to 200 printable characters, white space around it not counted (header values lose it on some ways and keep it on others).
///
/// # Errors
/// What is wrong with it, under the name of the header.
pub fn idempotency_key(text: Option<&str>) -> Result<&str, FieldError> {
    let expected = || {
        both(
            "1至200个可打印字符，在该接入方的来件中唯一，重发时不变",
            "1 to 200 printable characters that name this report among the producer's, the same at every retry",
        )
    };
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
        return Err(fault("Idempotency-Key", both("缺少此报头", "the header is missing"), expected()));
    };
    if text.chars().any(char::is_control) {
        return Err(fault("Idempotency-Key", both("含有控制字符", "it holds a control character"), expected()));
    }
    match text.chars().count() {
        1..=200 => Ok(text),
        n => Err(fault("Idempotency-Key", both(format!("共{n}个字符"), format!("it has {n} characters")), expected())),
    }
}

/// A text; null and blank count as absent.
fn text(at: &str, value: Value, most: usize, faults: &mut Vec<FieldError>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => {
            // Bytes bound characters from above, so that the usual short text is not counted.
            if text.len() > most && text.chars().count() > most {
                let length = text.chars().count();
                let wrong = both(format!("共{length}字，过长"), format!("the text has {length} characters"));
                faults.push(fault(at, wrong, both(format!("不超过{most}字"), format!("at most {most}"))));
                return None;
            }
            (!text.trim().is_empty()).then_some(text)
        }
        other => {
            faults.push(fault(at, instead_of(&other, ("文本", "text")), both("加引号的文本", "a text in quotation marks")));
            None
        }
    }
}

fn instant(at: &str, value: Value, now: Timestamp, faults: &mut Vec<FieldError>) -> Option<Timestamp> {
    let expected = || {
        both(
            "带时区的日期和时间（RFC 3339），如 2026-11-23T14:30:00+08:00",
            "a date and time with its offset (RFC 3339), e.g. 2026-11-23T14:30:00+08:00",
        )
    };
    let written = text(at, value, 60, faults)?;
    let Ok(instant) = written.trim().parse::<Timestamp>() else {
        faults.push(fault(
            at,
            both(
                format!("“{}”不是有效的日期和时间", shorten(&written)),
                format!("{:?} cannot be read as a date and time", shorten(&written)),
            ),
            expected(),
        ));
        return None;
    };
    if instant > now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
        faults.push(fault(
            at,
            both("时间超前十分钟以上", "the time is more than ten minutes ahead"),
            both(format!("不晚于 {now} 之后十分钟"), format!("no later than {now} and ten minutes")),
        ));
        return None;
    }
    // 1900-01-01: older is a slip, and the years before the common era cannot be kept.
    if instant.as_second() < -2_208_988_800 {
        faults.push(fault(at, both("时间早于1900年", "the time lies before 1900"), expected()));
        return None;
    }
    // To the microsecond, which is what is kept.
    Timestamp::from_microsecond(instant.as_microsecond()).ok()
}

fn reporter(at: &str, value: Value, faults: &mut Vec<FieldError>) -> Reporter {
    let mut reporter = Reporter::default();
    let Some(members) = object(at, value, faults) else { return reporter };
    for (name, value) in members {
        let at = pointer(at, &name);
        match name.as_str() {
            "name" => reporter.name = text(&at, value, MOST_SHORT, faults),
            "phone" => reporter.phone = text(&at, value, MOST_SHORT, faults),
            "email" => reporter.email = text(&at, value, 320, faults),
            "anonymous" => match value {
                Value::Bool(anonymous) => reporter.anonymous = anonymous,
                Value::Null => {}
                other => faults.push(fault(&at, instead_of(&other, ("是否值", "a yes or no")), both("true 或 false", "true or false"))),
            },
            _ => faults.push(fault(&at, unknown(), both("只能是 name、phone、email、anonymous", "one of name, phone, email, anonymous"))),
        }
    }
    reporter
}

fn fields(at: &str, value: Value, faults: &mut Vec<FieldError>) -> Map<String, Value> {
    let Some(members) = object(at, value, faults) else { return Map::new() };
    if members.len() > MOST_FIELDS {
        faults.push(fault(
            at,
            both(format!("共{}项", members.len()), format!("there are {} fields", members.len())),
            both(format!("不超过{MOST_FIELDS}项"), format!("at most {MOST_FIELDS}")),
        ));
    }
    for name in members.keys().filter(|name| name.is_empty() || name.chars().count() > MOST_SHORT) {
        faults.push(fault(
            &pointer(at, &shorten(name)),
            both("字段名为空或过长", "the field's name is empty or too long"),
            both(format!("1至{MOST_SHORT}个字符"), format!("1 to {MOST_SHORT} characters")),
        ));
    }
    members
}

fn attachments(at: &str, value: Value, faults: &mut Vec<FieldError>) -> Vec<Attachment> {
    let items = match value {
        Value::Null => return Vec::new(),
        Value::Array(items) => items,
        other => {
            faults.push(fault(at, instead_of(&other, ("列表", "a list")), both("附件列表", "a list of attachments")));
            return Vec::new();
        }
    };
    if items.len() > MOST_ATTACHMENTS {
        faults.push(fault(
            at,
            both(format!("共{}个附件", items.len()), format!("there are {} attachments", items.len())),
            both(format!("不超过{MOST_ATTACHMENTS}个"), format!("at most {MOST_ATTACHMENTS}")),
        ));
        return Vec::new();
    }
    items.into_iter().enumerate().filter_map(|(i, item)| attachment(&format!("{at}/{i}"), item, faults)).collect()
}

fn attachment(at: &str, value: Value, faults: &mut Vec<FieldError>) -> Option<Attachment> {
    let before = faults.len();
    let (mut name, mut reference, mut media_type) = (None, None, None);
    for (member, value) in object(at, value, faults)? {
        let at = pointer(at, &member);
        match member.as_str() {
            "name" => name = text(&at, value, MOST_SHORT, faults),
            "reference" => reference = text(&at, value, MOST_REFERENCE, faults),
            "media_type" => media_type = text(&at, value, MOST_SHORT, faults),
            _ => faults.push(fault(&at, unknown(), both("只能是 name、reference、media_type", "one of name, reference, media_type"))),
        }
    }
    for (member, missing) in [("name", name.is_none()), ("reference", reference.is_none())] {
        let at = pointer(at, member);
        if missing && !faults.iter().any(|f| f.field == at) {
            faults.push(fault(
                &at,
                both("未填写", "it is missing"),
                both("名称，以及网址或接入方自己的编号", "a name and a reference (an address, or the producer's own)"),
            ));
        }
    }
    if faults.len() > before {
        return None;
    }
    Some(Attachment { name: name?, reference: reference?, media_type })
}

fn object(at: &str, value: Value, faults: &mut Vec<FieldError>) -> Option<Map<String, Value>> {
    match value {
        Value::Null => None,
        Value::Object(members) => Some(members),
        other => {
            faults.push(fault(at, instead_of(&other, ("对象", "an object")), both("花括号括起的对象", "an object in braces")));
            None
        }
    }
}

fn fault(field: &str, wrong: impl Into<Sentence>, expected: impl Into<Sentence>) -> FieldError {
    FieldError::new(field, wrong, expected)
}

/// JSON pointer (RFC 6901) of a member.
fn pointer(at: &str, name: &str) -> String {
    if name.contains(['~', '/']) { format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")) } else { format!("{at}/{name}") }
}

/// A value of another sort than is expected.
fn instead_of(value: &Value, (zh, en): (&str, &str)) -> Sentence {
    let (is_zh, is) = name_of(value);
    both(format!("应为{zh}，而不是{is_zh}"), format!("{is} stands where {en} is expected"))
}

fn unknown() -> Sentence {
    both("没有此项", "the member is not known")
}

fn name_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("空值", "null"),
        Value::Bool(_) => ("是否值", "true or false"),
        Value::Number(_) => ("数字", "a number"),
        Value::String(_) => ("文本", "a text"),
        Value::Array(_) => ("列表", "a list"),
        Value::Object(_) => ("对象", "an object"),
    }
}

/// Enough of a text to recognise it by.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-23T06:00:00Z".parse().unwrap()
    }

    fn faults_of(value: Value) -> Vec<String> {
        report(value, now()).unwrap_err().into_iter().map(|f| f.field).collect()
    }

    #[test]
    fn a_whole_report_reads_as_its_struct() {
        let value = json!({
            "channel": "phone", "kind": "客户投诉", "unit": "S01", "occurred_at": "2026-11-23T14:09:59.1234567+08:00",
            "reporter": {"name": "王芳", "phone": "13800002345", "email": null, "anonymous": false},
            "subject": "车辆故障", "text": "三次维修未果", "fields": {"plate": "沪A12345", "deep": {"a": [1]}},
            "attachments": [{"name": "录音", "reference": "rec/1"}], "follows": "earlier"
        });
        let read = report(value, now()).unwrap();
        assert_eq!(read.occurred_at.unwrap().to_string(), "2026-11-23T06:09:59.123456Z");
        assert_eq!(read.reporter.name.as_deref(), Some("王芳"));
        assert_eq!(read.attachments[0].reference, "rec/1");
        let again: Report = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(read, again);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let value = json!({
            "channel": "Te lefon", "kind": 3, "occurred_at": "yesterday", "reporter": {"phone": [], "nam/e": "x"},
            "subject": "s".repeat(201), "attachments": [{"name": "a"}, 5], "extra": 1
        });
        assert_eq!(
            faults_of(value),
            [
                "/kind",
                "/occurred_at",
                "/reporter/phone",
                "/reporter/nam~1e",
                "/subject",
                "/attachments/0/reference",
                "/attachments/1",
                "/extra",
                "/channel"
            ]
        );
        assert_eq!(faults_of(json!({})), ["/channel", "/text"]);
        assert_eq!(faults_of(json!([])), [""]);
        assert_eq!(faults_of(json!({"channel": "web", "subject": "  "})), ["/text"]);
    }

    #[test]
    fn ten_minutes_ahead_pass_and_a_second_more_does_not() {
        let at = |t: &str| report(json!({"channel": "web", "text": "x", "occurred_at": t}), now());
        assert!(at("2026-11-23T06:10:00Z").is_ok());
        assert!(at("2026-11-23T06:10:01Z").is_err());
        assert!(at("1899-12-31T23:59:59Z").is_err());
        assert!(at("2026-11-23T06:00:00").is_err(), "an offset is needed");
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(report(json!({"channel": "web", "subject": "督".repeat(200)}), now()).is_ok());
        assert!(report(json!({"channel": "web", "text": "办".repeat(20_001)}), now()).is_err());
    }

    #[test]
    fn a_key_is_printable_and_not_too_long() {
        assert_eq!(idempotency_key(Some(" 来电-1 ")).unwrap(), "来电-1");
        for bad in [None, Some(""), Some("  "), Some("a\tb"), Some("\u{7f}")] {
            assert!(idempotency_key(bad).is_err(), "{bad:?}");
        }
        assert!(idempotency_key(Some(&"k".repeat(200))).is_ok());
        assert!(idempotency_key(Some(&"k".repeat(201))).is_err());
    }

    proptest! {
        #[test]
        fn what_is_accepted_parses_as_the_contract(subject in ".{0,30}", name in proptest::option::of(".{0,10}"), extra in "[a-z]{0,3}") {
            let value = json!({"channel": "web", "subject": subject, "reporter": {"name": name}, "fields": {"a": extra}});
            if let Ok(read) = report(value, now()) {
                let again: Report = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
                prop_assert_eq!(read, again);
            }
        }
    }
}
