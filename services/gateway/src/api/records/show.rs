//! `GET /v1/records/{record}`: a record with its ledger entries.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::record::RecordDetail;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/records/{record}", "One record with its ledger").answers::<RecordDetail>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(record): At<Uuid>) -> Result<Json<RecordDetail>, Refusal> {
    Ok(Json(perform(&app, &viewer, record).await?))
}

/// # Errors
/// 404 unknown or not to be seen; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, record: Uuid) -> Result<RecordDetail, Problem> {
    app.services.record_show(viewer, record).await
}
