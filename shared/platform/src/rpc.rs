//! Requests between services over NATS.

use duban_contracts::Problem;
use duban_contracts::claim::Claim;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use uuid::Uuid;

/// A request as received.
pub struct Request<Req> {
    pub subject: String,
    pub body: Req,
    /// The body as it came.
    pub raw: bytes::Bytes,
    pub request_id: Option<Uuid>,
    pub expected_version: Option<i64>,
}

impl<Req> Request<Req> {
    /// The verified claim. 401 without.
    pub fn claim(&self) -> Result<&Claim, Problem> {
        todo!()
    }

    /// The person who asks. 401 without.
    pub fn person(&self) -> Result<&str, Problem> {
        todo!()
    }

    /// 409 with the present state unless the expected version is the present one; 400 if none was given.
    pub fn expect_version<T: Serialize>(&self, _present: i64, _state: impl FnOnce() -> T) -> Result<(), Problem> {
        todo!()
    }
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// The requests that a service answers.
#[derive(Clone)]
pub struct Rpc {}

impl Rpc {
    pub async fn serve<S, Req, Res, F, Fut>(&self, _name: &'static str, _state: S, _handler: F) -> anyhow::Result<()>
    where
        S: Clone + Send + Sync + 'static,
        Req: DeserializeOwned + Send + 'static,
        Res: Serialize + Send + 'static,
        F: Fn(S, Request<Req>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Failed>> + Send + 'static,
    {
        todo!()
    }

    pub async fn serve_subject<S, Req, Res, F, Fut>(&self, _name: &str, _subject: &str, _state: S, _handler: F) -> anyhow::Result<()>
    where
        S: Clone + Send + Sync + 'static,
        Req: DeserializeOwned + Send + 'static,
        Res: Serialize + Send + 'static,
        F: Fn(S, Request<Req>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Failed>> + Send + 'static,
    {
        todo!()
    }
}

/// A request to be sent.
pub struct Call {
    subject: String,
    timeout: Duration,
}

impl Call {
    pub fn new(service: &str, name: &str) -> Self {
        Self { subject: duban_contracts::subjects::rpc(service, name), timeout: Duration::from_secs(5) }
    }

    pub fn body<Req: Serialize>(self, _body: &Req) -> Result<Self, Problem> {
        todo!()
    }

    /// A claim as signed.
    pub fn claim(self, _signed: &str) -> Self {
        todo!()
    }

    pub fn request_id(self, _id: Uuid) -> Self {
        todo!()
    }

    pub fn expected_version(self, _version: i64) -> Self {
        todo!()
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }
}
