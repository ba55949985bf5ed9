//! `GET /v1/delegations`: those that one is part of or may end; all of them for administrators.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::delegations::{self, DelegationQuery, Delegations};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/delegations", "Who acts for whom").query::<DelegationQuery>().answers::<Delegations>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<DelegationQuery>) -> Result<Json<Delegations>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 422 for what is no state; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, query: &DelegationQuery) -> Result<Delegations, Problem> {
    delegations::list(app, &viewer.person, query).await
}
