//! `POST /v1/absences`: says that somebody is away.

use crate::App;
use crate::api::input::{Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::directory::absences::{self, AbsenceShown, NewAbsence};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/absences", "Say that somebody is away: oneself, or whom one is set over");
    api.route(endpoint.body::<NewAbsence>().answers::<AbsenceShown>().acts(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    RequestId(request): RequestId,
    Given(new): Given<NewAbsence>,
) -> Result<Json<AbsenceShown>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, new).await?))
}

/// # Errors
/// 403 for who may not; 422 by field; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, new: NewAbsence) -> Result<AbsenceShown, Problem> {
    absences::set(app, &viewer.person, request, new).await
}
