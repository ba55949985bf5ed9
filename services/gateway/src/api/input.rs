//! What requests bring, read so that every fault is a problem with its place.

use crate::web::Refusal;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use duban_contracts::event::header::IDEMPOTENCY_KEY;
use duban_contracts::{Problem, both, ids};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// The members of the query.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::malformed(error.body_text()).into()),
        }
    }
}

/// A piece of the path, e.g. an id. What cannot be one is as good as unknown.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(at)) => Ok(Self(at)),
            Err(_) => Err(Problem::not_found().into()),
        }
    }
}

/// A JSON body.
pub struct Given<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())) {
            return Err(not_json().into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| match error.status().as_u16() {
            413 => Problem::new(413, "too-large", "The request is too large", "请求内容过大"),
            _ => Problem::malformed(error.body_text()),
        })?;
        // An empty body is an empty object: acts without words need none.
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::malformed(error.to_string()).into())
    }
}

/// `application/json` and its kin `application/…+json`, whatever parameters follow.
pub fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// 415.
pub fn not_json() -> Problem {
    Problem::new(415, "not-json", "The body is not JSON", "请求内容不是 JSON")
        .with_detail(both("请求头应为 Content-Type: application/json", "Content-Type: application/json is expected"))
}

/// The request id of an act: header `Idempotency-Key`, a UUID or any other key, the same at every retry.
pub struct RequestId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let text = parts.headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
        if text.is_empty() || text.len() > 200 {
            return Err(Problem::malformed("the header Idempotency-Key is needed: a UUID, the same at every retry").into());
        }
        Ok(Self(text.parse().unwrap_or_else(|_| ids::derived("request", &[text]))))
    }
}

/// The version that the asker has seen: header `If-Match`, e.g. `"7"`. Absent where none is given.
pub struct Expected(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
        let version = text.parse().map_err(|_| Problem::malformed("the header If-Match must name a version, e.g. \"7\""))?;
        Ok(Self(Some(version)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_kin_and_parameters() {
        assert!(is_json(Some("application/json")) && is_json(Some("Application/JSON; charset=utf-8")));
        assert!(is_json(Some("application/cloudevents+json")));
        assert!(!is_json(Some("text/plain")) && !is_json(None) && !is_json(Some("application/xml")));
    }
}
