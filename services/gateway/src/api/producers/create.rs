//! `POST /v1/producers`: makes a producer; its token is shown once.

use crate::App;
use crate::api::input::Given;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers::{self, NewProducer, ProducerToken};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/producers", "Make a producer").body::<NewProducer>().answers::<ProducerToken>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Given(request): Given<NewProducer>) -> Result<Json<ProducerToken>, Refusal> {
    Ok(Json(perform(&app, &viewer, request).await?))
}

/// # Errors
/// 403 for who does not administer; 409 the id is taken; 422 for what cannot be.
pub async fn perform(app: &App, viewer: &Viewer, request: NewProducer) -> Result<ProducerToken, Problem> {
    viewer.must_administer()?;
    producers::create(app, &viewer.person, request).await
}
