//! Content at rest: every record under a key of its own, and that key wrapped by the service's. Destroying the wrapped key destroys the
//! record, in every backup too.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use duban_platform::Seal;
use uuid::Uuid;

const NONCE: usize = 24;

/// A record's content as stored, and its wrapped key.
pub struct Sealed {
    /// Nonce, then ciphertext with its tag; the record's id is authenticated with it.
    pub content: Vec<u8>,
    pub wrapped_key: Vec<u8>,
}

/// The content cannot be sealed (too long) or opened: changed, or the key is another's or gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content of the record cannot be opened")]
pub struct CannotOpen;

fn about(record: Uuid) -> String {
    format!("record-key/{record}")
}

/// Seals content under a fresh key.
///
/// # Errors
/// More than 256 GB.
pub fn seal(service: &Seal, record: Uuid, content: &[u8]) -> Result<Sealed, CannotOpen> {
    let key: [u8; 32] = rand::random();
    let nonce: [u8; NONCE] = rand::random();
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&key));
    let payload = Payload { msg: content, aad: record.as_bytes() };
    let ciphertext = cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| CannotOpen)?;
    let wrapped_key = service.seal(&key, &about(record)).map_err(|_| CannotOpen)?;
    Ok(Sealed { content: [nonce.as_slice(), &ciphertext].concat(), wrapped_key })
}

/// Opens a record's content.
///
/// # Errors
/// Anything that was changed, or another service's key.
pub fn open(service: &Seal, record: Uuid, sealed: &Sealed) -> Result<Vec<u8>, CannotOpen> {
    let key = service.open(&sealed.wrapped_key, &about(record)).map_err(|_| CannotOpen)?;
    let key: [u8; 32] = key.try_into().map_err(|_| CannotOpen)?;
    let (nonce, ciphertext) = sealed.content.split_at_checked(NONCE).ok_or(CannotOpen)?;
    let payload = Payload { msg: ciphertext, aad: record.as_bytes() };
    XChaCha20Poly1305::new(Key::from_slice(&key)).decrypt(XNonce::from_slice(nonce), payload).map_err(|_| CannotOpen)
}
