//! Sealing of what must not lie open: dead letters, reports that were set aside or rejected.
//!
//! XChaCha20-Poly1305 with a random nonce. A sealed text begins with a form byte and the first bytes of its key's hash, so that the key
//! can be changed: new texts are sealed under the first key, old ones are opened with whichever key made them.

use crate::config::{Secret, key_of};
use anyhow::{Context, bail};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const FORM: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID + NONCE;

/// Encrypts and authenticates under the service's key.
#[derive(Clone)]
pub struct Seal {
    keys: Arc<Vec<([u8; KEY_ID], XChaCha20Poly1305)>>,
}

impl Seal {
    /// From the setting: base64 keys of 32 bytes, separated by commas; the first one seals, all open.
    ///
    /// # Errors
    /// No key, or one that is not base64 of 32 bytes.
    pub fn new(setting: &Secret) -> anyhow::Result<Self> {
        let keys = setting
            .expose()
            .split(',')
            .map(|text| {
                let key = zeroize::Zeroizing::new(key_of(text).context("DUBAN_SEAL_KEY")?);
                Ok((key_id(&key), XChaCha20Poly1305::new((&*key).into())))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { keys: Arc::new(keys) })
    }

    /// Seals `plain`; `about` (a table and an id, say) is not kept but must be given again to open it, so that a sealed text cannot be
    /// put in another's place.
    ///
    /// # Errors
    /// More than 256 GB.
    pub fn seal(&self, plain: &[u8], about: &str) -> anyhow::Result<Vec<u8>> {
        let (id, key) = self.keys.first().context("no key to seal with")?;
        let nonce: [u8; NONCE] = rand::random();
        let sealed = key
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: about.as_bytes() })
            .map_err(|_| anyhow::anyhow!("the text is too long to be sealed"))?;
        let mut out = Vec::with_capacity(HEAD + sealed.len());
        out.push(FORM);
        out.extend_from_slice(id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`Self::seal`] made under the same `about`.
    ///
    /// # Errors
    /// A key that is not among ours, or a text that was changed or belongs elsewhere.
    pub fn open(&self, sealed: &[u8], about: &str) -> anyhow::Result<Vec<u8>> {
        if sealed.len() < HEAD || sealed[0] != FORM {
            bail!("not a sealed text");
        }
        let (id, rest) = sealed[1..].split_at(KEY_ID);
        let (nonce, body) = rest.split_at(NONCE);
        let (_, key) = self.keys.iter().find(|(known, _)| known == id).context("sealed under a key that is not among DUBAN_SEAL_KEY")?;
        key.decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: about.as_bytes() })
            .map_err(|_| anyhow::anyhow!("the sealed text was changed or belongs elsewhere"))
    }
}

fn key_id(key: &[u8; 32]) -> [u8; KEY_ID] {
    let digest = Sha256::new().chain_update(b"duban seal key id").chain_update(key).finalize();
    let mut id = [0; KEY_ID];
    id.copy_from_slice(&digest[..KEY_ID]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn seal(keys: &[[u8; 32]]) -> Seal {
        let text: Vec<_> = keys.iter().map(|key| base64::engine::general_purpose::STANDARD.encode(key)).collect();
        Seal::new(&text.join(",").parse().unwrap()).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_only_in_its_own_place_and_unchanged() {
        let seal = seal(&[[1; 32]]);
        let mut sealed = seal.seal("车主电话".as_bytes(), "dead_letter/1").unwrap();
        assert_eq!(seal.open(&sealed, "dead_letter/1").unwrap(), "车主电话".as_bytes());
        assert!(seal.open(&sealed, "dead_letter/2").is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(seal.open(&sealed, "dead_letter/1").is_err());
        assert!(seal.open(b"", "dead_letter/1").is_err());
    }

    #[test]
    fn a_new_key_first_leaves_the_old_texts_readable() {
        let old = seal(&[[1; 32]]).seal(b"x", "a").unwrap();
        let both = seal(&[[2; 32], [1; 32]]);
        assert_eq!(both.open(&old, "a").unwrap(), b"x");
        let new = both.seal(b"y", "a").unwrap();
        assert!(seal(&[[1; 32]]).open(&new, "a").is_err());
    }
}
