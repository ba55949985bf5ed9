//! What all answers of the gateway have in common: problems, security headers, limits, and a fence around panics.

use crate::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use duban_contracts::{Problem, both};
use duban_platform::telemetry;
use std::any::Any;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Longest that a request for pages or the API may take; live updates apart.
const PATIENCE: Duration = Duration::from_secs(15);

/// Largest body but that of a report and of a set of packs.
const MOST_BYTES: usize = 64 * 1024;

const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A problem as an HTTP answer.
#[derive(Debug)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self(of_database(&error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        response
    }
}

/// What a failure of our own database is to a caller: 503 while it is down, 500 for a fault of ours.
pub fn of_database(error: &sqlx::Error) -> Problem {
    if duban_platform::db::is_down(error) {
        Problem::unavailable(both("网关数据库", "the gateway's database"))
    } else {
        tracing::error!(%error, "a query failed");
        Problem::internal()
    }
}

/// Puts limits and headers around pages and API. Not around the reception of reports, which has its own and must stay lean.
pub fn guard(routes: Router<App>) -> Router<App> {
    routes
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn(within_patience))
        .layer(middleware::from_fn(traced))
        .layer(middleware::from_fn(secure))
}

/// What is there, but not for this method.
pub async fn wrong_method() -> Refusal {
    Refusal(Problem::new(405, "wrong-method", "This address does not take this method", "该地址不支持这种请求方式"))
}

/// A panic is answered with a problem, and the process lives on.
pub fn fence<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| Refusal(Problem::internal()).into_response()))
}

async fn within_patience(request: Request, next: Next) -> Response {
    tokio::time::timeout(PATIENCE, next.run(request))
        .await
        .unwrap_or_else(|_| Refusal(Problem::unavailable(both("处理超时", "the request took too long"))).into_response())
}

/// One span per request, continuing the caller's trace. Named after the route, never after the path: a path may hold a code.
async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    let span = tracing::info_span!(
        target: "duban::http",
        "http",
        otel.name = %format_args!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    telemetry::adopt_http(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !is_said(response.headers()) {
        response = Refusal(Problem::new(413, "too-large", "The request is too large", "请求内容过大")).into_response();
    }
    let headers = response.headers_mut();
    put(headers, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(headers, header::X_FRAME_OPTIONS, "DENY");
    put(headers, header::REFERRER_POLICY, "same-origin");
    put(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(headers, header::CACHE_CONTROL, "no-store");
    response
}

/// Whether the answer says itself what is wrong: a problem, or its page.
fn is_said(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind == "application/problem+json" || kind.starts_with("text/html")
}

/// Sets a header unless the handler has set it.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
