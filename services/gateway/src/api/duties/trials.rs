//! `GET /v1/trials/figures`: what trials (试运行) have made so far.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::duty::{TrialFigures, TrialFiguresRequest};

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/trials/figures", "What trials have made so far, of the duties that you may see");
    api.route(endpoint.query::<TrialFiguresRequest>().answers::<TrialFigures>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<TrialFiguresRequest>) -> Result<Json<TrialFigures>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &TrialFiguresRequest) -> Result<TrialFigures, Problem> {
    app.services.trial_figures(viewer, request).await
}
