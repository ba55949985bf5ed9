//! `POST /v1/reports`: takes a report. 202 when it is on disk. Kept lean: no cookie, no guard of pages, the body read once.

use crate::App;
use crate::acceptance::body::{MOST_BYTES, too_large};
use crate::acceptance::{Arrived, Body};
use crate::api::input::{is_json, not_json};
use crate::api::openapi::{Endpoint, Who};
use crate::viewer::bearer_of;
use crate::web::Refusal;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use duban_contracts::event::header::{IDEMPOTENCY_KEY, TRACEPARENT};
use duban_contracts::report::{Accepted, Report};
use duban_contracts::{FieldError, Problem, both};
use futures::StreamExt;
use std::time::Duration;

/// How long a sender may take for its body.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn endpoint() -> Endpoint {
    Endpoint::post("/v1/reports", "Send a report").by(Who::Producer).body::<Report>().answers::<Accepted>().status("202").acts()
}

pub async fn handle(State(app): State<App>, headers: HeaderMap, body: HttpBody) -> Response {
    match take(&app, &headers, body).await {
        Ok(accepted) => match serde_json::to_vec(&accepted) {
            Ok(json) => {
                (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
            }
            Err(_) => Refusal(Problem::internal()).into_response(),
        },
        Err(problem) => Refusal(problem).into_response(),
    }
}

async fn take(app: &App, headers: &HeaderMap, body: HttpBody) -> Result<Accepted, Problem> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| bearer_of(value.as_bytes()));
    let producer = app.producer(token)?;
    if !is_json(text(headers, header::CONTENT_TYPE.as_str())) {
        return Err(not_json());
    }
    let bytes = read(headers, body).await?;
    let arrived = Arrived {
        idempotency_key: key(headers)?,
        body: Body::Bytes(&bytes),
        channel: None,
        traceparent: text(headers, TRACEPARENT),
        over: "http",
    };
    app.acceptance.accept(&producer, arrived).await
}

async fn read(headers: &HeaderMap, body: HttpBody) -> Result<Bytes, Problem> {
    let announced = text(headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MOST_BYTES) {
        read_away(body).await;
        return Err(too_large());
    }
    match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Too long, or cut off: the second has nobody left to read the answer.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Problem::new(408, "too-slow", "The body did not come in time", "请求内容未能及时送达")),
    }
}

/// Reads on a while without keeping anything: a sender whose connection is closed while it still sends never sees why.
async fn read_away(body: HttpBody) {
    const MOST: usize = 8 << 20;
    let mut pieces = body.into_data_stream();
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            seen += piece.len();
            if seen > MOST {
                break;
            }
        }
    };
    // What has not come by then is cut off.
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
}

/// The key as text; header values are bytes, and keys may be Chinese.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| {
        let fault =
            FieldError::new(IDEMPOTENCY_KEY, both("不是 UTF-8 编码", "it is not UTF-8"), both("可打印字符", "printable characters"));
        Problem::malformed(both("请求头 Idempotency-Key 无法识别", "the header Idempotency-Key cannot be taken")).with_errors(vec![fault])
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
