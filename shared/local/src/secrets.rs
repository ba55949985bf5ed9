//! The secrets of an installation: made once, each a file `secrets/<name>.key` that only its owner reads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use nkeys::KeyPair;

use crate::{Error, Result, place};

/// A folder of secrets; what is asked for and not there is made.
#[derive(Debug, Clone)]
pub struct Secrets {
    dir: PathBuf,
}

impl Secrets {
    pub fn in_folder(dir: impl Into<PathBuf>) -> Result<Secrets> {
        let dir = dir.into();
        place::private_folder(&dir)?;
        Ok(Secrets { dir })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Of a Postgres role (or of the superuser, `duban`).
    pub fn database_password(&self, role: &str) -> Result<String> {
        self.kept(&format!("postgres-{role}"), random_password)
    }

    /// Of a user of the broker.
    pub fn nats_password(&self, user: &str) -> Result<String> {
        self.kept(&format!("nats-{user}"), random_password)
    }

    /// `DUBAN_CLAIM_SEED`: with it the gateway signs whom it speaks for (base64, 32 bytes, ed25519).
    pub fn claim_seed(&self) -> Result<String> {
        self.kept("claim-seed", random_key)
    }

    /// `DUBAN_CLAIM_PUBLIC`: with it the others check that (base64, 32 bytes).
    pub fn claim_public(&self) -> Result<String> {
        let bytes = STANDARD.decode(self.claim_seed()?).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let seed = bytes.ok_or_else(|| self.spoilt("claim-seed", "32 bytes in base64"))?;
        Ok(STANDARD.encode(SigningKey::from_bytes(&seed).verifying_key().as_bytes()))
    }

    /// `DUBAN_SEAL_KEY` of a service: what it keeps encrypted.
    pub fn seal_key(&self, service: &str) -> Result<String> {
        self.kept(&format!("seal-{service}"), random_key)
    }

    /// `DUBAN_IDENTITY_KEY`: receipts and tracking codes are made with it. Losing it changes all of them.
    pub fn identity_key(&self) -> Result<String> {
        self.kept("identity", random_key)
    }

    /// `DUBAN_CHECK_KEY`: the check symbols of tracking codes.
    pub fn check_key(&self) -> Result<String> {
        self.kept("check", random_key)
    }

    /// `DUBAN_LINK_KEY`: acknowledgement links.
    pub fn link_key(&self) -> Result<String> {
        self.kept("link", random_key)
    }

    /// `DUBAN_ISSUER_SEED`: the account nkey with which the gateway signs its answers to the broker's auth callout.
    pub fn issuer_seed(&self) -> Result<String> {
        let known = self.path("issuer-seed");
        if !known.exists() {
            let seed = KeyPair::new_account().seed().map_err(|error| Error::Wrong(format!("making the issuer's key: {error}")))?;
            place::write_private(&known, &seed)?;
        }
        self.kept("issuer-seed", String::new)
    }

    /// The public key that the broker's configuration names for it.
    pub fn issuer_public(&self) -> Result<String> {
        let pair = KeyPair::from_seed(&self.issuer_seed()?).map_err(|_| self.spoilt("issuer-seed", "the seed of an account nkey"))?;
        Ok(pair.public_key())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }

    fn kept(&self, name: &str, make: impl FnOnce() -> String) -> Result<String> {
        let path = self.path(name);
        if !path.exists() {
            place::write_private(&path, &make())?;
        }
        let text = fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
        let text = text.trim();
        if text.is_empty() { Err(self.spoilt(name, "a secret")) } else { Ok(text.into()) }
    }

    fn spoilt(&self, name: &str, expected: &str) -> Error {
        Error::Wrong(format!("{} does not hold {expected}", self.path(name).display()))
    }
}

/// 128 random bits in hexadecimal, behind a letter: nats-server takes a bare word that looks like a number for one.
pub fn random_password() -> String {
    format!("p{}", hex::encode(rand::random::<[u8; 16]>()))
}

/// 32 random bytes in base64.
pub fn random_key() -> String {
    STANDARD.encode(rand::random::<[u8; 32]>())
}
