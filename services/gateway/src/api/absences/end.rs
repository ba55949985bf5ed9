//! `POST /v1/absences/{absence}/end`: ends one now, before its time; withdraws one that has not begun.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::absences::{self, AbsenceShown};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/absences/{absence}/end", "End an absence before its time");
    api.route(endpoint.answers::<AbsenceShown>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(absence): At<Uuid>) -> Result<Json<AbsenceShown>, Refusal> {
    Ok(Json(perform(&app, &viewer, absence).await?))
}

/// # Errors
/// 404 unknown, or not for the asker to end; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, absence: Uuid) -> Result<AbsenceShown, Problem> {
    absences::end(app, &viewer.person, absence).await
}
