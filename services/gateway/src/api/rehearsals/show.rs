//! `GET /v1/rehearsals/{rehearsal}`: what a draft would have made for posts or people, week by week, beside what really was made.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::rehearsal::{RehearsalDetail, RehearsalShowRequest, Sides};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

/// Which rows.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct Rows {
    /// `posts` or `people`.
    #[serde(default)]
    pub by: Sides,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u32>,
    #[serde(default)]
    pub limit: Option<u32>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/rehearsals/{rehearsal}", "What a draft would have made, beside what really was made");
    api.route(endpoint.query::<Rows>().answers::<RehearsalDetail>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(rehearsal): At<Uuid>,
    Asked(rows): Asked<Rows>,
) -> Result<Json<RehearsalDetail>, Refusal> {
    Ok(Json(perform(&app, &viewer, rehearsal, rows).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, rehearsal: Uuid, rows: Rows) -> Result<RehearsalDetail, Problem> {
    let Rows { by, after, limit } = rows;
    app.services.rehearsal_show(viewer, &RehearsalShowRequest { rehearsal, by, after, limit }).await
}
