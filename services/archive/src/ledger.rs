//! The ledger 保管台账: every act on a record is an entry, chained to the one before it by hash. Pure; a reader needs nothing but the entries
//! to check that none was changed, taken out or put in between.
//!
//! # Canonical bytes
//! An entry's hash is SHA-256 over the concatenation of, in this order:
//!
//! 1. the ASCII bytes `duban-ledger-1`
//! 2. `sequence`, 8 bytes, big-endian; the first entry has 1, each next one more
//! 3. `previous_hash`, 32 bytes; 32 zero bytes for the first entry
//! 4. `record`, 16 bytes of the UUID
//! 5. `at`, microseconds since 1970-01-01T00:00:00Z, 8 bytes, big-endian, signed
//! 6. `content_hash`, 32 bytes
//! 7. `act`: its length in bytes as 4 bytes big-endian, then UTF-8
//! 8. `by`: the same; empty for the system

use duban_contracts::Timestamp;
use duban_contracts::record::LedgerEntry;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What stands before the first entry.
pub const BEGINNING: [u8; 32] = [0; 32];

/// An act, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub record: Uuid,
    /// `filed`, `read`.
    pub act: String,
    pub at: Timestamp,
    /// Person id; empty for the system.
    pub by: String,
    pub content_hash: [u8; 32],
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub sequence: i64,
    pub act: Act,
    pub previous_hash: [u8; 32],
    pub hash: [u8; 32],
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {found} stands where {expected} should: one was taken out or put in")]
    Sequence { expected: i64, found: i64 },
    #[error("entry {0} does not follow the one before it: one of them was changed")]
    Link(i64),
    #[error("entry {0} was changed: its hash is another")]
    Hash(i64),
    #[error("the chain ends at {found} but {expected} entries were promised: the end was cut off")]
    End { expected: i64, found: i64 },
}

impl Act {
    /// Puts the act after the entry with this sequence and hash.
    pub fn after(self, sequence: i64, previous_hash: [u8; 32]) -> Entry {
        let sequence = sequence + 1;
        let hash = hash(sequence, &previous_hash, &self);
        Entry { sequence, act: self, previous_hash, hash }
    }
}

fn hash(sequence: i64, previous_hash: &[u8; 32], act: &Act) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"duban-ledger-1");
    hash.update(sequence.to_be_bytes());
    hash.update(previous_hash);
    hash.update(act.record.as_bytes());
    hash.update(act.at.as_microsecond().to_be_bytes());
    hash.update(act.content_hash);
    for text in [&act.act, &act.by] {
        hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// Checks a stretch of the chain: `entries` follow each other without a gap, beginning after `sequence` and `previous_hash` (0 and
/// [`BEGINNING`] for the whole). Answers the hash at its end, which commits to everything before.
///
/// A whole chain made anew with other entries is consistent in itself: compare the end with one noted earlier, or pass `promised`.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(entries: &[Entry], mut sequence: i64, mut previous_hash: [u8; 32], promised: Option<i64>) -> Result<[u8; 32], Broken> {
    for entry in entries {
        if entry.sequence != sequence + 1 {
            return Err(Broken::Sequence { expected: sequence + 1, found: entry.sequence });
        }
        if entry.previous_hash != previous_hash {
            return Err(Broken::Link(entry.sequence));
        }
        if hash(entry.sequence, &entry.previous_hash, &entry.act) != entry.hash {
            return Err(Broken::Hash(entry.sequence));
        }
        sequence = entry.sequence;
        previous_hash = entry.hash;
    }
    match promised {
        Some(expected) if expected != sequence => Err(Broken::End { expected, found: sequence }),
        _ => Ok(previous_hash),
    }
}

impl From<&Entry> for LedgerEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            sequence: entry.sequence,
            record: entry.act.record,
            act: entry.act.act.clone(),
            at: entry.act.at,
            by: entry.act.by.clone(),
            content_hash: hex(&entry.act.content_hash),
            previous_hash: hex(&entry.previous_hash),
            hash: hex(&entry.hash),
        }
    }
}

