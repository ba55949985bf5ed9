//! `GET /v1/dead-letters/{service}/{letter}`: one with its body; that it was opened is recorded by its service.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::dead::DeadDetail;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/dead-letters/{service}/{letter}", "One dead letter with its body");
    api.route(endpoint.answers::<DeadDetail>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At((service, letter)): At<(String, Uuid)>) -> Result<Json<DeadDetail>, Refusal> {
    Ok(Json(perform(&app, &viewer, &service, letter).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, service: &str, letter: Uuid) -> Result<DeadDetail, Problem> {
    viewer.must_administer()?;
    app.services.dead_show(viewer, service, letter).await
}
