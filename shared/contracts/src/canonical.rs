//! One text for one JSON value: members sorted, no white space, so that two bodies with the same value after parsing hash alike.

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

/// Writes `value` with object members sorted by name and no white space. Numbers stand as serde_json reads them.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (i, (name, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Keyed hash of a parsed body. Keyed, because the row outlives the erasure of the text and short texts could be guessed.
pub fn keyed_hash(key: &[u8; 32], value: &Value) -> [u8; 32] {
    keyed_bytes(key, text(value).as_bytes())
}

/// HMAC-SHA-256 of bytes.
pub fn keyed_bytes(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // A key of any length is valid for HMAC, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_keys_and_white_space_do_not_count() {
        let a: Value = serde_json::from_str(r#"{"b":[1,{"y":2,"x":"é"}],"a":null}"#).unwrap();
        let b: Value = serde_json::from_str(" {\"a\" : null, \"b\": [ 1, {\"x\":\"\\u00e9\",\"y\":2}] }").unwrap();
        assert_eq!(text(&a), text(&b));
        assert_eq!(keyed_hash(&[7; 32], &a), keyed_hash(&[7; 32], &b));
        assert_ne!(keyed_hash(&[7; 32], &a), keyed_hash(&[8; 32], &b));
    }
}
