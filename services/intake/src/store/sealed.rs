//! Sealing at the store's edge: what stands in a row is bound to that row.

use duban_platform::Seal;

pub fn seal(seal: &Seal, plain: &[u8], about: &str) -> Result<Vec<u8>, sqlx::Error> {
    seal.seal(plain, about).map_err(|error| sqlx::Error::Encode(error.into()))
}

pub fn open(seal: &Seal, sealed: &[u8], about: &str) -> Result<Vec<u8>, sqlx::Error> {
    seal.open(sealed, about).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub fn open_text(seal: &Seal, sealed: &[u8], about: &str) -> Result<String, sqlx::Error> {
    String::from_utf8(open(seal, sealed, about)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub fn seal_json<T: serde::Serialize>(key: &Seal, value: &T, about: &str) -> Result<Vec<u8>, sqlx::Error> {
    let plain = serde_json::to_vec(value).map_err(|error| sqlx::Error::Encode(error.into()))?;
    seal(key, &plain, about)
}

pub fn open_json<T: serde::de::DeserializeOwned>(key: &Seal, sealed: &[u8], about: &str) -> Result<T, sqlx::Error> {
    serde_json::from_slice(&open(key, sealed, about)?).map_err(|error| sqlx::Error::Decode(error.into()))
}
