//! `POST /v1/policies/{version}/approve`: a signature of whom the organisation names, a second person where it names nobody. With the last one
//! the set is announced, and in force a minute later if every service holds it.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::apply;
use crate::viewer::Viewer;
use crate::web::Refusal;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/policies/{version}/approve", "Approve a set of packs").status("204"), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(version): At<i64>) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for whose signature is not wanted, and for who submitted it; 404 unknown; 409 not waiting.
pub async fn perform(app: &App, viewer: &Viewer, version: i64) -> Result<(), Problem> {
    apply::approve(app, viewer, version).await
}
