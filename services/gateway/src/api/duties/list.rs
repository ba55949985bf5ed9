//! `GET /v1/duties`: duties, the most pressing first.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::duty::{DutyList, DutyListRequest};

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/duties", "Duties that you may see").query::<DutyListRequest>().answers::<DutyList>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<DutyListRequest>) -> Result<Json<DutyList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &DutyListRequest) -> Result<DutyList, Problem> {
    app.services.duty_list(viewer, request).await
}
