//! `POST /v1/cases/{case}/acts`: a step of the pack, an assignment, a note, an answer, a correction … (see `CaseAct`). Done once, however often
//! it is sent under the same `Idempotency-Key`.

use crate::App;
use crate::api::input::{At, Expected, Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::case::{CaseAct, CaseActRequest, CaseActed};
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/cases/{case}/acts", "Do something to a case").body::<CaseAct>().answers::<CaseActed>();
    api.route(endpoint.acts_on_version(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(case): At<Uuid>,
    RequestId(request): RequestId,
    Expected(version): Expected,
    Given(act): Given<CaseAct>,
) -> Result<Json<CaseActed>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, version, &CaseActRequest { case, act }).await?))
}

/// # Errors
/// 409 for another version, with the present state, or for a step that is not allowed now; 403, 404, 422 as intake says; 503 while it is down.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, version: Option<i64>, act: &CaseActRequest) -> Result<CaseActed, Problem> {
    app.services.case_act(viewer, request, version, act).await
}
