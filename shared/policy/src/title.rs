//! Words in both languages.

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Words in Chinese and English. Chinese alone is enough; then English shows the Chinese.
///
/// In TOML either `{ zh = "…", en = "…" }` or a plain string, which is the Chinese.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Title {
    pub zh: String,
    pub en: String,
}

impl Title {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// True if `word` is the title in either language.
    pub fn says(&self, word: &str) -> bool {
        self.zh == word || self.en.eq_ignore_ascii_case(word)
    }
}

impl<'de> Deserialize<'de> for Title {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Title;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a title: { zh = \"…\", en = \"…\" } or the Chinese words alone")
            }

            fn visit_str<E: de::Error>(self, words: &str) -> Result<Title, E> {
                Ok(Title::new(words, words))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Title, A::Error> {
                let (mut zh, mut en) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "zh" => zh = Some(map.next_value::<String>()?),
                        "en" => en = Some(map.next_value::<String>()?),
                        other => return Err(de::Error::unknown_field(other, &["zh", "en"])),
                    }
                }
                let zh = zh.ok_or_else(|| de::Error::missing_field("zh"))?;
                let en = en.unwrap_or_else(|| zh.clone());
                Ok(Title { zh, en })
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Title {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Title".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Words in Chinese and English; a plain string is the Chinese.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "zh": { "type": "string" }, "en": { "type": "string" } }, "required": ["zh"], "additionalProperties": false }
            ]
        })
    }
}
