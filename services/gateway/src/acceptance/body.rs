//! From bytes to a JSON value, once: UTF-8, no member twice, no deeper than 32 levels, no NUL.

use duban_contracts::{Problem, both};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The largest body of a report, in bytes.
pub const MOST_BYTES: usize = 256 * 1024;

/// How deep objects and lists may stand within each other, the body itself counted.
pub const MOST_LEVELS: u8 = 32;

/// Reads a body.
///
/// # Errors
/// 413 `too-large`; 400 `malformed`, with what is wrong and where.
pub fn read(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.len() > MOST_BYTES {
        return Err(too_large());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Problem::malformed(both(
            format!("内容不是 UTF-8 文本：第{at}字节有误"),
            format!("the body is not UTF-8: byte {at} does not belong there; UTF-8 text is expected"),
        ))
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { levels_left: MOST_LEVELS }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        let place = format!("第{}行第{}列", error.line(), error.column());
        let said = error.to_string();
        // What is refused here says so in both languages; what the reader itself refuses has its place alone in Chinese.
        let (en, zh) = match said.split_once(APART) {
            Some((en, rest)) => {
                let (zh, at) = rest.split_once(APART).unwrap_or((rest, ""));
                (format!("{en}{at}"), format!("{place}：{zh}"))
            }
            None => (said, format!("{place}有误")),
        };
        Problem::malformed(both(format!("内容不是所需的 JSON，{zh}"), format!("the body is not the JSON expected: {en}")))
    })
}

/// Stands between the English and the Chinese of an error, and behind them: the reader adds the place.
const APART: char = '\u{1f}';

fn fault<E: Error>(en: impl fmt::Display, zh: impl fmt::Display) -> E {
    E::custom(format!("{en}{APART}{zh}{APART}"))
}

/// 413, also for a body whose length alone says so.
pub fn too_large() -> Problem {
    Problem::new(413, "too-large", "The report is too large", "来件内容过大")
        .with_detail(both(format!("不超过{MOST_BYTES}字节"), format!("at most {MOST_BYTES} bytes are expected")))
}

fn nul<E: Error>() -> E {
    fault("a NUL character, which no text may hold", "含有 NUL 字符，文字中不得出现")
}

/// A value of which nothing is guessed: serde_json's own reader would keep the last of two members of one name.
struct Strict {
    levels_left: u8,
}

impl Strict {
    fn below<E: Error>(&self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(fault(
                format_args!("nested too deep, at most {MOST_LEVELS} levels are expected"),
                format_args!("嵌套过深，不得超过{MOST_LEVELS}层"),
            )),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| fault("a number out of range", "数字超出范围"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        // Postgres keeps no NUL in a text: refused here, it would stop the whole batch there.
        if value.contains('\0') {
            return Err(nul());
        }
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self { ..below })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if name.contains('\0') {
                return Err(nul());
            }
            if object.contains_key(&name) {
                return Err(fault(format_args!("the member {name:?} stands twice"), format_args!("字段“{name}”重复")));
            }
            let value = members.next_value_seed(Self { ..below })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(bytes: &[u8]) -> String {
        let problem = read(bytes).unwrap_err();
        assert_eq!(problem.status, 400);
        assert!(!format!("{}{}", problem.detail, problem.detail_zh).contains(APART));
        problem.detail
    }

    #[test]
    fn what_is_refused_is_said_in_chinese_too() {
        for (body, zh) in [
            (r#"{"a": 1, "a": 2}"#.to_owned(), "第1行第12列：字段“a”重复"),
            (r#"{"a": "x\u0000"}"#.to_owned(), "含有 NUL 字符"),
            (r#"{"a": 1e999}"#.to_owned(), "第1行"),
            ("[".repeat(33), "嵌套过深，不得超过32层"),
            (r#"{"a": "#.to_owned(), "有误"),
        ] {
            let problem = read(body.as_bytes()).unwrap_err();
            assert!(problem.detail_zh.starts_with("内容不是所需的 JSON，") && problem.detail_zh.contains(zh), "{problem:?}");
        }
    }

    #[test]
    fn each_kind_of_unreadable_body_has_its_own_words() {
        assert!(refused(b"{\"channel\": \"\xff\"}").contains("not UTF-8: byte 13"));
        assert!(refused(br#"{"a": 1, "a": 2}"#).contains(r#""a" stands twice"#));
        assert!(refused(br#"{"a": {"b": 1, "b": 1}}"#).contains("stands twice"));
        assert!(refused(b"{\"a\": ").contains("EOF"));
        assert!(refused(b"{} {}").contains("trailing"));
        assert!(refused(br#"{"a": "x\u0000"}"#).contains("NUL"));
        assert!(refused(br#"{"a": 1e999}"#).contains("out of range"));
        assert_eq!(read(&vec![b' '; MOST_BYTES + 1]).unwrap_err().status, 413);
    }

    #[test]
    fn thirty_two_levels_pass_and_thirty_three_do_not() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(nested(32).as_bytes()).is_ok());
        assert!(refused(nested(33).as_bytes()).contains("too deep"));
        assert!(refused(nested(100_000).as_bytes()).contains("too deep"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_it_reads_is_what_serde_json_reads(text in r#"[\{\}\[\]",:0-9a-c\. \-e]{0,40}"#) {
            if let Ok(value) = read(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
