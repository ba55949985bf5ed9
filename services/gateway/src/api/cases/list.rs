//! `GET /v1/cases`: cases, newest first; only those that the asker may see, counts included.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::case::{CaseList, CaseListRequest};

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/cases", "Cases that you may see").query::<CaseListRequest>().answers::<CaseList>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<CaseListRequest>) -> Result<Json<CaseList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &CaseListRequest) -> Result<CaseList, Problem> {
    app.services.case_list(viewer, request).await
}
