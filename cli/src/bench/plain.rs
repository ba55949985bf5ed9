//! What one would write first: an axum service that checks a report as the gateway does (token by hash, JSON, every field, receipt,
//! tracking code and body hash) and inserts one row per request with sqlx. A process of its own, as the gateway is.

use anyhow::Context;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use duban_contracts::identity::IdentityKeys;
use duban_contracts::report::{Accepted, Links, Report};
use duban_contracts::{FieldError, Problem, subjects};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::collections::HashMap;
use std::sync::Arc;

/// What its process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainSettings {
    pub port: u16,
    pub database: String,
    pub pool: u32,
    pub producer: String,
    pub token: String,
}

/// The table, in a schema of its own.
pub const SCHEMA: &str = "create schema if not exists plain; create table if not exists plain.report (
    receipt uuid primary key, producer text not null, idempotency_key text not null, body_hash bytea not null,
    received_at timestamptz not null default clock_timestamp(), unit text, body jsonb not null)";

#[derive(Clone)]
struct App {
    pool: PgPool,
    producers: Arc<HashMap<[u8; 32], String>>,
    keys: IdentityKeys,
}

/// Serves until it is killed.
///
/// # Errors
/// When port or database cannot be had.
pub async fn serve(settings: &PlainSettings) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().min_connections(settings.pool).max_connections(settings.pool).connect(&settings.database).await?;
    let token_hash: [u8; 32] = Sha256::digest(settings.token.as_bytes()).into();
    let producers = Arc::new(HashMap::from([(token_hash, settings.producer.clone())]));
    let app = App { pool, producers, keys: IdentityKeys { identity: [1; 32], check: [2; 32] } };
    let router = axum::Router::new().route("/v1/reports", post(accept)).with_state(app);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", settings.port)).await.context("the plain service's port")?;
    axum::serve(listener, router).await.context("serving")
}

async fn accept(State(app): State<App>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    match take(&app, &headers, &body).await {
        Ok(accepted) => (StatusCode::ACCEPTED, Json(accepted)).into_response(),
        Err(problem) => (StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST), Json(problem)).into_response(),
    }
}

async fn take(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Accepted, Problem> {
    let token = header(headers, "authorization").and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(Problem::unauthenticated)?;
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let producer = app.producers.get(&hash).ok_or_else(Problem::unauthenticated)?;
    let key = header(headers, "idempotency-key")
        .filter(|key| (1..=200).contains(&key.len()))
        .ok_or_else(|| Problem::malformed("no Idempotency-Key"))?;
    let (value, report) = body_of(body)?;
    check(&report)?;
    let receipt = app.keys.receipt(producer, key);
    let code = app.keys.tracking_code(receipt).to_string();
    let body_hash = app.keys.body_hash(&value);
    let inserted = sqlx::query(
        "insert into plain.report (receipt, producer, idempotency_key, body_hash, unit, body) values ($1, $2, $3, $4, $5, $6)
         on conflict (receipt) do nothing",
    )
    .bind(receipt)
    .bind(producer)
    .bind(key)
    .bind(body_hash.as_slice())
    .bind(&report.unit)
    .bind(&value)
    .execute(&app.pool)
    .await;
    inserted.map_err(|_| Problem::unavailable("the database"))?;
    let links = Links { status: format!("http://127.0.0.1/v1/reports/{code}"), track: format!("http://127.0.0.1/track?code={code}") };
    Ok(Accepted { receipt, tracking_code: code, links, warnings: Vec::new(), stream: String::new(), seq: 0 })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Every field, as the gateway checks it.
fn check(report: &Report) -> Result<(), Problem> {
    let long = |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.chars().count() > most);
    let faults = [
        (!subjects::is_token(&report.channel), "/channel", "a token"),
        (report.subject.is_none() && report.text.is_none(), "", "subject or text"),
        (long(&report.subject, 200), "/subject", "at most 200 characters"),
        (long(&report.text, 20_000), "/text", "at most 20,000 characters"),
        (long(&report.reporter.name, 100), "/reporter/name", "at most 100 characters"),
        (long(&report.reporter.phone, 40), "/reporter/phone", "at most 40 characters"),
        (report.reporter.email.as_deref().is_some_and(|email| !email.contains('@')), "/reporter/email", "an address"),
        (
            report.occurred_at.is_some_and(|at| at > jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10)),
            "/occurred_at",
            "not ahead",
        ),
        (report.attachments.len() > 20, "/attachments", "at most 20"),
        (report.fields.len() > 100, "/fields", "at most 100"),
    ];
    let errors: Vec<FieldError> =
        faults.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, field, expected)| FieldError::new(field, "not so", expected)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// The body as a value (for its hash) and as a report.
fn body_of(body: &[u8]) -> Result<(Value, Report), Problem> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Problem::malformed(error.to_string()))?;
    let report = serde_json::from_slice(body).map_err(|error| Problem::malformed(error.to_string()))?;
    Ok((value, report))
}
