//! Reads a file into a shape: serde over `toml-span`, so that every fault knows its place.

use super::fault::{Fault, Faults, Range};
use super::place::{MANY, Named, PLACED, Placed};
use crate::diagnostic::Source;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use toml_span::value::{Key, Table, ValueInner};
use toml_span::{ErrorKind, Span, Value};

/// Structures whose container name begins so may be written as the one value of the member named after it: `"case.closed"` for
/// `{ on = "case.closed" }`.
const LIFTED: &str = "lift:";

/// Nesting beyond this is refused before parsing: parsers recurse.
const DEEPEST: usize = 64;

/// What sort of file it is, told by its first table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Pack,
    Calendar,
    Organisation,
}

/// A parsed file whose sections are read one by one, so that one fault does not hide the others.
pub(crate) struct File<'s> {
    source: &'s Source,
    root: Value<'s>,
}

/// Parses the text as TOML.
pub(crate) fn read<'s>(source: &'s Source, faults: &mut Faults) -> Option<File<'s>> {
    if let Some(at) = too_deep(&source.text) {
        let (en, zh) = (format!("nested more than {DEEPEST} deep"), format!("嵌套超过{DEEPEST}层"));
        let help = ("close brackets that were left open, or write tables of their own: [table]", "请闭合遗漏的括号，或另写成 [表]");
        faults.add(source, Fault::new((at, at + 1), "too-deep", en, zh).help(help.0, help.1));
        return None;
    }
    match toml_span::parse(&source.text) {
        Ok(root) => Some(File { source, root }),
        Err(error) => {
            let range = (error.span.start, error.span.end.max(error.span.start + 1));
            let (said, line) = (error.to_string(), line_of(&source.text, range.0));
            let (wrong, help) = in_chinese(&error.kind);
            let zh = format!("第{line}行不符合 TOML 语法：{wrong}（解析器原文：{said}）");
            faults.add(source, Fault::new(range, "not-toml", format!("this is not TOML: {said}"), zh).help(help.0, help.1));
            None
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// What the parser found wrong, in Chinese, and in both languages what to write instead.
fn in_chinese(kind: &ErrorKind) -> (String, (&'static str, &'static str)) {
    let whole = ("write it to its end: key = \"value\"", "请写完整：键 = \"值\"");
    let quotes = (
        "close the text with a quote on the same line, or write several lines between \"\"\"",
        "请在同一行用引号结束文字，多行文字请写在两个 \"\"\" 之间",
    );
    let escapes = (r"write \\ for \, or the text in single quotes: '…'", r"“\”请写作 \\，或用单引号书写文字：'…'");
    match kind {
        ErrorKind::UnexpectedEof => ("内容未写完，文件已结束".to_owned(), whole),
        ErrorKind::UnterminatedString | ErrorKind::InvalidCharInString('\n') => ("文字没有结尾引号".to_owned(), quotes),
        ErrorKind::InvalidCharInString(c) => {
            (format!("文字中不能有字符“{}”", shown(*c)), ("take the character out of the text", "请从文字中删去此字符"))
        }
        ErrorKind::InvalidEscape(c) | ErrorKind::InvalidHexEscape(c) => (format!("“\\”之后不能是“{}”", shown(*c)), escapes),
        ErrorKind::InvalidEscapeValue(_) => ("“\\u”之后的编码不是字符".to_owned(), escapes),
        ErrorKind::Unexpected(c) => (
            format!("此处不能出现“{}”", shown(*c)),
            ("write ASCII signs, and text in quotes: key = \"value\"", "符号请用半角，文字请加引号：键 = \"值\""),
        ),
        ErrorKind::InvalidNumber | ErrorKind::OutOfRange(_) => (
            "此处应为数字".to_owned(),
            ("write a number such as 2 or 0.5; dates and durations in quotes: \"7d\"", "请写数字，例如 2、0.5；日期和时长请加引号：\"7d\""),
        ),
        ErrorKind::Wanted { expected, found } => (
            format!("此处应为{}，而所写为{}", token(expected), token(found)),
            ("write one key = \"value\" to a line", "每行写一项：键 = \"值\""),
        ),
        ErrorKind::DuplicateTable { name, .. } => {
            (format!("表“{name}”重复出现"), ("write the table once, or give it another name", "此表只写一次，或另取名称"))
        }
        ErrorKind::DuplicateKey { key, .. } => (format!("键“{key}”重复出现"), ("write each key once", "每个键只写一次")),
        ErrorKind::RedefineAsArray => {
            ("同一名称既写作 [表]，又写作 [[表]]".to_owned(), ("write [table] or [[table]] throughout", "请统一写作 [表] 或 [[表]]"))
        }
        ErrorKind::MultilineStringKey => ("键不能写成多行".to_owned(), ("write the key on one line", "键请写在一行之内")),
        ErrorKind::DottedKeyInvalidType { .. } => {
            ("此键已有值，不能再作表".to_owned(), ("take the value out, or give the table another name", "请删去该值，或为此表另取名称"))
        }
        ErrorKind::UnquotedString => ("此处的值缺少引号".to_owned(), ("write text in quotes: \"…\"", "文字请加引号：\"…\"")),
        _ => ("写法有误".to_owned(), whole),
    }
}

/// A character as it stands, or, where it cannot be seen, by its escape.
fn shown(c: char) -> String {
    if c.is_control() || c.is_whitespace() { c.escape_default().to_string() } else { c.to_string() }
}

/// What the parser calls the signs of TOML.
fn token(name: &str) -> &'static str {
    match name {
        "a value" => "值",
        "a table key" | "an identifier" => "键名",
        "an equals" => "“=”",
        "a period" => "“.”",
        "a comma" => "“,”",
        "a colon" => "“:”",
        "a plus" => "“+”",
        "a left brace" => "“{”",
        "a right brace" => "“}”",
        "a left bracket" => "“[”",
        "a right bracket" => "“]”",
        "a string" => "文字",
        "a multiline string" => "多行文字",
        "a comment" => "注释",
        "newline" | "a newline" => "换行",
        "whitespace" => "空格",
        "eof" => "文件结尾",
        _ => "其他内容",
    }
}

impl<'s> File<'s> {
    pub fn sort(&self) -> Option<Sort> {
        let table = self.root.as_table()?;
        // A scenario names its pack under the same word.
        if table.get("pack").is_some_and(|pack| pack.as_table().is_some()) {
            Some(Sort::Pack)
        } else if table.contains_key("calendar") {
            Some(Sort::Calendar)
        } else if table.contains_key("organisation") {
            Some(Sort::Organisation)
        } else {
            None
        }
    }

    /// Whether it plays a pack instead of being one.
    pub fn is_scenario(&self) -> bool {
        self.root.as_table().is_some_and(|table| table.contains_key("event"))
    }

    pub fn source(&self) -> &'s Source {
        self.source
    }

    /// Everything in it.
    pub fn root(&self) -> &Value<'s> {
        &self.root
    }

    /// Refuses top-level keys that are not among these.
    pub fn only(&self, sections: &'static [&'static str], faults: &mut Faults) {
        for key in self.root.as_table().into_iter().flatten().map(|(key, _)| key) {
            if !sections.contains(&key.name.as_ref()) {
                let fault = <Fault as de::Error>::unknown_field(&key.name, sections).at(range(key.span));
                faults.add(self.source, fault);
            }
        }
    }

    /// A section that must be there.
    pub fn section<T: DeserializeOwned>(&self, name: &'static str, faults: &mut Faults) -> Option<T> {
        let Some(value) = self.root.as_table().and_then(|table| table.get(name)) else {
            faults.add(self.source, <Fault as de::Error>::missing_field(name).at((0, 0)));
            return None;
        };
        self.value(value, faults)
    }

    /// A section that may be left out.
    pub fn optional<T: DeserializeOwned + Default>(&self, name: &str, faults: &mut Faults) -> T {
        match self.root.as_table().and_then(|table| table.get(name)) {
            Some(value) => self.value(value, faults).unwrap_or_default(),
            None => T::default(),
        }
    }

    /// The elements of an array of tables, each read for itself.
    pub fn list<T: DeserializeOwned>(&self, name: &str, faults: &mut Faults) -> Vec<Placed<T>> {
        let Some(value) = self.root.as_table().and_then(|table| table.get(name)) else { return Vec::new() };
        let Some(elements) = value.as_array() else {
            let fault = Fault::new(
                range(value.span),
                "wrong-type",
                format!("'{name}' is written as [[{name}]]"),
                format!("“{name}”应写作 [[{name}]]"),
            );
            let (en, zh) = (format!("write [[{name}]] above the lines of each"), format!("请在每一项之上写 [[{name}]]"));
            faults.add(self.source, fault.help(en, zh));
            return Vec::new();
        };
        elements.iter().filter_map(|element| self.value(element, faults)).collect()
    }

    /// The entries of a table of named things, in the file's order, each read for itself.
    pub fn named<T: DeserializeOwned>(&self, name: &str, faults: &mut Faults) -> Named<T> {
        let Some(value) = self.root.as_table().and_then(|table| table.get(name)) else { return Named(Vec::new()) };
        let Some(table) = value.as_table() else {
            let en = format!("'{name}' is written as [{name}.some-name]");
            let fault = Fault::new(range(value.span), "wrong-type", en, format!("“{name}”应写作 [{name}.名称]"));
            let help = (format!("write [{name}.some-name] above the lines of each"), format!("请在每一项之上写 [{name}.名称]"));
            faults.add(self.source, fault.help(help.0, help.1));
            return Named(Vec::new());
        };
        let entry = |(key, value): (&Key<'_>, &Value<'_>)| {
            let name = Placed { value: key.name.to_string(), range: range(key.span) };
            match T::deserialize(Reading(value)) {
                Ok(thing) => Some((name, thing)),
                Err(fault) => {
                    // A missing key is shown at the name of what lacks it: a table's own span may be anywhere.
                    let fault = if fault.code == "missing-key" && fault.range == Some(range(value.span)) {
                        Fault { range: Some(name.range), ..fault }
                    } else {
                        fault
                    };
                    faults.add(self.source, fault);
                    None
                }
            }
        };
        Named(in_order(table).into_iter().filter_map(entry).collect())
    }

    fn value<T: DeserializeOwned>(&self, value: &Value<'_>, faults: &mut Faults) -> Option<T> {
        match T::deserialize(Reading(value)) {
            Ok(thing) => Some(thing),
            Err(fault) => {
                faults.add(self.source, fault);
                None
            }
        }
    }
}

