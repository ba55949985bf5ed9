//! The producers as every copy of the gateway holds them in memory: checking a token needs no database.

use duban_policy::calendar::Duration;
use duban_policy::directory::Watched;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A system that sends reports: a hotline platform, a web form, a store's own software.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// Subject token, broker user, and part of every report's identity: it never changes.
    pub id: String,
    pub name: String,
    /// Unit of reports that name none.
    pub unit: String,
    /// SHA-256 of the token, hex. Tokens are 256 random bits, so a fast hash is enough.
    pub token_hash: String,
    pub disabled: bool,
    /// Made for a demonstration; its token works nowhere else.
    pub demonstration: bool,
    /// For how long it may send nothing before that is told; None: it is not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<Duration>,
}

impl Producer {
    /// As the other services know of it, if its silence is told.
    pub fn watched(&self) -> Option<Watched> {
        let silent_after = self.silent_after.filter(|_| !self.disabled)?;
        Some(Watched { producer: self.id.clone(), unit: self.unit.clone(), silent_after })
    }
}

/// Those who may send, by token and by id. Cheap to clone; all clones see a change at once.
#[derive(Clone, Default)]
pub struct ProducerBook(Arc<RwLock<Arc<Pages>>>);

#[derive(Default)]
struct Pages {
    by_hash: HashMap<[u8; 32], Arc<Producer>>,
    by_id: HashMap<String, Arc<Producer>>,
}

impl ProducerBook {
    /// Takes the place of all that was known. Those of a demonstration are left out unless this is one.
    pub fn replace(&self, producers: impl IntoIterator<Item = Producer>, demonstration: bool) {
        let mut pages = Pages::default();
        for producer in producers.into_iter().filter(|p| !p.disabled && (demonstration || !p.demonstration)) {
            let producer = Arc::new(producer);
            let mut hash = [0; 32];
            if hex::decode_to_slice(&producer.token_hash, &mut hash).is_ok() {
                pages.by_hash.insert(hash, producer.clone());
            }
            pages.by_id.insert(producer.id.clone(), producer);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pages);
    }

    /// The producer whose token this is. The look-up is by the token's hash, so its time tells nothing about tokens.
    pub fn by_token(&self, token: &str) -> Option<Arc<Producer>> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.pages().by_hash.get(&hash).cloned()
    }

    /// The producer of this id, unless it is disabled.
    pub fn by_id(&self, id: &str) -> Option<Arc<Producer>> {
        self.pages().by_id.get(id).cloned()
    }

    fn pages(&self) -> Arc<Pages> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token;

    fn producer(id: &str, token: &str) -> Producer {
        Producer {
            id: id.into(),
            name: id.into(),
            unit: "S01".into(),
            token_hash: token::hash(token),
            disabled: false,
            demonstration: false,
            silent_after: None,
        }
    }

    #[test]
    fn only_those_who_may_send_are_found() {
        let book = ProducerBook::default();
        let disabled = Producer { disabled: true, ..producer("old", "t2") };
        let shown = Producer { demonstration: true, ..producer("shown", "t3") };
        let all = [producer("hotline", "t1"), disabled, shown];
        book.replace(all.clone(), false);
        assert_eq!(book.by_token("t1").unwrap().id, "hotline");
        assert!(book.by_token("t2").is_none() && book.by_id("old").is_none());
        assert!(book.by_token("t3").is_none() && book.by_id("shown").is_none());
        assert!(book.by_token("").is_none() && book.by_token("T1").is_none());
        book.replace(all, true);
        assert_eq!(book.by_token("t3").unwrap().id, "shown");
    }
}
