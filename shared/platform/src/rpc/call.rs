//! Asking another service.

use crate::telemetry;
use async_nats::{HeaderMap, RequestErrorKind};
use bytes::Bytes;
use duban_contracts::event::header;
use duban_contracts::{Problem, subjects};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tracing::Instrument;
use uuid::Uuid;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    service: String,
    subject: String,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
}

impl Call {
    /// `Call::new("intake", "case.show")`; five seconds.
    pub fn new(service: &str, name: &str) -> Self {
        Self {
            service: service.to_owned(),
            subject: subjects::rpc(service, name),
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"null"),
            timeout: Duration::from_secs(5),
        }
    }

    /// A subject outside the pattern of requests.
    pub fn to_subject(service: &str, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..Self::new(service, "") }
    }

    /// # Errors
    /// 500 if the body cannot be written as JSON.
    pub fn body<Req: Serialize>(mut self, body: &Req) -> Result<Self, Problem> {
        self.body = serde_json::to_vec(body).map_err(|_| Problem::internal())?.into();
        Ok(self)
    }

    /// A body that is JSON already.
    pub fn raw_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// A claim as signed.
    pub fn claim(mut self, signed: &str) -> Self {
        self.headers.insert(header::CLAIM, signed);
        self
    }

    /// Sends it as the operator, by his name instead of a claim, to the subject that is kept for him.
    pub fn operator(mut self, name: &str) -> Self {
        self.headers.insert(header::OPERATOR, name);
        self.subject = self.subject.replacen(".rpc.v1.", ".rpc.v1.operator.", 1);
        self
    }

    pub fn request_id(mut self, id: Uuid) -> Self {
        self.headers.insert(header::REQUEST_ID, id.to_string());
        self
    }

    pub fn expected_version(mut self, version: i64) -> Self {
        self.headers.insert(header::EXPECTED_VERSION, version.to_string());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// The callee's problem; 503 when nobody listens or answers in time; 413 when it is too large for the broker.
    pub async fn send<Res: DeserializeOwned>(self, client: &async_nats::Client) -> Result<Res, Problem> {
        let span = tracing::info_span!(
            target: "duban::rpc",
            "request",
            otel.name = %format!("{} send", self.subject),
            otel.kind = "client",
            messaging.system = "nats",
            messaging.operation.name = "request",
            messaging.operation.type = "send",
            messaging.destination.name = %self.subject,
            otel.status_code = tracing::field::Empty,
        );
        let answer = self.exchange(client).instrument(span.clone()).await;
        if answer.as_ref().is_err_and(|problem| problem.status >= 500) {
            span.record("otel.status_code", "ERROR");
        }
        serde_json::from_slice(&answer?).map_err(|error| {
            tracing::error!(%error, "an answer cannot be read");
            Problem::internal()
        })
    }

    async fn exchange(mut self, client: &async_nats::Client) -> Result<Bytes, Problem> {
        self.headers.insert(header::CONTENT_TYPE, "application/json");
        telemetry::inject(&mut self.headers);
        let request = async_nats::Request::new().payload(self.body).headers(self.headers).timeout(Some(self.timeout));
        let message = client.send_request(self.subject, request).await.map_err(|error| match error.kind() {
            RequestErrorKind::MaxPayloadExceeded => Problem::new(413, "too-large", "The request is too large", "请求过大"),
            _ => Problem::unavailable(self.service.as_str()),
        })?;
        let code = message.headers.as_ref().and_then(|headers| headers.get(async_nats::service::NATS_SERVICE_ERROR_CODE));
        match code {
            None => Ok(message.payload),
            Some(code) => Err(serde_json::from_slice(&message.payload).unwrap_or_else(|_| {
                tracing::error!(code = code.as_str(), "an error without problem details");
                Problem::internal()
            })),
        }
    }
}
