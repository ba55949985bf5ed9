//! `POST /v1/people/{person}/token`: a new token for the API, shown once.

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

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for.
    #[serde(default)]
    pub name: Option<String>,
    /// How long it is good, 1 to 3650, default 365 days of real time.
    #[serde(default)]
    pub days: Option<i32>,
}

pub fn mount(api: Api) -> Api {
    api.route(
        Endpoint::post("/v1/people/{person}/token", "Give a person a token for the API").body::<TokenRequest>().answers::<Shown>(),
        post(handle),
    )
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(person): At<String>,
    Given(request): Given<TokenRequest>,
) -> Result<Json<Shown>, Refusal> {
    Ok(Json(perform(&app, &viewer, &person, request).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub async fn perform(app: &App, viewer: &Viewer, person: &str, request: TokenRequest) -> Result<Shown, Problem> {
    viewer.must_administer()?;
    let name = request.name.unwrap_or_else(|| "api".to_owned());
    people::new_token(app, &viewer.person, person, &name, request.days.unwrap_or(365).clamp(1, 3_650)).await
}
