//! `POST /v1/people/{person}/enable`: lets a person who was disabled in again.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::people;
use crate::viewer::Viewer;
use crate::web::Refusal;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/people/{person}/enable", "Let a person in again").status("204"), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(person): At<String>) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub async fn perform(app: &App, viewer: &Viewer, person: &str) -> Result<(), Problem> {
    viewer.must_administer()?;
    people::enable(app, &viewer.person, person).await
}
