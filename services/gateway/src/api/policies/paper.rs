//! `GET /v1/policies/packs/{pack}`: a pack in force as it is read on paper, article by article.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_policy::policy::paper::Paper;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/policies/packs/{pack}", "A pack in force as it is read on paper, in both languages");
    api.route(endpoint.answers::<Paper>(), get(handle))
}

async fn handle(State(app): State<App>, _reader: Viewer, At(pack): At<String>) -> Result<Json<Paper>, Refusal> {
    Ok(Json(perform(&app, &pack)?))
}

/// For everybody who may log in: rules are no secret of those whom they bind.
///
/// # Errors
/// 404 for a pack that the set in force has not; 503 while this copy holds none.
pub fn perform(app: &App, pack: &str) -> Result<Paper, Problem> {
    let (_, policy) = app.policy()?;
    policy.paper(pack, app.platform.clock.now()).ok_or_else(Problem::not_found)
}
