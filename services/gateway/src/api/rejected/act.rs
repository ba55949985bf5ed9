//! `POST /v1/rejected-reports/acts`: admits one, corrected if need be, or dismisses it with a reason.

use crate::App;
use crate::api::input::{Expected, Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::case::RejectedAct;
use duban_contracts::report::RejectedActed;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/rejected-reports/acts", "Admit or dismiss a rejected report");
    api.route(endpoint.body::<RejectedAct>().answers::<RejectedActed>().acts_on_version(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    RequestId(request): RequestId,
    Expected(version): Expected,
    Given(act): Given<RejectedAct>,
) -> Result<Json<RejectedActed>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, version, &act).await?))
}

/// # Errors
/// 403 for who may not decide about it; 404 unknown; 409 decided already, or another version; 422 as intake says; 503 while it is down.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, version: Option<i64>, act: &RejectedAct) -> Result<RejectedActed, Problem> {
    app.services.rejected_act(viewer, request, version, act).await
}
