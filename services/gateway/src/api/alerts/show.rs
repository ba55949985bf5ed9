//! `GET /v1/alerts/{alert}`: an alert whole: who was told and why, what comes next.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::alert::AlertEvent;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/alerts/{alert}", "One alert").answers::<AlertEvent>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(alert): At<Uuid>) -> Result<Json<AlertEvent>, Refusal> {
    Ok(Json(perform(&app, &viewer, alert).await?))
}

/// # Errors
/// 404 unknown or not to be seen; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, alert: Uuid) -> Result<AlertEvent, Problem> {
    app.services.alert_show(viewer, alert).await
}
