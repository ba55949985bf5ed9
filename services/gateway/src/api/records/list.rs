//! `GET /v1/records`: records, newest first.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::record::{RecordList, RecordListRequest};

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/records", "Records that you may see").query::<RecordListRequest>().answers::<RecordList>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<RecordListRequest>) -> Result<Json<RecordList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &RecordListRequest) -> Result<RecordList, Problem> {
    app.services.record_list(viewer, request).await
}
