//! `POST /v1/rehearsals`: a draft of a set of packs is run over what really happened.

use crate::App;
use crate::api::input::Given;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::drafts::{self, NewRehearsal};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use duban_contracts::Problem;
use duban_contracts::rehearsal::Rehearsal;

/// As of a whole set.
const MOST_BYTES: usize = 8 << 20;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/rehearsals", "Run a draft of a set of packs over what really happened");
    api.route(endpoint.body::<NewRehearsal>().answers::<Rehearsal>(), post(handle).layer(DefaultBodyLimit::max(MOST_BYTES)))
}

async fn handle(State(app): State<App>, viewer: Viewer, Given(request): Given<NewRehearsal>) -> Result<Json<Rehearsal>, Refusal> {
    Ok(Json(perform(&app, &viewer, request).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown version; 422 does not compile, or no such pack or date; 503 without its service.
pub async fn perform(app: &App, viewer: &Viewer, request: NewRehearsal) -> Result<Rehearsal, Problem> {
    drafts::begin(app, viewer, request).await
}
