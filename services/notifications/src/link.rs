//! Acknowledgement links: a token in a message that lets one person acknowledge one alert, once, without logging in.
//!
//! The token is computed from the link's id under the installation's key and never stored; the table has its hash. So a message that is
//! sent again carries the same link, and who reads the database cannot make one.

use duban_contracts::{canonical, ids};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Lower-case base32 (RFC 4648): survives being retyped, and no mail program breaks it off.
const SYMBOLS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The link of an alert for a person.
pub fn id(alert: Uuid, person: &str) -> Uuid {
    ids::derived("link", &[&alert.to_string(), person])
}

/// 160 bits of keyed hash, 32 symbols.
pub fn token(key: &[u8; 32], link: Uuid) -> String {
    let digest = canonical::keyed_bytes(key, format!("link\0{link}").as_bytes());
    base32(&digest[..20])
}

/// What is stored of a token.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().to_ascii_lowercase().as_bytes()).into()
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut pending, mut bits) = (0u32, 0u32);
    for byte in bytes {
        pending = (pending << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(SYMBOLS[((pending >> bits) & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(SYMBOLS[((pending << (5 - bits)) & 31) as usize]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_stable_and_another_for_everyone() {
        let alert = Uuid::from_u128(7);
        let link = id(alert, "wang");
        let token_text = token(&[1; 32], link);
        assert_eq!(token_text.len(), 32);
        assert!(token_text.bytes().all(|b| SYMBOLS.contains(&b)));
        assert_eq!(token_text, token(&[1; 32], link));
        assert_ne!(token_text, token(&[2; 32], link));
        assert_ne!(token_text, token(&[1; 32], id(alert, "li")));
        assert_eq!(hash(&token_text), hash(&format!(" {} ", token_text.to_uppercase())));
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"fooba"), "mzxw6ytb");
    }
}
