//! `GET /v1/refused-reports`: reports refused over NATS, without their bodies.

use crate::App;
use crate::acceptance::refused::{RefusedQuery, RefusedReport};
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Refused {
    pub reports: Vec<RefusedReport>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/refused-reports", "Reports refused over NATS").query::<RefusedQuery>().answers::<Refused>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<RefusedQuery>) -> Result<Json<Refused>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 403 for who does not administer; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, query: &RefusedQuery) -> Result<Refused, Problem> {
    viewer.must_administer()?;
    Ok(Refused { reports: app.refused.list(query).await? })
}
