//! `POST /v1/delegations`: lets somebody act for a person or a post.

use crate::App;
use crate::api::input::{Given, RequestId};
use crate::api::openapi::{Api, Endpoint};
use crate::directory::delegations::{self, DelegationShown, NewDelegation};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/delegations", "Let somebody act for a time for a person or a post");
    api.route(endpoint.body::<NewDelegation>().answers::<DelegationShown>().acts(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    RequestId(request): RequestId,
    Given(new): Given<NewDelegation>,
) -> Result<Json<DelegationShown>, Refusal> {
    Ok(Json(perform(&app, &viewer, request, new).await?))
}

/// # Errors
/// 403 for who may not; 422 by field; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, request: Uuid, new: NewDelegation) -> Result<DelegationShown, Problem> {
    delegations::set(app, &viewer.person, request, new).await
}
