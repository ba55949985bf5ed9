//! `GET /v1/policies/{version}/foreseen`: what a submitted correction would change of the duties that stand.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::policies::correction::{self, ListQuery};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::policy::Foreseen;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForeseenShown {
    /// Absent: the set corrects nothing, or does not wait for approval any longer.
    pub foreseen: Option<Foreseen>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/policies/{version}/foreseen", "What a submitted correction would change of open duties");
    api.route(endpoint.query::<ListQuery>().answers::<ForeseenShown>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(version): At<i64>,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<ForeseenShown>, Refusal> {
    Ok(Json(ForeseenShown { foreseen: perform(&app, &viewer, version, &query).await? }))
}

/// For everybody who may log in, of each duty for whom sees it.
///
/// # Errors
/// 404 unknown; 503 without the database, or while escalation does not answer.
pub async fn perform(app: &App, viewer: &Viewer, version: i64, query: &ListQuery) -> Result<Option<Foreseen>, Problem> {
    correction::list(app, viewer, version, query).await
}
