//! `GET /v1/rehearsals`: the rehearsals of late, newest first.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::rehearsal::{RehearsalList, RehearsalListRequest};

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/rehearsals", "The rehearsals of late, newest first");
    api.route(endpoint.query::<RehearsalListRequest>().answers::<RehearsalList>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    Asked(request): Asked<RehearsalListRequest>,
) -> Result<Json<RehearsalList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 403 for who does not administer; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &RehearsalListRequest) -> Result<RehearsalList, Problem> {
    app.services.rehearsal_list(viewer, request).await
}
