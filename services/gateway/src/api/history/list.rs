//! `GET /v1/history`: who changed what in the directory and the packs, newest first.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::history::{self, History, HistoryQuery};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/history", "Who changed what").query::<HistoryQuery>().answers::<History>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<HistoryQuery>) -> Result<Json<History>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 403 for who does not administer; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, query: &HistoryQuery) -> Result<History, Problem> {
    viewer.must_administer()?;
    history::list(app, query).await
}
