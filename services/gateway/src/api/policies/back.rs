//! `POST /v1/policies/{version}/back`: submits a version that was in force again; it is approved as every change is.

use crate::App;
use crate::api::input::{At, Given};
use crate::api::openapi::{Api, Endpoint};
use crate::policies::apply::Submitted;
use crate::policies::back::{self, Back};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/policies/{version}/back", "Submit a set again that was in force");
    api.route(endpoint.body::<Back>().answers::<Submitted>(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(version): At<i64>,
    Given(request): Given<Back>,
) -> Result<Json<Submitted>, Refusal> {
    Ok(Json(perform(&app, &viewer, version, &request).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 409 never in force, or in force now; 422 does not go with the organisation of now.
pub async fn perform(app: &App, viewer: &Viewer, version: i64, request: &Back) -> Result<Submitted, Problem> {
    viewer.must_administer()?;
    back::back(app, &viewer.person, version, request).await
}
