//! `POST /v1/duties/{duty}/act`: a duty is paused, resumed, extended, handed over, urged.

use crate::App;
use crate::api::input::{At, Expected, Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::duty::{DutyAct, DutyActRequest, DutyEvent};
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/duties/{duty}/act", "Pause, resume, extend or hand over a duty, or urge");
    api.route(endpoint.body::<DutyAct>().answers::<DutyEvent>().acts_on_version(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(duty): At<Uuid>,
    RequestId(request): RequestId,
    Expected(version): Expected,
    Given(act): Given<DutyAct>,
) -> Result<Json<DutyEvent>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, version, &DutyActRequest { duty, act }).await?))
}

/// # Errors
/// 403 for who may not; 404 unknown or not to be seen; 409 for another version than the one given, with the present state, or where the duty's state
/// does not allow it; 422 by field; 503 while escalation is down.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, version: Option<i64>, act: &DutyActRequest) -> Result<DutyEvent, Problem> {
    app.services.duty_act(viewer, request, version, act).await
}
