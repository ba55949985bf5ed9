//! Ids: random ones for what happens once by nature, derived ones for what must happen once by design.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A new id, sortable by the time of its making (UUID version 7).
pub fn fresh() -> Uuid {
    Uuid::now_v7()
}

/// An id that is the same whenever it is computed from the same parts (UUID version 8 over SHA-256).
///
/// Used where a repetition must be recognised: an alert from duty, run, rung and repetition; a delivery from alert, person and channel.
/// Parts are length-prefixed, so that `["ab", "c"]` and `["a", "bc"]` differ.
pub fn derived(what: &str, parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in std::iter::once(&what).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_repeat_and_do_not_run_together() {
        assert_eq!(derived("alert", &["ab", "c"]), derived("alert", &["ab", "c"]));
        assert_ne!(derived("alert", &["ab", "c"]), derived("alert", &["a", "bc"]));
        assert_ne!(derived("alert", &["x"]), derived("delivery", &["x"]));
    }
}
