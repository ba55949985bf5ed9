//! `POST /v1/policies/{version}/withdraw`: takes back a set that is not in force.

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
    api.route(Endpoint::post("/v1/policies/{version}/withdraw", "Take a set of packs back").status("204"), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(version): At<i64>) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 409 in force.
pub async fn perform(app: &App, viewer: &Viewer, version: i64) -> Result<(), Problem> {
    viewer.must_administer()?;
    apply::withdraw(app, &viewer.person, version).await
}
