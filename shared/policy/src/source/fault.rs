//! What is wrong at a place, before the place is turned into line and column.

use super::suggest::{did_you_mean, nearest, suggestion};
use crate::diagnostic::{Diagnostic, Level, Source};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Stands between what a shape says in English and in Chinese: serde passes on one text alone.
const PARTS: &str = " · ";

/// What is wrong with a shape in both languages, and what to write instead, as one text; [`Fault`] takes it apart again.
pub(crate) fn both(en: &str, zh: &str, help: (&str, &str)) -> String {
    [en, zh, help.0, help.1].join(PARTS)
}

/// Byte range in a file.
pub(crate) type Range = (usize, usize);

/// A fault as found; the first place that it passes on its way out is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub range: Option<Range>,
    pub level: Level,
    pub code: &'static str,
    pub en: String,
    pub zh: String,
    pub help: Option<(String, String)>,
}

impl Fault {
    pub fn new(range: Range, code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { range: Some(range), level: Level::Error, code, en: en.into(), zh: zh.into(), help: None }
    }

    fn unplaced(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { range: None, level: Level::Error, code, en: en.into(), zh: zh.into(), help: None }
    }

    pub fn help(mut self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.help = Some((en.into(), zh.into()));
        self
    }

    /// Adds 'did you mean' or, where nothing is near, the list of what may stand there; where that is too long or empty, earlier help stays.
    pub fn suggest<'a>(mut self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        self.help = suggestion(wrong, right).or(self.help);
        self
    }

    /// After [`Self::suggest`]: what is wrong in Chinese is a title, and is near another one.
    pub fn or_title<'a>(mut self, wrong: &str, titles: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(name) = nearest(wrong, titles).filter(|_| !wrong.is_ascii()) {
            self.help = Some(did_you_mean(name));
        }
        self
    }

    pub fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }

    pub fn at(mut self, range: Range) -> Self {
        self.range.get_or_insert(range);
        self
    }

    pub fn diagnostic(self, source: &Source) -> Diagnostic {
        let (start, end) = self.range.unwrap_or((0, 0));
        let start = floor(&source.text, start);
        let end = floor(&source.text, end).max(start);
        let before = &source.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (help, help_zh) = self.help.unzip();
        Diagnostic {
            file: source.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            offset: start,
            length: end - start,
            severity: self.level,
            code: self.code,
            message: self.en,
            message_zh: self.zh,
            help,
            help_zh,
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Faults of several files, gathered.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Diagnostic>,
}

impl Faults {
    pub fn add(&mut self, source: &Source, fault: Fault) {
        self.found.push(fault.diagnostic(source));
    }

    /// Errors, or else what is merely worth saying.
    pub fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.found.sort_by(|a, b| (&a.file, a.offset, a.code, &a.message).cmp(&(&b.file, b.offset, b.code, &b.message)));
        self.found.dedup();
        if self.errors() == 0 {
            return Ok(self.found);
        }
        self.found.retain(|diagnostic| diagnostic.severity == Level::Error);
        Err(self.found)
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|diagnostic| diagnostic.severity == Level::Error).count()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let said = message.to_string();
        let parts: Vec<&str> = said.split(PARTS).collect();
        match parts.as_slice() {
            [en, zh, help_en, help_zh] => Self::unplaced("bad-value", *en, *zh).help(*help_en, *help_zh),
            _ => Self::unplaced("bad-value", said.as_str(), format!("此处的值无法读取（{said}）")),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (en, zh) = wanted(expected);
        Self::unplaced(
            "wrong-type",
            format!("this is {}, expected {}", in_english(&found), named(expected)),
            format!("此处写了{}，类型不符", in_chinese(&found)),
        )
        .help(en, zh)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (en, zh) = wanted(expected);
        Self::unplaced(
            "bad-value",
            format!("this is {}, expected {}", in_english(&found), named(expected)),
            format!("此处不能是{}", in_chinese(&found)),
        )
        .help(en, zh)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let (en, zh) = wanted(expected);
        Self::unplaced(
            "bad-value",
            format!("there are {length} values here, expected {}", named(expected)),
            format!("此处有{length}个值，个数不符"),
        )
        .help(en, zh)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unplaced("unknown-word", format!("'{variant}' is not one of the words for this"), format!("“{variant}”不是此处可用的词"))
            .help(format!("write one of: {}", expected.join(", ")), format!("可写：{}", expected.join("、")))
            .suggest(variant, expected.iter().copied())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unplaced("unknown-key", format!("there is no key '{field}' here"), format!("此处没有“{field}”这个键"))
            .help(format!("write one of: {}", expected.join(", ")), format!("可写：{}", expected.join("、")))
            .suggest(field, expected.iter().copied())
    }

    fn missing_field(field: &'static str) -> Self {
        let example = example(field);
        Self::unplaced("missing-key", format!("'{field}' is missing"), format!("缺少“{field}”"))
            .help(format!("write e.g. {field} = {example}"), format!("例如写 {field} = {example}"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::unplaced("bad-value", format!("'{field}' stands here twice"), format!("“{field}”写了两次"))
            .help("write each key once", "每个键只写一次")
    }
}

/// What is expected, without the names that it has in the program.
fn named(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    match words.as_str() {
        table if table.starts_with("struct ") => "a table".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number".to_owned(),
        _ => words,
    }
}

/// What to write where something else stands. Shapes, and serde itself, name what they expect in English alone.
fn wanted(expected: &dyn Expected) -> (String, String) {
    let words = expected.to_string();
    let (en, zh) = match words.as_str() {
        "a string" => ("write text in quotes: \"…\"", "请写带引号的文字：\"…\""),
        "a boolean" => ("write true or false, without quotes", "请写 true 或 false，不加引号"),
        "a sequence" => ("write a list: [\"…\", \"…\"]", "请写列表：[\"…\", \"…\"]"),
        "a tuple of size 2" => ("write two times of a day, e.g. [\"09:00\", \"17:30\"]", "请写两个时刻，例如 [\"09:00\", \"17:30\"]"),
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => {
            ("write a whole number without quotes, e.g. 2", "请写整数，不加引号，例如 2")
        }
        "a table of named entries" => ("write a table: { name = … }", "请写表：{ 名称 = … }"),
        title if title.starts_with("a title") => {
            ("write { zh = \"…\", en = \"…\" }, or the Chinese alone: \"…\"", "请写 { zh = \"…\", en = \"…\" }，或只写中文：\"…\"")
        }
        condition if condition.starts_with("a condition") => {
            ("write e.g. { severity = \"major\", amount = \"> 5000\" }", "例如写 { severity = \"major\", amount = \"> 5000\" }")
        }
        test if test.starts_with("a value, a list of values") => (
            "write e.g. \"phone\", [\"phone\", \"store\"], \"> 5000\" or { at_least = 2, within = \"90d\" }",
            "例如写 \"phone\"、[\"phone\", \"store\"]、\"> 5000\" 或 { at_least = 2, within = \"90d\" }",
        ),
        figure if figure.starts_with("a number, a share") => ("write 2, \"100%\" or \"{parameter}\"", "请写 2、\"100%\" 或 \"{参数}\""),
        table if table.starts_with("struct ") => ("write a table: { key = … }", "请写表：{ 键 = … }"),
        _ => return (format!("write {words}"), "请改写为此处要求的类型，参见 docs/policy-format.md".to_owned()),
    };
    (en.to_owned(), zh.to_owned())
}

/// What may stand under a key, for who left it out.
fn example(key: &str) -> &'static str {
    match key {
        "article" => "\"7.2\"",
        "title" | "says" | "body" | "of" => "{ zh = \"…\", en = \"…\" }",
        "zh" => "\"投诉\"",
        "within" | "value" => "\"7d\"",
        "every" => "\"month\"",
        "type" => "\"text\"",
        "number" => "\"TS-{unit}-{yyyy}{mm}{dd}-{seq}\"",
        "event" => "\"accepted\"",
        "opens" | "on" => "\"case.registered\"",
        "closes" => "\"case.closed\"",
        "at" => "\"due\"",
        "tell" => "\"superior\"",
        "rungs" => "[{ at = \"due\", tell = \"superior\" }]",
        "stage" => "{ received = \"…\", closed = { title = \"…\", terminal = true } }",
        "role" => "{ clerk = \"…\" }",
        "limit" | "at_least" => "2",
        "why" => "\"exhortation\"",
        "zone" => "\"Asia/Shanghai\"",
        "fallback" => "\"UNIT/role\"",
        _ => "\"…\"",
    }
}

/// What stands there, in Chinese.
fn in_english(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the text '{text}'"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

fn in_chinese(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(truth) => format!("真假值 {truth}"),
        Unexpected::Unsigned(number) => format!("整数 {number}"),
        Unexpected::Signed(number) => format!("整数 {number}"),
        Unexpected::Float(number) => format!("小数 {number}"),
        Unexpected::Str(text) => format!("文字“{text}”"),
        Unexpected::Seq => "列表".to_owned(),
        Unexpected::Map => "表".to_owned(),
        _ => "别的内容".to_owned(),
    }
}
