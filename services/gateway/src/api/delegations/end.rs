//! `POST /v1/delegations/{delegation}/end`: ends one now, before its time; withdraws one that has not begun.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::delegations::{self, DelegationShown};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/delegations/{delegation}/end", "End a delegation before its time");
    api.route(endpoint.answers::<DelegationShown>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(delegation): At<Uuid>) -> Result<Json<DelegationShown>, Refusal> {
    Ok(Json(perform(&app, &viewer, delegation).await?))
}

/// # Errors
/// 404 unknown, or not for the asker to end; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, delegation: Uuid) -> Result<DelegationShown, Problem> {
    delegations::end(app, &viewer.person, delegation).await
}
