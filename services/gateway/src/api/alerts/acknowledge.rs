//! `POST /v1/alerts/{alert}/acknowledge`: 签收. The climb stops for the stated time; only closing the duty ends it.

use crate::App;
use crate::api::input::{At, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::alert::Acknowledged;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/alerts/{alert}/acknowledge", "Acknowledge an alert").answers::<Acknowledged>();
    api.route(endpoint.acts(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(alert): At<Uuid>,
    RequestId(request): RequestId,
) -> Result<Json<Acknowledged>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, alert).await?))
}

/// # Errors
/// 404 unknown or not his; 409 closed; 503 while escalation is down.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, alert: Uuid) -> Result<Acknowledged, Problem> {
    app.services.alert_acknowledge(viewer, request, alert).await
}
