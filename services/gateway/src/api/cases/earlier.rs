//! `GET /v1/cases/{case}/earlier?before=…`: the older entries of a long timeline, by pages.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::case::{EarlierAnswer, EarlierRequest};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Before {
    /// `earlier` of the answer before.
    before: Uuid,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/cases/{case}/earlier", "The older entries of a case's timeline, where it is a long one");
    api.route(endpoint.query::<Before>().answers::<EarlierAnswer>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(case): At<Uuid>,
    Asked(asked): Asked<Before>,
) -> Result<Json<EarlierAnswer>, Refusal> {
    Ok(Json(app.services.case_earlier(&viewer, &EarlierRequest { case, before: asked.before }).await?))
}
