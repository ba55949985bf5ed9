//! Why a message could not be handled, in both languages and in words that hold nothing of the message. What the libraries and the database
//! say they say in English: Chinese says what sort of trouble it is, and has their words behind it.

use duban_contracts::{Sentence, both};
use serde_json::error::Category;

/// So much of a reason is kept.
const LONGEST: usize = 500;

/// The body is not what the contract says.
pub(super) fn unreadable(error: &serde_json::Error) -> Sentence {
    let zh = match error.classify() {
        Category::Data => "消息内容与约定的格式不符",
        Category::Syntax | Category::Eof | Category::Io => "消息内容不是有效的 JSON",
    };
    both(format!("{zh}：{error}"), error.to_string())
}

/// It does not come as events do.
pub(super) fn no_event(zh: impl std::fmt::Display, en: impl Into<String>) -> Sentence {
    both(format!("不是事件消息：{zh}"), en)
}

pub(super) fn waits_for(what: &str) -> Sentence {
    both(format!("等待：{what}"), format!("waits for {what}"))
}

/// The database does not take what it leads to.
pub(super) fn of_database(error: &sqlx::Error) -> Sentence {
    both(format!("数据库拒绝写入：{error}"), error.to_string())
}

/// Sealed under a key that is no longer there.
pub(super) fn sealed(error: &anyhow::Error) -> Sentence {
    both(format!("无法解封：{error}"), error.to_string())
}

/// What went wrong besides.
pub(super) fn other(error: &anyhow::Error) -> Sentence {
    both(format!("处理时出错：{error:#}"), format!("{error:#}"))
}

/// As it is kept: one line of each language, not too long, with no value of the message. What comes without Chinese words gets a few.
pub(super) fn worded(reason: &Sentence) -> Sentence {
    let kept = |text: &str| without_values(text.lines().next().unwrap_or_default()).chars().take(LONGEST).collect::<String>();
    let zh = if reason.zh.is_empty() { format!("无法处理：{}", reason.en) } else { reason.zh.clone() };
    both(kept(&zh), kept(&reason.en))
}

/// The reason with every quoted value left out: who reads JSON or writes to the database quotes what it could not take, and that may be
/// somebody's name. Names of fields that are missing stay.
pub fn without_values(reason: &str) -> String {
    let mut out = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(at) = rest.find(['"', '`']) {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let quote = &quoted[..1];
        let end = end_of(quoted, quote);
        let (whole, after) = quoted.split_at(end);
        if quote == "`" && before.ends_with("missing field ") {
            out.push_str(whole);
        } else {
            out.extend([quote, "…", quote]);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the quotation that `text` begins with ends, past its last quote; a quote behind a backslash ends nothing.
fn end_of(text: &str, quote: &str) -> usize {
    let mut from = quote.len();
    while let Some(found) = text[from..].find(quote) {
        let at = from + found;
        if !text[..at].ends_with('\\') {
            return at + quote.len();
        }
        from = at + quote.len();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)] // only read
    struct Body {
        number: i64,
        state: State,
    }

    #[derive(Debug, Deserialize)]
    enum State {
        Open,
    }

    fn reason(json: &str) -> String {
        without_values(&serde_json::from_str::<Body>(json).unwrap_err().to_string())
    }

    #[test]
    fn a_reason_is_told_in_both_languages_and_holds_no_value_in_either() {
        let broken = |json: &str| worded(&unreadable(&serde_json::from_str::<Body>(json).unwrap_err()));
        let wrong = broken(r#"{"number": "王女士"}"#);
        assert!(wrong.zh.starts_with(r#"消息内容与约定的格式不符：invalid type: string "…", expected i64"#), "{wrong:?}");
        assert!(wrong.en.starts_with(r#"invalid type: string "…", expected i64"#), "{wrong:?}");
        assert!(broken("{").zh.starts_with("消息内容不是有效的 JSON："));
        assert_eq!(worded(&no_event("缺少消息头", "no headers")), both("不是事件消息：缺少消息头", "no headers"));
        assert_eq!(worded(&Sentence::from("poison\nand more")), both("无法处理：poison", "poison"));
        assert_eq!(worded(&other(&anyhow::anyhow!("the case `王` is gone"))).zh, "处理时出错：the case `…` is gone");
    }

    #[test]
    fn what_a_message_holds_is_not_told_and_what_it_lacks_is() {
        assert!(reason(r#"{"number": "王\"先生"}"#).starts_with(r#"invalid type: string "…", expected i64"#));
        assert!(!reason(r#"{"number": 1, "state": "13800000000"}"#).contains("138"));
        assert!(reason(r#"{"state": "Open"}"#).starts_with("missing field `number`"));
        assert_eq!(without_values(r#"invalid input syntax for type uuid: "张"#), r#"invalid input syntax for type uuid: "…""#);
    }
}
