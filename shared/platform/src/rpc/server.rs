//! Answering requests: a NATS service (so that the standard tools list and ping it) whose endpoints share a queue group.

use super::{Claims, Failed, Request};
use crate::{Bus, Database, Metrics, telemetry};
use anyhow::anyhow;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Service, ServiceExt};
use async_nats::{HeaderMap, service};
use bytes::Bytes;
use duban_contracts::claim::ClaimError;
use duban_contracts::event::header;
use duban_contracts::{Problem, both, subjects};
use futures::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

/// Connections to the database that requests leave to consumers, relay, lease and ticks.
const SPARED: u32 = 4;
/// What the headers of an answer take of the broker's largest message.
const HEADERS: usize = 1024;
/// How long an endpoint may take; askers have given up before.
const PATIENCE: Duration = Duration::from_secs(20);

/// The requests that a service answers. Cheap to clone.
#[derive(Clone)]
pub struct Rpc(Arc<Inner>);

struct Inner {
    service: Service,
    name: &'static str,
    claims: Claims,
    metrics: Metrics,
    /// How many requests one copy works at together; more wait in the client's buffer.
    slots: Arc<Semaphore>,
    db: Database,
    client: async_nats::Client,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Rpc {
    /// Announces the service to the broker, with the id of this copy; endpoints come by [`Self::serve`].
    pub(crate) async fn announce(
        bus: &Bus,
        db: &Database,
        copy: &str,
        claims: Claims,
        metrics: Metrics,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> anyhow::Result<Self> {
        let name = bus.service();
        let service = bus
            .client
            .service_builder()
            .metadata(HashMap::from([("copy".to_owned(), copy.to_owned())]))
            .queue_group(name)
            .start(format!("duban-{name}"), env!("CARGO_PKG_VERSION"))
            .await
            .map_err(|error| anyhow!("the service cannot be announced to the broker: {error}"))?;
        let slots = Arc::new(Semaphore::new(at_once(db.pool().options().get_max_connections())));
        let (db, client) = (db.clone(), bus.client.clone());
        Ok(Self(Arc::new(Inner { service, name, claims, metrics, slots, db, client, stop, tasks })))
    }

    /// Answers `duban.<service>.rpc.v1.<name>`.
    ///
    /// # Errors
    /// The client is closed.
    pub async fn serve<S, Req, Res, F, Fut>(&self, name: &'static str, state: S, handler: F) -> anyhow::Result<()>
    where
        S: Clone + Send + Sync + 'static,
        Req: DeserializeOwned + Send + 'static,
        Res: Serialize + Send + 'static,
        F: Fn(S, Request<Req>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Failed>> + Send + 'static,
    {
        self.serve_subject(name, &subjects::rpc(self.0.name, name), state, handler).await
    }

    /// Answers a subject outside the pattern; `name` names it in figures and tools.
    ///
    /// # Errors
    /// The client is closed.
    pub async fn serve_subject<S, Req, Res, F, Fut>(&self, name: &str, subject: &str, state: S, handler: F) -> anyhow::Result<()>
    where
        S: Clone + Send + Sync + 'static,
        Req: DeserializeOwned + Send + 'static,
        Res: Serialize + Send + 'static,
        F: Fn(S, Request<Req>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Failed>> + Send + 'static,
    {
        let endpoint = self.0.service.endpoint_builder().name(name.replace('.', "-")).add(subject).await;
        let mut endpoint = endpoint.map_err(|error| anyhow!("no endpoint on {subject}: {error}"))?;
        let inner = self.0.clone();
        let template: Arc<str> = subject.into();
        let handler = Arc::new(handler);
        self.0.tasks.spawn(async move {
            loop {
                let request = tokio::select! {
                    request = endpoint.next() => request,
                    () = inner.stop.cancelled() => None,
                };
                let Some(request) = request else { break };
                // Closed never: the semaphore lives as long as `inner`.
                let Ok(slot) = inner.slots.clone().acquire_owned().await else { break };
                let (inner, template, handler, state) = (inner.clone(), template.clone(), handler.clone(), state.clone());
                inner.tasks.clone().spawn(async move {
                    inner.answer(&template, request, |request| handler(state, request)).await;
                    drop(slot);
                });
            }
            // Stops the broker sending here; what has come is answered.
            if let Err(error) = endpoint.stop().await {
                tracing::debug!(%error, "an endpoint was not given up in order");
            }
        });
        Ok(())
    }
}

impl Inner {
    async fn answer<Req, Res, Fut>(&self, template: &str, request: service::Request, handler: impl FnOnce(Request<Req>) -> Fut)
    where
        Req: DeserializeOwned,
        Res: Serialize,
        Fut: Future<Output = Result<Res, Failed>> + Send,
    {
        let begun = Instant::now();
        let headers = request.message.headers.as_ref();
        let span = tracing::info_span!(
            target: "duban::rpc",
            "answer",
            otel.name = %format!("{template} process"),
            otel.kind = "server",
            messaging.system = "nats",
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = %template,
            problem = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        let traceparent = text(headers, header::TRACEPARENT);
        telemetry::adopt(&span, traceparent.as_deref());
        let outcome = self.handle(&request, traceparent, handler).instrument(span.clone()).await;
        let status = outcome.as_ref().map_or_else(|problem| problem.status, |_| 200);
        self.metrics.own.request_seconds.with_label_values(&[template, &status.to_string()]).observe(begun.elapsed().as_secs_f64());
        reply(&request, outcome, self.client.max_payload(), &span).await;
    }

    async fn handle<Req, Res, Fut>(
        &self,
        request: &service::Request,
        traceparent: Option<String>,
        handler: impl FnOnce(Request<Req>) -> Fut,
    ) -> Result<Bytes, Problem>
    where
        Req: DeserializeOwned,
        Res: Serialize,
        Fut: Future<Output = Result<Res, Failed>> + Send,
    {
        let request = self.read(request, traceparent)?;
        // A panic in one endpoint must not leave its asker waiting.
        let handled = AssertUnwindSafe(tokio::time::timeout(PATIENCE, handler(request))).catch_unwind().await;
        let answer = match handled {
            Ok(Ok(answer)) => answer.map_err(|failed| {
                if let Failed::Database(error) = &failed {
                    self.db.noticed(error);
                }
                failed.into_problem()
            })?,
            Ok(Err(_elapsed)) => return Err(Problem::unavailable(both("处理超时", "it took too long"))),
            Err(_panic) => {
                tracing::error!("an endpoint panicked");
                return Err(Problem::internal());
            }
        };
        serde_json::to_vec(&answer).map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written");
            Problem::internal()
        })
    }

    fn read<Req: DeserializeOwned>(&self, request: &service::Request, traceparent: Option<String>) -> Result<Request<Req>, Problem> {
        let message = &request.message;
        let headers = message.headers.as_ref();
        let request_id = text(headers, header::REQUEST_ID)
            .map(|id| id.parse().map_err(|_| Problem::malformed("header duban-request-id must be a UUID")))
            .transpose()?;
        let expected_version = text(headers, header::EXPECTED_VERSION)
            .map(|version| version.parse().map_err(|_| Problem::malformed("header duban-expected-version must be a whole number")))
            .transpose()?;
        let empty: &[u8] = b"null";
        let bytes = if message.payload.is_empty() { empty } else { &message.payload };
        let body = serde_json::from_slice(bytes).map_err(|error| Problem::malformed(error.to_string()))?;
        let claim = match text(headers, header::CLAIM) {
            None => Err(ClaimError::Missing),
            Some(claim) => self.claims.verify(Some(&claim)),
        };
        Ok(Request {
            subject: message.subject.to_string(),
            body,
            raw: message.payload.clone(),
            request_id,
            expected_version,
            traceparent,
            claim,
            operator: text(headers, header::OPERATOR).filter(|_| subjects::is_of_operator(&message.subject)),
        })
    }
}

/// How many requests are worked at together by a copy with so many connections to the database.
fn at_once(connections: u32) -> usize {
    usize::try_from(connections.saturating_sub(SPARED).max(1)).unwrap_or(1)
}

/// An answer that the broker would not take would leave its asker waiting: he is told so instead.
fn fitting(subject: &str, outcome: Result<Bytes, Problem>, max_payload: usize) -> Result<Bytes, Problem> {
    let length = match &outcome {
        Ok(body) => body.len(),
        Err(problem) => serde_json::to_vec(problem).map_or(0, |body| body.len()),
    };
    if length.saturating_add(HEADERS) <= max_payload {
        return outcome;
    }
    tracing::warn!(subject, length, max_payload, "an answer is too large for the broker");
    Err(Problem::new(413, "answer-too-large", "The answer is too large; ask for less at a time", "答复内容过大，请缩小查询范围"))
}

async fn reply(request: &service::Request, outcome: Result<Bytes, Problem>, max_payload: usize, span: &Span) {
    let outcome = fitting(&request.message.subject, outcome, max_payload);
    let mut headers = HeaderMap::new();
    let body = match outcome {
        Ok(body) => {
            headers.insert(header::CONTENT_TYPE, "application/json");
            body
        }
        Err(problem) => {
            span.record("problem", problem.code.as_str());
            if problem.status >= 500 {
                span.record("otel.status_code", "ERROR");
            }
            headers.insert(header::CONTENT_TYPE, "application/problem+json");
            headers.insert(NATS_SERVICE_ERROR, problem.title.as_str());
            headers.insert(NATS_SERVICE_ERROR_CODE, problem.status.to_string());
            serde_json::to_vec(&problem).unwrap_or_default().into()
        }
    };
    // The library's own error answer has no body, hence the headers are set here. A request without reply subject wants no answer.
    if let Err(error) = request.respond_with_headers(Ok(body), headers).await {
        tracing::warn!(%error, subject = %request.message.subject, "an answer was not sent");
    }
}

fn text(headers: Option<&HeaderMap>, name: &str) -> Option<String> {
    headers.and_then(|headers| headers.get(name)).map(|value| value.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_leave_connections_to_what_must_go_on() {
        assert_eq!([12, 8, 5, 4, 1].map(at_once), [8, 4, 1, 1, 1]);
    }

    #[test]
    fn an_answer_that_the_broker_would_not_take_is_told_as_too_large() {
        let body = |length: usize| Ok(Bytes::from(vec![b'x'; length]));
        assert!(fitting("s", body(1_000), 10_000).is_ok());
        assert_eq!(fitting("s", body(10_000), 10_000).unwrap_err().status, 413);
        let conflict = Problem::version_conflict(serde_json::Value::String("x".repeat(20_000)));
        assert_eq!(fitting("s", Err(conflict), 10_000).unwrap_err().status, 413);
        assert_eq!(fitting("s", Err(Problem::not_found()), 10_000).unwrap_err().status, 404);
    }
}
