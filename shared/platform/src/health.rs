//! `/livez` (the process turns), `/readyz` (what it needs is there), `/metrics`.
//!
//! Liveness never depends on Postgres or NATS: an orchestrator that restarts a service because its database is down makes things worse.

use crate::Metrics;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Named checks of readiness.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<&'static str, Check>>>,
}

/// How long a check may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(2);

impl Health {
    /// Adds a check, or replaces the one of that name. It says in a few words what is missing; no secrets, no personal data.
    pub fn ready<F, Fut>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || Box::pin(check()));
        self.lock().insert(name, check);
    }

    /// Takes a check away: the gateway is ready without Postgres.
    pub fn without(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Every check with what it says; all ran at once.
    pub async fn report(&self) -> BTreeMap<&'static str, Result<(), String>> {
        let checks: Vec<_> = self.lock().iter().map(|(name, check)| (*name, check.clone())).collect();
        let running = checks.into_iter().map(|(name, check)| async move {
            let outcome = tokio::time::timeout(PATIENCE, check()).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            (name, outcome)
        });
        futures::future::join_all(running).await.into_iter().collect()
    }

    /// The three paths, to be merged into a router.
    pub fn routes(&self, metrics: &Metrics) -> Router {
        let health = self.clone();
        let metrics = metrics.clone();
        Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(move || readyz(health.clone())))
            .route("/metrics", get(move || async move { figures(&metrics) }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Check>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn readyz(health: Health) -> Response {
    let report = health.report().await;
    let status = if report.values().all(Result::is_ok) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body: BTreeMap<_, _> =
        report.into_iter().map(|(name, outcome)| (name, outcome.map_or_else(|why| why, |()| "ok".to_owned()))).collect();
    (status, Json(body)).into_response()
}

fn figures(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_counts_as_failed_and_one_taken_away_is_not_asked() {
        let health = Health::default();
        health.ready("fine", || async { Ok(()) });
        health.ready("hangs", std::future::pending);
        health.ready("database", || async { Err("down".to_owned()) });
        health.without("database");
        let report = health.report().await;
        assert_eq!(report["fine"], Ok(()));
        assert!(report["hangs"].is_err());
        assert!(!report.contains_key("database"));
    }
}
