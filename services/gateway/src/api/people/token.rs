//! `POST /v1/people/{person}/token`: a new token for the API, shown once.

use crate::App;
use crate::api::input::{At, Given};
use crate::api::openapi::{Api, Endpoint};
use crate::directory::people::Shown;
use crate::directory::tokens;
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
    /// What it is for, default `api`. A new one takes the place of the person's older one of the same name.
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
/// 403 for who does not administer; 404 unknown; 409 for who is disabled; 422 for a name that is none.
pub async fn perform(app: &App, viewer: &Viewer, person: &str, request: TokenRequest) -> Result<Shown, Problem> {
    viewer.must_administer()?;
    let days = request.days.unwrap_or(tokens::DAYS).clamp(1, 3_650);
    tokens::give(app, &viewer.person, person, request.name.as_deref().unwrap_or(tokens::UNNAMED), days).await
}
