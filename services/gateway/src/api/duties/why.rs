//! `GET /v1/duties/{duty}/why`: how a duty's due time came about, and what follows if nobody acts.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::duty::WhyAnswer;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/duties/{duty}/why", "Why a duty is due then, and what follows").answers::<WhyAnswer>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(duty): At<Uuid>) -> Result<Json<WhyAnswer>, Refusal> {
    Ok(Json(perform(&app, &viewer, duty).await?))
}

/// # Errors
/// 404 unknown or not to be seen; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, duty: Uuid) -> Result<WhyAnswer, Problem> {
    app.services.duty_why(viewer, duty).await
}