pub(crate) fn in_order<'a, 'v>(table: &'a Table<'v>) -> Vec<(&'a Key<'v>, &'a Value<'v>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}

fn range(span: Span) -> Range {
    (span.start, span.end)
}

/// Where brackets open more than [`DEEPEST`] deep, whatever they mean.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// A value being read.
#[derive(Clone, Copy)]
struct Reading<'a, 'v>(&'a Value<'v>);

impl<'de> Reading<'_, '_> {
    fn placed<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(PlacedParts { range: range(self.0.span), given: 0, value: self })
    }
}

impl<'de> Deserializer<'de> for Reading<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let outcome = match self.0.as_ref() {
            ValueInner::String(text) => visitor.visit_str(text),
            ValueInner::Integer(number) => visitor.visit_i64(*number),
            ValueInner::Float(number) => visitor.visit_f64(*number),
            ValueInner::Boolean(truth) => visitor.visit_bool(*truth),
            ValueInner::Array(elements) => visitor.visit_seq(Elements { rest: elements.iter() }),
            ValueInner::Table(table) => visitor.visit_map(Entries { rest: in_order(table).into_iter(), value: None }),
        };
        outcome.map_err(|fault| fault.at(range(self.0.span)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, _: usize, visitor: V) -> Result<V::Value, Fault> {
        match name {
            PLACED => self.placed(visitor),
            MANY => match self.0.as_array() {
                Some(elements) => visitor.visit_seq(Elements { rest: elements.iter() }),
                None => visitor.visit_seq(Elements { rest: std::slice::from_ref(self.0).iter() }),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, name: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match name.strip_prefix(LIFTED) {
            Some(member) if self.0.as_table().is_none() => visitor.visit_map(Lifted { member: Some(member), value: self }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_str() {
            Some(word) => visitor.visit_enum(word.into_deserializer()).map_err(|fault: Fault| fault.at(range(self.0.span))),
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple map identifier
        ignored_any
    }
}

struct Elements<'a, 'v> {
    rest: std::slice::Iter<'a, Value<'v>>,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.rest.next().map(|value| seed.deserialize(Reading(value))).transpose()
    }
}

struct Entries<'a, 'v> {
    rest: std::vec::IntoIter<(&'a Key<'v>, &'a Value<'v>)>,
    value: Option<&'a Value<'v>>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(KeyReading(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let value = self.value.take().ok_or_else(|| <Fault as de::Error>::custom("a value before its key"))?;
        seed.deserialize(Reading(value))
    }
}

struct KeyReading<'a, 'v>(&'a Key<'v>);

impl<'de> Deserializer<'de> for KeyReading<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.0.name).map_err(|fault: Fault| fault.at(range(self.0.span)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, _: usize, visitor: V) -> Result<V::Value, Fault> {
        if name == PLACED {
            let value: StrDeserializer<'_, Fault> = self.0.name.as_ref().into_deserializer();
            return visitor.visit_seq(PlacedParts { range: range(self.0.span), given: 0, value });
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        map struct enum identifier ignored_any
    }
}

/// Start, end, value: what [`Placed`] is made of.
struct PlacedParts<D> {
    range: Range,
    given: u8,
    value: D,
}

impl<'de, D: Deserializer<'de, Error = Fault> + Copy> SeqAccess<'de> for PlacedParts<D> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.given += 1;
        match self.given {
            1 => seed.deserialize(self.range.0.into_deserializer()).map(Some),
            2 => seed.deserialize(self.range.1.into_deserializer()).map(Some),
            3 => seed.deserialize(self.value).map(Some),
            _ => Ok(None),
        }
    }
}

/// A value presented as a table with one member.
struct Lifted<'a, 'v> {
    member: Option<&'static str>,
    value: Reading<'a, 'v>,
}

impl<'de> MapAccess<'de> for Lifted<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.member.take().map(|member| seed.deserialize(member.into_deserializer())).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.value)
    }
}
