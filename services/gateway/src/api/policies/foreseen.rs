//! `GET /v1/policies/{version}/foreseen`: what a submitted correction would change of the duties that stand, and which cases follow it.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::policies::correction::{self, ListQuery};
use crate::policies::judged;
use crate::policies::reaching::{self, ReachedCases};
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
    /// Of each kind that it corrects, the open cases that will go on by its new steps. With the first page of the list alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<ReachedCases>,
    /// Why the cases are not listed, where intake does not answer. What it changes of duties is told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases_missing: Option<Problem>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get(
        "/v1/policies/{version}/foreseen",
        "What a submitted correction would change of open duties, and which open cases follow it",
    );
    api.route(endpoint.query::<ListQuery>().answers::<ForeseenShown>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(version): At<i64>,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<ForeseenShown>, Refusal> {
    let foreseen = perform(&app, &viewer, version, &query).await?;
    if query.after.is_some() {
        return Ok(Json(ForeseenShown { foreseen, cases: Vec::new(), cases_missing: None }));
    }
    let set = judged::shown(&app, Some(version)).await?.pop().ok_or_else(Problem::not_found)?;
    let (cases, cases_missing) = match reaching::reached(&app, &viewer, &set).await {
        Ok(cases) => (cases, None),
        Err(problem) if problem.status == 503 => (Vec::new(), Some(problem)),
        Err(problem) => return Err(problem.into()),
    };
    Ok(Json(ForeseenShown { foreseen, cases, cases_missing }))
}

/// For everybody who may log in, of each duty for whom sees it.
///
/// # Errors
/// 404 unknown; 503 without the database, or while escalation does not answer.
pub async fn perform(app: &App, viewer: &Viewer, version: i64, query: &ListQuery) -> Result<Option<Foreseen>, Problem> {
    correction::list(app, viewer, version, query).await
}