/// An entry as shown that cannot be one: a hash that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash of entry {0} is not 64 hexadecimal digits")]
pub struct Unreadable(pub i64);

impl TryFrom<&LedgerEntry> for Entry {
    type Error = Unreadable;

    /// For readers: what `record.show` and `ledger.list` answer, to be verified.
    fn try_from(shown: &LedgerEntry) -> Result<Self, Unreadable> {
        let bytes = |text: &str| unhex(text).ok_or(Unreadable(shown.sequence));
        let act = Act {
            record: shown.record,
            act: shown.act.clone(),
            at: shown.at,
            by: shown.by.clone(),
            content_hash: bytes(&shown.content_hash)?,
        };
        Ok(Self { sequence: shown.sequence, act, previous_hash: bytes(&shown.previous_hash)?, hash: bytes(&shown.hash)? })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn act(n: u64) -> Act {
        Act {
            record: Uuid::from_u128(u128::from(n)),
            act: if n.is_multiple_of(3) { "read".into() } else { "filed".into() },
            at: Timestamp::from_microsecond(1_767_000_000_000_000 + n as i64).unwrap(),
            by: if n.is_multiple_of(2) { "wang".into() } else { String::new() },
            content_hash: Sha256::digest(n.to_be_bytes()).into(),
        }
    }

    fn chain(length: u64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for n in 0..length {
            let (sequence, hash) = entries.last().map_or((0, BEGINNING), |last| (last.sequence, last.hash));
            entries.push(act(n).after(sequence, hash));
        }
        entries
    }

    #[test]
    fn the_canonical_bytes_stay_what_they_are() {
        assert_eq!(hex(&chain(2)[1].hash), GOLDEN);
    }

    /// Computed apart from this code, by the description in the module's documentation (Python's hashlib).
    const GOLDEN: &str = "5328298a468285762ec897c05e4f4d240516e8cb62a249f8e200b960ed2d0b69";

    proptest! {
        #[test]
        fn any_change_is_noticed(length in 1u64..20, at in 0usize..20, what in 0u8..8) {
            let mut entries = chain(length);
            let end = verify(&entries, 0, BEGINNING, Some(length as i64)).unwrap();
            prop_assert_eq!(end, entries.last().unwrap().hash);
            let at = at % entries.len();
            let entry = &mut entries[at];
            match what {
                0 => entry.act.act.push('x'),
                1 => entry.act.by.push('x'),
                2 => entry.act.at = Timestamp::from_microsecond(entry.act.at.as_microsecond() + 1).unwrap(),
                3 => entry.act.content_hash[7] ^= 1,
                4 => entry.act.record = Uuid::max(),
                5 => entry.previous_hash[0] ^= 1,
                6 => entry.hash[31] ^= 1,
                _ => { entries.remove(at); }
            }
            prop_assert!(verify(&entries, 0, BEGINNING, Some(length as i64)).is_err());
        }

        #[test]
        fn an_entry_put_in_with_a_right_hash_of_its_own_is_noticed(length in 2u64..20, at in 0usize..19) {
            let mut entries = chain(length);
            let at = at % (entries.len() - 1);
            let (sequence, hash) = if at == 0 { (0, BEGINNING) } else { (entries[at - 1].sequence, entries[at - 1].hash) };
            entries[at] = act(99).after(sequence, hash);
            prop_assert_eq!(verify(&entries, 0, BEGINNING, None), Err(Broken::Link(entries[at].sequence + 1)));
        }

        #[test]
        fn an_entry_as_shown_reads_back(length in 1u64..5) {
            for entry in chain(length) {
                prop_assert_eq!(Entry::try_from(&LedgerEntry::from(&entry)), Ok(entry));
            }
        }

        #[test]
        fn a_stretch_can_be_checked_from_where_it_begins(length in 2u64..20, from in 1usize..19) {
            let entries = chain(length);
            let from = from.min(entries.len() - 1);
            let before = &entries[from - 1];
            prop_assert_eq!(verify(&entries[from..], before.sequence, before.hash, None), Ok(entries.last().unwrap().hash));
        }
    }
}
