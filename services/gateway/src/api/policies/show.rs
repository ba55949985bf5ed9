//! `GET /v1/policies/{version}`: one set with its files.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::{PolicySetShown, store};
use crate::viewer::Viewer;
use crate::web::Refusal;
use crate::web::of_database;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::policy::PolicySource;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PolicySetWhole {
    pub set: PolicySetShown,
    pub sources: Vec<PolicySource>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/policies/{version}", "One set with its files").answers::<PolicySetWhole>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(version): At<i64>) -> Result<Json<PolicySetWhole>, Refusal> {
    Ok(Json(perform(&app, &viewer, version).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, version: i64) -> Result<PolicySetWhole, Problem> {
    viewer.must_administer()?;
    let pool = app.platform.db.pool();
    let set = store::shown(pool, Some(version)).await.map_err(|e| of_database(&e))?.pop().ok_or_else(Problem::not_found)?;
    let sources = store::sources(pool, version).await.map_err(|e| of_database(&e))?;
    Ok(PolicySetWhole { set, sources })
}
