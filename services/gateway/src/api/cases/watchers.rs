//! `GET /v1/cases/{case}/watchers`: who can see this case, and why.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::case::WatchersAnswer;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/cases/{case}/watchers", "Who can see this case, and why").answers::<WatchersAnswer>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(case): At<Uuid>) -> Result<Json<WatchersAnswer>, Refusal> {
    Ok(Json(perform(&app, &viewer, case).await?))
}

/// # Errors
/// 404 unknown or not to be seen; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, case: Uuid) -> Result<WatchersAnswer, Problem> {
    app.services.case_watchers(viewer, case).await
}
