//! A case's file: what its owners hand over, as one canonical JSON text. Pure.

use duban_contracts::canonical;
use duban_contracts::case::{CaseEvent, Dossier};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The file as it goes into custody.
pub struct CaseFile {
    /// Canonical JSON: members sorted, no white space, UTF-8.
    pub text: String,
    /// SHA-256 of `text`.
    pub hash: [u8; 32],
}

/// Puts the parts together. `parts` are the owners' dossiers; the format's name stands in it, so that a reader in thirty years knows.
pub fn assemble(record: Uuid, edition: i32, closed: &CaseEvent, parts: &[Dossier]) -> CaseFile {
    let owners: Map<String, Value> = parts.iter().map(|part| (part.service.clone(), part.content.clone())).collect();
    let file = json!({
        "format": "duban-case-file/1",
        "record": record,
        "edition": edition,
        "case": closed,
        "parts": owners,
    });
    let text = canonical::text(&file);
    let hash = Sha256::digest(text.as_bytes()).into();
    CaseFile { text, hash }
}

/// Adds a further page of a dossier's content: lists are appended, objects merged member by member in the same way. Where neither fits the
/// later page stands, as it is the newer.
pub fn append(content: &mut Value, page: Value) {
    match (content, page) {
        (Value::Array(all), Value::Array(more)) => all.extend(more),
        (Value::Object(all), Value::Object(more)) => {
            for (name, value) in more {
                match all.get_mut(&name) {
                    Some(known) => append(known, value),
                    None => {
                        all.insert(name, value);
                    }
                }
            }
        }
        (content, page) => *content = page,
    }
}

/// The index number 编号 of a record: `DA-<unit>-<year>-<sequence>`, one sequence per unit and year.
pub fn index_number(unit: &str, year: i16, sequence: i64) -> String {
    format!("DA-{unit}-{year}-{sequence:05}")
}

/// A piece of the text from `offset` (bytes), at most `most` bytes long, cut between characters; and where the next begins. None if the
/// offset is not between two characters of the text.
pub fn piece(text: &str, offset: usize, most: usize) -> Option<(&str, Option<usize>)> {
    let rest = text.get(offset..)?;
    if rest.len() <= most {
        return Some((rest, None));
    }
    let mut end = most;
    while end > 0 && !rest.is_char_boundary(end) {
        end -= 1;
    }
    let end = if end == 0 { rest.len() } else { end };
    Some((&rest[..end], (end < rest.len()).then_some(offset + end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn index_numbers_read_well() {
        assert_eq!(index_number("BJ-4S-01", 2026, 7), "DA-BJ-4S-01-2026-00007");
        assert_eq!(index_number("X", 2026, 123_456), "DA-X-2026-123456");
    }

    #[test]
    fn pages_of_a_dossier_make_one() {
        let mut whole = json!({ "case": { "number": "TS-1" }, "duties": [1, 2] });
        append(&mut whole, json!({ "duties": [3], "notes": ["x"] }));
        append(&mut whole, json!({ "case": { "stage": "closed" }, "duties": [], "notes": ["y"] }));
        assert_eq!(whole, json!({ "case": { "number": "TS-1", "stage": "closed" }, "duties": [1, 2, 3], "notes": ["x", "y"] }));
        let mut list = json!([1]);
        append(&mut list, json!([2]));
        assert_eq!(list, json!([1, 2]));
    }

    proptest! {
        #[test]
        fn pieces_give_the_whole_again(text in "\\PC{0,60}", most in 4usize..20) {
            let (mut whole, mut offset) = (String::new(), 0);
            loop {
                let (part, next) = piece(&text, offset, most).unwrap();
                prop_assert!(part.len() <= most);
                whole.push_str(part);
                match next { Some(next) => offset = next, None => break }
            }
            prop_assert_eq!(whole, text);
        }
    }
}
