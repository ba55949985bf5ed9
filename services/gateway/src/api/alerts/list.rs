//! `GET /v1/alerts`: the asker's alerts; with `all` also others that he may see.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::alert::{AlertList, AlertListRequest};

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/alerts", "Your alerts").query::<AlertListRequest>().answers::<AlertList>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<AlertListRequest>) -> Result<Json<AlertList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &AlertListRequest) -> Result<AlertList, Problem> {
    app.services.alert_list(viewer, request).await
}
