//! `POST /v1/producers/{producer}/disable`: its reports are refused from now on.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers;
use crate::viewer::Viewer;
use crate::web::Refusal;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/producers/{producer}/disable", "Disable a producer").status("204"), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(producer): At<String>) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, &producer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub async fn perform(app: &App, viewer: &Viewer, producer: &str) -> Result<(), Problem> {
    viewer.must_administer()?;
    producers::disable(app, &viewer.person, producer).await
}
