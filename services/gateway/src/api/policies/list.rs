//! `GET /v1/policies`: sets of packs, newest first, with who holds them and who holds them back.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::{PolicySetShown, store};
use crate::viewer::Viewer;
use crate::web::Refusal;
use crate::web::of_database;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PolicySets {
    pub in_force: Option<i64>,
    pub sets: Vec<PolicySetShown>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/policies", "Sets of packs").answers::<PolicySets>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Result<Json<PolicySets>, Refusal> {
    Ok(Json(perform(&app, &viewer).await?))
}

/// # Errors
/// 403 for who does not administer; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer) -> Result<PolicySets, Problem> {
    viewer.must_administer()?;
    let sets = store::shown(app.platform.db.pool(), None).await.map_err(|e| of_database(&e))?;
    Ok(PolicySets { in_force: app.policy().ok().map(|(version, _)| version), sets })
}
