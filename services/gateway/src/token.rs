//! Tokens: 256 random bits, shown once, kept as a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use sha2::{Digest, Sha256};

/// What a token is for stands in front of it, so that one found in a log or a repository tells what must be revoked.
pub const PRODUCER: &str = "duban_producer_";
pub const PERSON: &str = "duban_person_";

/// A new token with a prefix of [`PRODUCER`], [`PERSON`], or none.
pub fn fresh(prefix: &str) -> String {
    let mut bytes = [0u8; 32];
    // The operating system's generator: without it no secret could be made at all.
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).unwrap_or_else(|error| panic!("no random bytes from the operating system: {error}"));
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256, hex: what is kept of a token.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_differ_and_say_what_they_are_for() {
        let (a, b) = (super::fresh(super::PERSON), super::fresh(super::PERSON));
        assert_ne!(a, b);
        assert!(a.starts_with("duban_person_") && a.len() == "duban_person_".len() + 43);
        assert_eq!(super::hash("a").len(), 64);
    }
}
