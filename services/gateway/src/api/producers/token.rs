//! `POST /v1/producers/{producer}/token`: a new token in place of the old one, shown once.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers::{self, ProducerToken};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/producers/{producer}/token", "Give a producer a new token").answers::<ProducerToken>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(producer): At<String>) -> Result<Json<ProducerToken>, Refusal> {
    Ok(Json(perform(&app, &viewer, &producer).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub async fn perform(app: &App, viewer: &Viewer, producer: &str) -> Result<ProducerToken, Problem> {
    viewer.must_administer()?;
    producers::new_token(app, &viewer.person, producer).await
}
