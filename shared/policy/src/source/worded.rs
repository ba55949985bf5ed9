//! Titles and words of a file in both languages: what is empty, and what is there in Chinese alone.

use super::fault::{Fault, Range};
use toml_span::Value;
use toml_span::value::ValueInner;

/// Keys whose value is read by people.
const WORDS: [&str; 13] = [
    "title",
    "note",
    "body",
    "subject",
    "says",
    "occasion",
    "kept_from",
    "forbids",
    "consequence",
    "purpose",
    "scope",
    "in_force",
    "interpretation",
];
/// Lists of such words.
const LISTS: [&str; 3] = ["questions", "grades", "figures"];
/// Tables whose entries are such words, where they are written short.
const SHORT: [&str; 4] = ["role", "stage", "channel", "choices"];

/// What was found of words.
#[derive(Debug, Default)]
pub(crate) struct Worded {
    /// Words that are none.
    pub empty: Vec<Range>,
    /// Words in Chinese alone.
    pub chinese_alone: Vec<Range>,
    /// Values of parameters in Chinese alone: words, where the parameter is one of words; else the name of something.
    pub chinese_values: Vec<Range>,
}

impl Worded {
    pub fn of(root: &Value<'_>) -> Self {
        let mut found = Self::default();
        found.walk("", root);
        found
    }

    fn walk(&mut self, name: &str, value: &Value<'_>) {
        match value.as_ref() {
            ValueInner::Table(table) if table.contains_key("zh") => {
                let words = |language: &str| table.get(language).and_then(|words| Some((words.as_str()?, range(words))));
                for (words, at) in [words("zh"), words("en")].into_iter().flatten() {
                    if words.trim().is_empty() {
                        self.empty.push(at);
                    }
                }
                if let (Some((_, at)), None) = (words("zh"), words("en")) {
                    self.chinese_alone.push(at);
                }
            }
            // Roles and posts stand here by their names.
            ValueInner::Table(_) if name == "plays" => {}
            ValueInner::Table(table) => {
                for (key, value) in table {
                    let is_short = SHORT.contains(&name) && value.as_str().is_some();
                    self.walk(if is_short { "title" } else { &key.name }, value);
                }
            }
            ValueInner::Array(elements) => {
                let name = if LISTS.contains(&name) { "title" } else { name };
                elements.iter().for_each(|element| self.walk(name, element));
            }
            ValueInner::String(words) if WORDS.contains(&name) => {
                if words.trim().is_empty() {
                    self.empty.push(range(value));
                } else if words.chars().any(is_chinese) {
                    self.chinese_alone.push(range(value));
                }
            }
            ValueInner::String(words) if name == "value" && words.chars().any(is_chinese) => self.chinese_values.push(range(value)),
            _ => {}
        }
    }
}

/// A fault for words that are none.
pub(crate) fn empty(at: Range) -> Fault {
    Fault::new(at, "empty-title", "there are no words here", "此处没有文字").help("write what people are to read", "请写明供人阅读的文字")
}

/// A fault for words that lack a language that the organisation has declared.
pub(crate) fn chinese_alone(at: Range) -> Fault {
    let (en, zh) = ("this is in Chinese alone, and the organisation has declared English too", "只有中文，而组织声明了还使用英文");
    Fault::new(at, "missing-language", en, zh).help("write { zh = \"…\", en = \"…\" }", "请写作 { zh = \"…\", en = \"…\" }")
}

fn range(value: &Value<'_>) -> Range {
    (value.span.start, value.span.end)
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}
