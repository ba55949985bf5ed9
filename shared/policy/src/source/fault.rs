//! What is wrong at a place, before the place is turned into line and column.

use super::suggest::suggestion;
use crate::diagnostic::{Diagnostic, Level, Source};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

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

    /// Adds 'did you mean' or, where nothing is near, the list of what may stand there.
    pub fn suggest<'a>(mut self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        self.help = suggestion(wrong, right);
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
        let en = message.to_string();
        Self::unplaced("bad-value", en.clone(), en)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unplaced("wrong-type", format!("this is {found}, expected {expected}"), format!("此处写了{}，类型不符", in_chinese(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unplaced("bad-value", format!("this is {found}, expected {expected}"), format!("此处写了{}，类型不符", in_chinese(&found)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unplaced("unknown-word", format!("'{variant}' is not one of the words for this"), format!("“{variant}”不是此处可用的词"))
            .suggest(variant, expected.iter().copied())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unplaced("unknown-key", format!("there is no key '{field}' here"), format!("此处没有“{field}”这个键"))
            .suggest(field, expected.iter().copied())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::unplaced("missing-key", format!("'{field}' is missing"), format!("缺少“{field}”"))
    }
}

/// What stands there, in Chinese.
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
