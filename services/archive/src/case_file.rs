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

/// Goes on with a part that comes in pieces: a piece continues the lists of those before it, and adds what they have not.
pub fn go_on(whole: &mut Value, piece: Value) {
    let (Value::Object(whole), Value::Object(piece)) = (whole, piece) else { return };
    for (name, more) in piece {
        match (whole.get_mut(&name), more) {
            (Some(Value::Array(so_far)), Value::Array(more)) => so_far.extend(more),
            (Some(_), _) => {}
            (None, more) => {
                whole.insert(name, more);
            }
        }
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
    fn a_part_that_comes_in_pieces_is_whole_again() {
        let mut whole = json!({ "case": { "number": "TS-1" }, "timeline": [1, 2] });
        go_on(&mut whole, json!({ "timeline": [3], "reports": ["a"] }));
        go_on(&mut whole, json!({ "timeline": [], "case": "another", "reports": ["b"] }));
        assert_eq!(whole, json!({ "case": { "number": "TS-1" }, "timeline": [1, 2, 3], "reports": ["a", "b"] }));
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
