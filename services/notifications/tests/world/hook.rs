//! A webhook receiver on a real socket, which checks signatures by the specification, apart from the service's own code.

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// How the receiver answers.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    Status(u16),
    /// Takes the request and never answers.
    Silent,
    /// Sends elsewhere.
    Redirect,
}

/// One call as received.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub raw: Vec<u8>,
    pub body: Value,
}

#[derive(Clone)]
pub struct Hook {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    manner: Arc<Mutex<Manner>>,
    came: Arc<Notify>,
}

impl Hook {
    pub async fn start(manner: Manner) -> Result<Hook> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let hook = Hook {
            url: format!("http://{}/hook?token=private", listener.local_addr()?),
            calls: Arc::default(),
            manner: Arc::new(Mutex::new(manner)),
            came: Arc::default(),
        };
        let app = Router::new().route("/hook", post(receive)).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(hook)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn answer_with(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Waits until so many calls have come.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> Result<Vec<Call>> {
        let waiting = async {
            loop {
                let came = self.came.notified();
                let calls = self.calls();
                if calls.len() >= count {
                    return calls;
                }
                came.await;
            }
        };
        tokio::time::timeout(limit, waiting).await.map_err(|_| anyhow::anyhow!("{} of {count} calls in {limit:?}", self.calls().len()))
    }
}

async fn receive(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let call = Call {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        raw: body.to_vec(),
    };
    hook.calls.lock().unwrap().push(call);
    hook.came.notify_waiters();
    let manner = *hook.manner.lock().unwrap();
    match manner {
        Manner::Status(code) => StatusCode::from_u16(code).unwrap().into_response(),
        Manner::Silent => std::future::pending().await,
        Manner::Redirect => (StatusCode::FOUND, [("location", hook.url.clone())]).into_response(),
    }
}

impl Call {
    /// By the text of the specification: HMAC-SHA-256 (RFC 2104, written out here) over `id.timestamp.body`, key from `whsec_`.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut block = [0u8; 64];
        block[..key.len()].copy_from_slice(&key);
        let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
        let signed = [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", &self.raw].concat();
        let inner = Sha256::digest([pad(0x36), signed].concat());
        let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
        self.signature.split(' ').any(|one| one == format!("v1,{}", STANDARD.encode(outer)))
    }
}
