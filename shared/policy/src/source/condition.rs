//! Conditions as written: `{ severity = "major", amount = "> 5000", channel = ["phone", "store"] }`.

use super::fault::both;
use super::place::Placed;
use crate::condition::expression::syntax::LONGEST;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Every line must hold. `any`, `all`, `none` hold further conditions, `cel` an expression.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConditionText {
    pub tests: Vec<(Placed<String>, Placed<TestText>)>,
    pub any: Vec<ConditionText>,
    pub all: Vec<ConditionText>,
    pub none: Vec<ConditionText>,
    pub cel: Option<Placed<String>>,
}

/// The right-hand side of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum TestText {
    /// A value, a comparison (`> 5000`), or `present` / `absent`.
    Word(String),
    YesNo(bool),
    Number(String),
    /// One of these.
    OneOf(Vec<Placed<String>>),
    /// Counts within a window: `{ at_least = 2, within = "90d" }`; the number may be a `{parameter}`.
    Count {
        at_least: Placed<String>,
        within: Option<Placed<String>>,
    },
}

impl<'de> Deserialize<'de> for ConditionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = ConditionText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition such as { severity = \"major\", amount = \"> 5000\" }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConditionText, A::Error> {
                let mut condition = ConditionText::default();
                while let Some(name) = map.next_key::<Placed<String>>()? {
                    match name.as_str() {
                        "any" => condition.any = some(&name, map.next_value()?)?,
                        "all" => condition.all = some(&name, map.next_value()?)?,
                        "none" => condition.none = some(&name, map.next_value()?)?,
                        "cel" => condition.cel = Some(map.next_value()?),
                        _ => condition.tests.push((name, map.next_value()?)),
                    }
                }
                let parts = [&condition.any, &condition.all, &condition.none];
                if condition.tests.is_empty() && condition.cel.is_none() && parts.iter().all(|part| part.is_empty()) {
                    let help =
                        ("write e.g. { severity = \"major\" }, or leave it out", "请写明，例如 { severity = \"major\" }，或整个去掉");
                    return Err(de::Error::custom(both("the condition says nothing", "条件是空的", help)));
                }
                Ok(condition)
            }
        }
        deserializer.deserialize_map(Lines)
    }
}

/// Of no conditions none holds and all do: nobody means either.
fn some<E: de::Error>(name: &str, conditions: Vec<ConditionText>) -> Result<Vec<ConditionText>, E> {
    if conditions.is_empty() {
        let (en, zh) = (format!("'{name}' holds no condition"), format!("“{name}”之下没有条件"));
        let help_en = format!("write at least one, e.g. {name} = [{{ severity = \"major\" }}]");
        let help_zh = format!("请至少写一个，例如 {name} = [{{ severity = \"major\" }}]");
        return Err(E::custom(both(&en, &zh, (help_en.as_str(), help_zh.as_str()))));
    }
    Ok(conditions)
}

impl<'de> Deserialize<'de> for TestText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Right;
        impl<'de> Visitor<'de> for Right {
            type Value = TestText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, a list of values, a comparison such as \"> 5000\", or { at_least = 2, within = \"90d\" }")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<TestText, E> {
                Ok(TestText::Word(word.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<TestText, E> {
                Ok(TestText::YesNo(truth))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<TestText, E> {
                Ok(TestText::Number(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<TestText, E> {
                Ok(TestText::Number(number.to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TestText, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element::<Placed<Scalar>>()? {
                    values.push(Placed { value: value.value.0, range: value.range });
                }
                Ok(TestText::OneOf(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TestText, A::Error> {
                let (mut at_least, mut within) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "at_least" => {
                            let Placed { value, range } = map.next_value::<Placed<Least>>()?;
                            at_least = Some(Placed { value: value.0, range });
                        }
                        "within" => within = Some(map.next_value()?),
                        other => return Err(de::Error::unknown_field(other, &["at_least", "within"])),
                    }
                }
                let at_least = at_least.ok_or_else(|| de::Error::missing_field("at_least"))?;
                Ok(TestText::Count { at_least, within })
            }
        }
        deserializer.deserialize_any(Right)
    }
}

/// A text, number or truth as text, for lists.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TestText::deserialize(deserializer)? {
            TestText::Word(word) | TestText::Number(word) => Ok(Self(word)),
            TestText::YesNo(truth) => Ok(Self(truth.to_string())),
            TestText::OneOf(_) | TestText::Count { .. } => {
                let help = ("write e.g. [\"phone\", \"store\"]", "例如写 [\"phone\", \"store\"]");
                Err(de::Error::custom(both("a list holds plain values", "列表中只能是单个的值", help)))
            }
        }
    }
}

/// A whole number or a `{parameter}`.
struct Least(String);

impl<'de> Deserialize<'de> for Least {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TestText::deserialize(deserializer)? {
            TestText::Word(word) | TestText::Number(word) => Ok(Self(word)),
            TestText::YesNo(_) | TestText::OneOf(_) | TestText::Count { .. } => {
                let help = ("write e.g. at_least = 2", "例如写 at_least = 2");
                Err(de::Error::custom(both("at_least is a whole number", "at_least 须为整数", help)))
            }
        }
    }
}

impl Serialize for ConditionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (name, test) in &self.tests {
            map.serialize_entry(&name.value, &test.value)?;
        }
        if let Some(cel) = &self.cel {
            map.serialize_entry("cel", &cel.value)?;
        }
        for (word, conditions) in [("any", &self.any), ("all", &self.all), ("none", &self.none)] {
            if !conditions.is_empty() {
                map.serialize_entry(word, conditions)?;
            }
        }
        map.end()
    }
}

impl Serialize for TestText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            Self::Word(word) | Self::Number(word) => serializer.serialize_str(word),
            Self::YesNo(truth) => serializer.serialize_bool(*truth),
            Self::OneOf(values) => serializer.collect_seq(values),
            Self::Count { at_least, within } => {
                let mut map = serializer.serialize_map(None)?;
                match at_least.parse::<i64>() {
                    Ok(number) => map.serialize_entry("at_least", &number)?,
                    Err(_) => map.serialize_entry("at_least", &at_least.value)?,
                }
                if let Some(within) = within {
                    map.serialize_entry("within", within)?;
                }
                map.end()
            }
        }
    }
}

impl JsonSchema for ConditionText {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Self>();
        json_schema!({
            "type": "object",
            "description": "Every line must hold: member = value, list of values, comparison (\"> 5000\"), \"present\", \"absent\", or { at_least, within }. cel: an expression in a part of CEL, for what lines cannot say.",
            "properties": {
                "any": { "type": "array", "items": inner },
                "all": { "type": "array", "items": inner },
                "none": { "type": "array", "items": inner },
                "cel": { "type": "string", "maxLength": LONGEST }
            },
            "additionalProperties": {
                "anyOf": [
                    { "type": ["string", "boolean", "number"] },
                    { "type": "array", "items": { "type": ["string", "boolean", "number"] } },
                    {
                        "type": "object",
                        "properties": { "at_least": { "type": ["integer", "string"] }, "within": { "type": "string" } },
                        "required": ["at_least"],
                        "additionalProperties": false
                    }
                ]
            }
        })
    }
}
