//! Believing claims: the gateway's signature, checked with its public key.

use anyhow::Context;
use duban_contracts::Problem;
use duban_contracts::claim::{Claim, ClaimError};
use ed25519_dalek::VerifyingKey;
use std::time::{SystemTime, UNIX_EPOCH};

/// Checks claims. Without a key (the gateway, which signs them) none is believed.
#[derive(Clone, Default)]
pub struct Claims {
    key: Option<VerifyingKey>,
}

impl Claims {
    /// From `DUBAN_CLAIM_PUBLIC`, base64 of 32 bytes.
    ///
    /// # Errors
    /// Anything else.
    pub fn new(public: Option<&str>) -> anyhow::Result<Self> {
        let key = public
            .map(|text| {
                let bytes = crate::config::key_of(text).context("DUBAN_CLAIM_PUBLIC")?;
                VerifyingKey::from_bytes(&bytes).context("DUBAN_CLAIM_PUBLIC is no Ed25519 key")
            })
            .transpose()?;
        Ok(Self { key })
    }

    pub fn of(key: VerifyingKey) -> Self {
        Self { key: Some(key) }
    }

    /// The claim, if it is the gateway's and of now (mechanism time).
    pub fn verify(&self, text: Option<&str>) -> Result<Claim, ClaimError> {
        let text = text.ok_or(ClaimError::Missing)?;
        let key = self.key.as_ref().ok_or(ClaimError::Forged)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Claim::verify(text, key, i64::try_from(now).unwrap_or(i64::MAX))
    }
}

/// 401, saying why.
pub(super) fn unbelieved(error: ClaimError) -> Problem {
    Problem::unauthenticated().with_detail(error.to_string())
}
