//! `GET /v1/policies/{version}`: one set with its files.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::{PolicySetShown, apply, judged, store};
use crate::viewer::Viewer;
use crate::web::Refusal;
use crate::web::of_database;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::policy::PolicySource;
use duban_contracts::{FieldError, Problem};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PolicySetWhole {
    pub set: PolicySetShown,
    pub sources: Vec<PolicySource>,
    /// What is worth saying of them, with file and line: roles that nobody plays in a unit, and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<FieldError>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/policies/{version}", "One set with its files").answers::<PolicySetWhole>(), get(handle))
}

async fn handle(State(app): State<App>, _reader: Viewer, At(version): At<i64>) -> Result<Json<PolicySetWhole>, Refusal> {
    Ok(Json(perform(&app, version).await?))
}

/// For everybody who may log in: the files hold no personal data.
///
/// # Errors
/// 404 unknown; 503 without the database.
pub async fn perform(app: &App, version: i64) -> Result<PolicySetWhole, Problem> {
    let set = judged::shown(app, Some(version)).await?.pop().ok_or_else(Problem::not_found)?;
    let sources = store::sources(app.platform.db.pool(), version).await.map_err(|e| of_database(&e))?;
    let remarks = match app.holdings.policy_of(version) {
        Some(held) => apply::remarks(&held),
        // A set of an earlier version of Duban may not compile any longer.
        None => apply::compile(&sources).map(|policy| apply::remarks(&policy)).unwrap_or_default(),
    };
    Ok(PolicySetWhole { set, sources, remarks })
}
