//! Claims: what the gateway vouches for in a request that it passes on. Short-lived, signed with Ed25519, checked by the owner of the data.
//!
//! On the wire: `base64url(JSON) "." base64url(signature over the first part)`, header `duban-claim`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who asks, and by what right the gateway believes so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Asker {
    /// A logged-in person: by session on the pages, by token on the API.
    Person { person: String, session: Uuid },
    /// Whoever holds an acknowledgement link: good for one act on one thing.
    Link { link: Uuid, person: String, act: String, on: Uuid },
    /// A producer, for its own results.
    Producer { producer: String },
    /// The gateway itself, for the public's look-ups.
    Public,
}

/// A claim. Times are mechanism time (real clock), seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    #[serde(flatten)]
    pub asker: Asker,
    pub issued: i64,
    pub expires: i64,
}

/// How long a claim is good for: enough for a request over a slow broker.
pub const LIFETIME_SECONDS: i64 = 60;

/// Why a claim was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("the claim is missing")]
    Missing,
    #[error("the claim cannot be read")]
    Malformed,
    #[error("the claim's signature is not the gateway's")]
    Forged,
    #[error("the claim has expired")]
    Expired,
}

impl Claim {
    pub fn new(asker: Asker, now: i64) -> Self {
        Self { asker, issued: now, expires: now + LIFETIME_SECONDS }
    }

    /// The person who asks, by session or token. None for who holds a link: that is good for one act on one thing and for nothing that the
    /// person may do besides.
    pub fn person(&self) -> Option<&str> {
        match &self.asker {
            Asker::Person { person, .. } => Some(person),
            Asker::Link { .. } | Asker::Producer { .. } | Asker::Public => None,
        }
    }

    /// The person who asks, by session, token, or a link that is for this very thing.
    pub fn person_about(&self, thing: Uuid) -> Option<&str> {
        match &self.asker {
            Asker::Link { person, on, .. } if *on == thing => Some(person),
            _ => self.person(),
        }
    }

    /// Whose request ids these are: a person's are one space, each link's another.
    pub fn request_space(&self) -> String {
        match &self.asker {
            Asker::Person { person, .. } => format!("person/{person}"),
            Asker::Link { link, .. } => format!("link/{link}"),
            Asker::Producer { producer } => format!("producer/{producer}"),
            Asker::Public => "public".to_owned(),
        }
    }

    pub fn sign(&self, key: &SigningKey) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.encode(json);
        let signature = key.sign(payload.as_bytes());
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Reads and checks a claim; `now` in seconds since 1970. A clock half a minute behind the gateway's is allowed for.
    pub fn verify(text: &str, key: &VerifyingKey, now: i64) -> Result<Self, ClaimError> {
        let (payload, signature) = text.split_once('.').ok_or(ClaimError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| ClaimError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| ClaimError::Malformed)?;
        key.verify(payload.as_bytes(), &signature).map_err(|_| ClaimError::Forged)?;
        let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| ClaimError::Malformed)?;
        let claim: Self = serde_json::from_slice(&json).map_err(|_| ClaimError::Malformed)?;
        if now > claim.expires || claim.issued > now + 30 {
            return Err(ClaimError::Expired);
        }
        Ok(claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        Claim::new(Asker::Person { person: "p1".into(), session: Uuid::nil() }, 1_000)
    }

    #[test]
    fn a_links_claim_is_the_persons_for_its_own_thing_alone() {
        let (on, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let link = Claim::new(Asker::Link { link: Uuid::nil(), person: "p1".into(), act: "show".into(), on }, 1_000);
        assert_eq!((link.person(), link.person_about(on), link.person_about(other)), (None, Some("p1"), None));
        assert_eq!((claim().person(), claim().person_about(other)), (Some("p1"), Some("p1")));
    }

    #[test]
    fn only_the_gateways_signature_is_believed_and_only_for_a_while() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let text = claim().sign(&key);
        assert_eq!(Claim::verify(&text, &key.verifying_key(), 1_030), Ok(claim()));
        assert_eq!(Claim::verify(&text, &key.verifying_key(), 1_061), Err(ClaimError::Expired));
        let other = SigningKey::from_bytes(&[4; 32]);
        assert_eq!(Claim::verify(&text, &other.verifying_key(), 1_030), Err(ClaimError::Forged));
        assert_eq!(Claim::verify("x", &key.verifying_key(), 1_030), Err(ClaimError::Malformed));
    }
}
