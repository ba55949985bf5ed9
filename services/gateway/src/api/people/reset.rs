//! `POST /v1/people/{person}/reset`: sets a password; without one given, a random one, shown once.

use crate::App;
use crate::api::input::{At, Given};
use crate::api::openapi::{Api, Endpoint};
use crate::directory::people::{self, Shown};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::post;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    #[serde(default)]
    pub password: Option<String>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/people/{person}/reset", "Set a password").body::<ResetRequest>().answers::<Shown>(), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(person): At<String>,
    Given(request): Given<ResetRequest>,
) -> Result<Json<Shown>, Refusal> {
    Ok(Json(perform(&app, &viewer, &person, request).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 422 too short.
pub async fn perform(app: &App, viewer: &Viewer, person: &str, request: ResetRequest) -> Result<Shown, Problem> {
    viewer.must_administer()?;
    people::reset(app, &viewer.person, person, request.password).await
}
