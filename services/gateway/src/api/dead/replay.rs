//! `POST /v1/dead-letters/{service}/{letter}/replay`: handles it again; who did so is recorded.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::{Problem, ids};
use serde_json::Value;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/dead-letters/{service}/{letter}/replay", "Handle a dead letter again");
    api.route(endpoint.answers::<Value>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At((service, letter)): At<(String, Uuid)>) -> Result<Json<Value>, Refusal> {
    Ok(Json(perform(&app, &viewer, &service, letter).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, service: &str, letter: Uuid) -> Result<Value, Problem> {
    viewer.must_administer()?;
    app.services.dead_replay(viewer, ids::fresh(), service, letter).await
}
