//! `GET /v1/dead-letters/{service}`: messages that a service gave up on.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::dead::{DeadList, DeadListRequest};

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/dead-letters/{service}", "Messages that a service gave up on");
    api.route(endpoint.query::<DeadListRequest>().answers::<DeadList>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(service): At<String>,
    Asked(request): Asked<DeadListRequest>,
) -> Result<Json<DeadList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &service, &request).await?))
}

/// # Errors
/// 403 for who does not administer; 404 no such service; 503 while it is down.
pub async fn perform(app: &App, viewer: &Viewer, service: &str, request: &DeadListRequest) -> Result<DeadList, Problem> {
    viewer.must_administer()?;
    app.services.dead_list(viewer, service, request).await
}
