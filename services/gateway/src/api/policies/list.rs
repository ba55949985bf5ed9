//! `GET /v1/policies`: sets of packs, newest first, with who holds them and who holds them back.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::{PolicySetShown, judged};
use crate::viewer::Viewer;
use crate::web::Refusal;
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

async fn handle(State(app): State<App>, _reader: Viewer) -> Result<Json<PolicySets>, Refusal> {
    Ok(Json(perform(&app).await?))
}

/// For everybody who may log in: rules are no secret of those whom they bind.
///
/// # Errors
/// 503 without the database.
pub async fn perform(app: &App) -> Result<PolicySets, Problem> {
    let sets = judged::shown(app, None).await?;
    Ok(PolicySets { in_force: in_force(app), sets })
}

/// The version that this copy judges by.
pub fn in_force(app: &App) -> Option<i64> {
    app.policy().ok().map(|(version, _)| version)
}
