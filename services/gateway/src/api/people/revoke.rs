//! `POST /v1/people/{person}/tokens/{token}/revoke`: a token is good no longer.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::tokens;
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/people/{person}/tokens/{token}/revoke", "Revoke a token").status("204"), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At((person, token)): At<(String, Uuid)>) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, &person, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for who does not administer; 404 for a token that the person has not, or not any more.
pub async fn perform(app: &App, viewer: &Viewer, person: &str, token: Uuid) -> Result<(), Problem> {
    viewer.must_administer()?;
    tokens::revoke(app, &viewer.person, person, token).await
}
