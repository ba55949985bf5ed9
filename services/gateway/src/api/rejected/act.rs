//! `POST /v1/rejected-reports/acts`: admits one, corrected if need be, or dismisses it with a reason.

use crate::App;
use crate::api::input::{Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::case::RejectedAct;
use serde_json::Value;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/rejected-reports/acts", "Admit or dismiss a rejected report");
    api.route(endpoint.body::<RejectedAct>().answers::<Value>().acts(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    RequestId(request): RequestId,
    Given(act): Given<RejectedAct>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, &act).await?))
}

/// # Errors
/// As intake says; 503 while it is down.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, act: &RejectedAct) -> Result<Value, Problem> {
    app.services.rejected_act(viewer, request, act).await
}
