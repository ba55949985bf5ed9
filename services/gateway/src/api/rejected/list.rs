//! `GET /v1/rejected-reports`: reports that were accepted and could not be registered, with why.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RejectedQuery {
    /// `open` (default), `admitted`, `dismissed`, `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/rejected-reports", "Reports that could not be registered");
    api.route(endpoint.query::<RejectedQuery>().answers::<Value>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<RejectedQuery>) -> Result<Json<Value>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 403 without the right to take in reports; 503 while intake is down.
pub async fn perform(app: &App, viewer: &Viewer, query: &RejectedQuery) -> Result<Value, Problem> {
    let query = serde_json::to_value(query).map_err(|_| Problem::internal())?;
    app.services.rejected_list(viewer, &query).await
}
