//! A report's identity is (producer, idempotency key). Receipt and tracking code are computed from it, never looked up, so that the same
//! key has the same receipt and code for ever, from any copy of the gateway, with the database down.

use crate::canonical::keyed_bytes;
use uuid::Uuid;

/// The installation's two secrets. Losing them means that old receipts can no longer be recomputed; they are part of every backup.
#[derive(Clone)]
pub struct IdentityKeys {
    /// `DUBAN_IDENTITY_KEY`: receipts, tracking codes, body hashes.
    pub identity: [u8; 32],
    /// `DUBAN_CHECK_KEY`: the check part of tracking codes.
    pub check: [u8; 32],
}

/// Symbols of tracking codes: digits and capital letters without I, L, O and U. What people write for the missing ones is understood.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 14 symbols: 54 bits of keyed hash, then 16 bits of check. Shown in groups of 5, 4 and 5.
///
/// Not a database key: two reports may share a code (the page then shows neither and asks for the receipt).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrackingCode {
    /// The 54 bits of hash.
    pub hash: u64,
    check: u16,
}

impl IdentityKeys {
    /// The receipt: 128 bits, a keyed hash of the identity.
    pub fn receipt(&self, producer: &str, idempotency_key: &str) -> Uuid {
        let digest = keyed_bytes(&self.identity, &identity_bytes("receipt", producer, idempotency_key));
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// The tracking code that goes with the receipt. Computed from the receipt, so that who has the receipt has the code.
    pub fn tracking_code(&self, receipt: Uuid) -> TrackingCode {
        let digest = keyed_bytes(&self.identity, &identity_bytes("tracking", &receipt.to_string(), ""));
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(&digest[..8]);
        let hash = u64::from_be_bytes(bytes) >> 10;
        TrackingCode { hash, check: self.check_of(hash) }
    }

    /// Whether the code was made by this installation. A guess passes once in 65,536.
    pub fn is_genuine(&self, code: TrackingCode) -> bool {
        use subtle::ConstantTimeEq;
        code.check.ct_eq(&self.check_of(code.hash)).into()
    }

    fn check_of(&self, hash: u64) -> u16 {
        let digest = keyed_bytes(&self.check, &hash.to_be_bytes());
        u16::from_be_bytes([digest[0], digest[1]])
    }

    /// Keyed hash of a parsed body: what tells a repetition from another body under the same key.
    pub fn body_hash(&self, body: &serde_json::Value) -> [u8; 32] {
        crate::canonical::keyed_hash(&self.identity, body)
    }
}

/// Length-prefixed, so that parts cannot run into one another.
fn identity_bytes(what: &str, first: &str, second: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(what.len() + first.len() + second.len() + 24);
    for part in [what, first, second] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

impl std::fmt::Display for TrackingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits = (u128::from(self.hash) << 16) | u128::from(self.check);
        for i in 0..14 {
            if i == 5 || i == 9 {
                f.write_str("-")?;
            }
            let symbol = (bits >> (5 * (13 - i))) & 31;
            write!(f, "{}", char::from(SYMBOLS[symbol as usize]))?;
        }
        Ok(())
    }
}

/// Not a tracking code: wrong length or a symbol that no code has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tracking code has 14 letters and digits")]
pub struct NotATrackingCode;

impl std::str::FromStr for TrackingCode {
    type Err = NotATrackingCode;

    /// Reads a code as people type it: any case, full-width forms, with or without separators, O for 0, I and L for 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use unicode_normalization::UnicodeNormalization;
        let mut bits: u128 = 0;
        let mut count = 0;
        for c in text.nfkc() {
            if c.is_whitespace() || matches!(c, '-' | '–' | '—' | '_' | '.') {
                continue;
            }
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let symbol = u8::try_from(c).ok().and_then(|b| SYMBOLS.iter().position(|s| *s == b)).ok_or(NotATrackingCode)?;
            count += 1;
            if count > 14 {
                return Err(NotATrackingCode);
            }
            bits = (bits << 5) | symbol as u128;
        }
        if count != 14 {
            return Err(NotATrackingCode);
        }
        Ok(Self { hash: (bits >> 16) as u64, check: (bits & 0xffff) as u16 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn keys() -> IdentityKeys {
        IdentityKeys { identity: [1; 32], check: [2; 32] }
    }

    #[test]
    fn the_same_identity_has_the_same_receipt_and_another_has_another() {
        assert_eq!(keys().receipt("hotline", "k1"), keys().receipt("hotline", "k1"));
        assert_ne!(keys().receipt("hotline", "k1"), keys().receipt("hotlin", "ek1"));
        assert_ne!(keys().receipt("hotline", "k1"), keys().receipt("web", "k1"));
    }

    proptest! {
        #[test]
        fn a_code_reads_back_however_it_is_written(n in any::<u128>()) {
            let code = keys().tracking_code(Uuid::from_u128(n));
            let shown = code.to_string();
            prop_assert_eq!(shown.len(), 16);
            prop_assert_eq!(shown.parse::<TrackingCode>().unwrap(), code);
            let sloppy = shown.replace('-', " ").to_lowercase().replace('0', "o").replace('1', "l");
            prop_assert_eq!(sloppy.parse::<TrackingCode>().unwrap(), code);
            prop_assert!(keys().is_genuine(code));
        }
    }

    /// Codes as different from each other as those of real reports; always the same ones, so that these tests count the same each time.
    fn codes() -> impl Iterator<Item = TrackingCode> {
        (0u32..).map(|n| keys().tracking_code(keys().receipt("hotline", &n.to_string())))
    }

    #[test]
    fn a_guess_passes_once_in_65536() {
        for TrackingCode { hash, .. } in codes().take(2) {
            let passing = (0..=u16::MAX).filter(|check| keys().is_genuine(TrackingCode { hash, check: *check })).count();
            assert_eq!(passing, 1);
        }
        // And no check is likelier than another: of 65,536 that are drawn freely, so many are different (1 - 1/e of them). With one bit
        // less it would be 28,335.
        let different: HashSet<u16> = codes().take(1 << 16).map(|code| code.check).collect();
        assert!((41_000..41_900).contains(&different.len()), "{}", different.len());
    }

    #[test]
    fn a_slip_of_one_symbol_or_of_two_neighbours_is_noticed() {
        let is_noticed = |slipped: &[u8; 14]| {
            let code: TrackingCode = std::str::from_utf8(slipped).unwrap().parse().unwrap();
            !keys().is_genuine(code)
        };
        let (mut slips, mut unnoticed) = (0, 0);
        for code in codes().take(150) {
            let shown: [u8; 14] = code.to_string().replace('-', "").into_bytes().try_into().unwrap();
            for at in 0..14 {
                for symbol in SYMBOLS.iter().filter(|symbol| **symbol != shown[at]) {
                    let mut slipped = shown;
                    slipped[at] = *symbol;
                    slips += 1;
                    unnoticed += u32::from(!is_noticed(&slipped));
                    // Where only the check is wrong, it is noticed always.
                    assert!(at < 11 || is_noticed(&slipped), "{code}");
                }
                let mut swapped = shown;
                if at > 0 && shown[at - 1] != shown[at] {
                    swapped.swap(at - 1, at);
                    slips += 1;
                    unnoticed += u32::from(!is_noticed(&swapped));
                }
            }
        }
        // One or so is to be expected of so many: once in 65,536.
        assert!(slips > 65_000 && unnoticed <= 6, "{unnoticed} of {slips} slips pass");
    }
}
