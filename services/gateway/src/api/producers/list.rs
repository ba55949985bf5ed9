//! `GET /v1/producers`: the producers.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers::{self, ListedProducer};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Producers {
    pub producers: Vec<ListedProducer>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/producers", "Producers").answers::<Producers>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Result<Json<Producers>, Refusal> {
    Ok(Json(perform(&app, &viewer).await?))
}

/// # Errors
/// 403 for who does not administer.
pub async fn perform(app: &App, viewer: &Viewer) -> Result<Producers, Problem> {
    viewer.must_administer()?;
    Ok(Producers { producers: producers::list(app).await? })
}
