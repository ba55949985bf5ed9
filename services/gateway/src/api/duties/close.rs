//! `POST /v1/duties/{duty}/close`: who owes a duty that no event closes says that it is done.

use crate::App;
use crate::api::input::{At, Expected, Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::duty::{DutyCloseRequest, DutyEvent};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyDone {
    /// What was done, at most 2,000 characters; no personal text.
    #[serde(default)]
    pub note: String,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/duties/{duty}/close", "Say that a duty is done which no event closes");
    api.route(endpoint.body::<DutyDone>().answers::<DutyEvent>().acts_on_version(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(duty): At<Uuid>,
    RequestId(request): RequestId,
    Expected(version): Expected,
    Given(done): Given<DutyDone>,
) -> Result<Json<DutyEvent>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, version, &DutyCloseRequest { duty, note: done.note }).await?))
}

/// # Errors
/// 403 for who does not owe it; 404 unknown or not to be seen; 409 for another version than the one given, with the present state, or for one that an event closes; 422 a note that is too long; 503 while
/// escalation is down.
pub async fn perform(
    app: &App,
    viewer: &Viewer,
    request: Uuid,
    version: Option<i64>,
    close: &DutyCloseRequest,
) -> Result<DutyEvent, Problem> {
    app.services.duty_close(viewer, request, version, close).await
}
