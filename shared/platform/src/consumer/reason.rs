//! Why a message could not be handled, in words that hold nothing of the message.

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
    fn what_a_message_holds_is_not_told_and_what_it_lacks_is() {
        assert!(reason(r#"{"number": "王\"先生"}"#).starts_with(r#"invalid type: string "…", expected i64"#));
        assert!(!reason(r#"{"number": 1, "state": "13800000000"}"#).contains("138"));
        assert!(reason(r#"{"state": "Open"}"#).starts_with("missing field `number`"));
        assert_eq!(without_values(r#"invalid input syntax for type uuid: "张"#), r#"invalid input syntax for type uuid: "…""#);
    }
}
