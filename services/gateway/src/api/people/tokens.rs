//! `GET /v1/people/{person}/tokens`: the tokens of a person that are good, without the tokens themselves.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::tokens::{self, PersonToken};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tokens {
    pub tokens: Vec<PersonToken>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/people/{person}/tokens", "Tokens of a person that are good").answers::<Tokens>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(person): At<String>) -> Result<Json<Tokens>, Refusal> {
    Ok(Json(perform(&app, &viewer, &person).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub async fn perform(app: &App, viewer: &Viewer, person: &str) -> Result<Tokens, Problem> {
    viewer.must_administer()?;
    Ok(Tokens { tokens: tokens::list(app, Some(person)).await? })
}
