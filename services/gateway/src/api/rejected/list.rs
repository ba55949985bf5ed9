//! `GET /v1/rejected-reports`: reports that were accepted and could not be registered, with why.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::report::{RejectedList, RejectedListRequest};

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/rejected-reports", "Reports that could not be registered");
    api.route(endpoint.query::<RejectedListRequest>().answers::<RejectedList>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<RejectedListRequest>) -> Result<Json<RejectedList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 403 without the right to take in reports; 503 while intake is down.
pub async fn perform(app: &App, viewer: &Viewer, query: &RejectedListRequest) -> Result<RejectedList, Problem> {
    app.services.rejected_list(viewer, query).await
}
