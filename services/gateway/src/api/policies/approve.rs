//! `POST /v1/policies/{version}/approve`: a signature of whom the organisation names, a second person where it names nobody. With the last one
//! the set is announced, and in force a minute later if every service holds it.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::policies::apply;
use crate::viewer::Viewer;
use crate::web::Refusal;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/policies/{version}/approve", "Approve a set of packs");
    api.route(endpoint.query::<Approving>().status("204"), post(handle))
}

/// What is approved besides the set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Approving {
    /// Of a correction: the digest of the list of what it changes, as it was shown.
    #[serde(default)]
    pub list: Option<String>,
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(version): At<i64>,
    Asked(approving): Asked<Approving>,
) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, version, approving.list.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for whose signature is not wanted, and for who submitted it; 404 unknown; 409 not waiting, or the list is not the one that was shown.
pub async fn perform(app: &App, viewer: &Viewer, version: i64, list: Option<&str>) -> Result<(), Problem> {
    apply::approve(app, viewer, version, list).await
}
