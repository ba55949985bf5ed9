//! Letting producers onto the broker: the server asks about each connection whose user it does not know (auth callout), and we answer
//! with a signed user that may send its own reports, ask for its own results and hear its own inbox. So producers are made, disabled and
//! given new tokens without touching the server.

use crate::producers::ProducerBook;
use async_nats::Client;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt;
use nkeys::KeyPair;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// The account of all users.
const ACCOUNT: &str = "DUBAN";

/// How long a connection lasts before its producer has to show its token again.
const GOOD_FOR_SECONDS: u64 = 3_600;

const QUESTIONS: &str = "$SYS.REQ.USER.AUTH";

/// Answers the server's questions.
#[derive(Clone)]
pub struct AuthCallout {
    issuer: Arc<KeyPair>,
    producers: ProducerBook,
}

/// The server's question: a JWT, of which these are the claims that matter.
#[derive(Deserialize)]
struct Question {
    nats: Asked,
}

#[derive(Deserialize)]
struct Asked {
    server_id: Server,
    user_nkey: String,
    #[serde(default)]
    connect_opts: Shown,
}

#[derive(Deserialize)]
struct Server {
    id: String,
}

/// What the connecting side showed.
#[derive(Default, Deserialize)]
struct Shown {
    #[serde(default)]
    user: String,
    #[serde(default)]
    pass: String,
    #[serde(default)]
    auth_token: String,
}

/// Why a question could not be answered; the server then refuses the connection by itself.
#[derive(Debug, thiserror::Error)]
pub enum Unanswerable {
    #[error("the server's question cannot be read")]
    Unreadable,
    #[error("the issuer's seed cannot sign: {0}")]
    Signing(#[from] nkeys::error::Error),
}

impl AuthCallout {
    /// # Errors
    /// The seed is no account's seed.
    pub fn new(issuer_seed: &str, producers: ProducerBook) -> Result<Self, nkeys::error::Error> {
        Ok(Self { issuer: Arc::new(KeyPair::from_seed(issuer_seed.trim())?), producers })
    }

    /// Answers until shutdown.
    pub async fn run(self, client: Client, shutdown: CancellationToken) -> Result<(), async_nats::SubscribeError> {
        let mut questions = client.queue_subscribe(QUESTIONS, "gateway".into()).await?;
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => break,
                message = questions.next() => message,
            };
            let Some(message) = message else { break };
            let Some(reply) = message.reply else { continue };
            match self.answer(&message.payload, now()) {
                Ok(answer) => {
                    if let Err(error) = client.publish(reply, answer.into()).await {
                        tracing::warn!(%error, "an answer to the broker was not sent");
                    }
                }
                Err(error) => tracing::warn!(%error, "a connection could not be judged"),
            }
        }
        Ok(())
    }

    /// The answer to a question; `now` in seconds since 1970, real time.
    ///
    /// # Errors
    /// See [`Unanswerable`].
    pub fn answer(&self, question: &[u8], now: u64) -> Result<String, Unanswerable> {
        let asked = read(question).ok_or(Unanswerable::Unreadable)?.nats;
        let shown = &asked.connect_opts;
        let token = if shown.pass.is_empty() { &shown.auth_token } else { &shown.pass };
        let verdict = match self.producers.by_token(token).filter(|p| p.id == shown.user) {
            Some(producer) => json!({ "jwt": self.user(&producer.id, &asked.user_nkey, now)? }),
            // One sentence for an unknown producer, a wrong token and a disabled one: the difference would help only who guesses.
            None => json!({ "error": "unknown producer or token" }),
        };
        let mut nats = json!({ "type": "authorization_response", "version": 2 });
        if let (Value::Object(nats), Value::Object(verdict)) = (&mut nats, verdict) {
            nats.extend(verdict);
        }
        self.sign(json!({
            "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "iss": self.issuer.public_key(),
            "sub": asked.user_nkey, "aud": asked.server_id.id, "nats": nats,
        }))
    }

    fn user(&self, producer: &str, user_nkey: &str, now: u64) -> Result<String, Unanswerable> {
        self.sign(json!({
            "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "exp": now + GOOD_FOR_SECONDS, "iss": self.issuer.public_key(),
            "sub": user_nkey, "aud": ACCOUNT, "name": producer,
            "nats": {
                "type": "user", "version": 2, "subs": 16, "data": -1, "payload": -1,
                "pub": { "allow": [format!("duban.report.v1.*.{producer}"), format!("duban.report-result.v1.{producer}.list")] },
                "sub": { "allow": [format!("_INBOX_{producer}.>")] },
            },
        }))
    }

    fn sign(&self, claims: Value) -> Result<String, Unanswerable> {
        const HEAD: &str = r#"{"typ":"JWT","alg":"ed25519-nkey"}"#;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEAD), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.issuer.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The claims of a question. Its signature is the server's, whom alone the permissions let ask; there is no key of it to check against.
fn read(question: &[u8]) -> Option<Question> {
    let claims = std::str::from_utf8(question).ok()?.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()
}

/// Mechanism time: what the server compares an expiry with.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producers::Producer;
    use crate::token;

    fn callout() -> (AuthCallout, KeyPair) {
        let account = KeyPair::new_account();
        let book = ProducerBook::default();
        let producer = Producer {
            id: "hotline".into(),
            name: "Hotline".into(),
            unit: "S01".into(),
            token_hash: token::hash("secret"),
            disabled: false,
            demonstration: false,
            silent_after: None,
        };
        book.replace([producer], false);
        (AuthCallout::new(&account.seed().unwrap(), book).unwrap(), account)
    }

    fn question(user: &str, pass: &str) -> Vec<u8> {
        let claims = json!({"nats": {"server_id": {"id": "NSERVER"}, "user_nkey": "UUSER", "connect_opts": {"user": user, "pass": pass}}});
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string())).into_bytes()
    }

    fn claims(jwt: &str, key: &KeyPair) -> Value {
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap()).unwrap()
    }

    #[test]
    fn a_producer_gets_its_own_subjects_and_no_others() {
        let (callout, key) = callout();
        let answer = claims(&callout.answer(&question("hotline", "secret"), 1_000).unwrap(), &key);
        assert_eq!(answer["aud"], "NSERVER");
        assert_eq!(answer["sub"], "UUSER");
        let user = claims(answer["nats"]["jwt"].as_str().unwrap(), &key);
        assert_eq!(user["aud"], "DUBAN");
        assert_eq!(user["exp"], 4_600);
        assert_eq!(user["nats"]["pub"]["allow"], json!(["duban.report.v1.*.hotline", "duban.report-result.v1.hotline.list"]));
        assert_eq!(user["nats"]["sub"]["allow"], json!(["_INBOX_hotline.>"]));
    }

    #[test]
    fn a_wrong_token_or_another_name_is_refused() {
        let (callout, key) = callout();
        for (user, pass) in [("hotline", "wrong"), ("web", "secret"), ("hotline", ""), ("", "secret"), (">", "secret")] {
            let answer = claims(&callout.answer(&question(user, pass), 1_000).unwrap(), &key);
            assert!(answer["nats"]["jwt"].is_null());
            assert_eq!(answer["nats"]["error"], "unknown producer or token");
        }
        assert!(callout.answer(b"nonsense", 1).is_err());
    }
}
