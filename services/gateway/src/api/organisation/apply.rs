//! `PUT /v1/organisation`: applies an organisation file (TOML, with people). Units, posts, people and rights change at once; what binds packs
//! to units becomes a policy set that waits for approval.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::organisation::{self, OrganisationApplied};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::put;
use duban_contracts::Problem;

/// Ten thousand people come to about two megabytes.
const MOST_BYTES: usize = 8 << 20;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::put("/v1/organisation", "Apply an organisation file (TOML as text)");
    api.route(endpoint.body::<String>().answers::<OrganisationApplied>(), put(handle).layer(DefaultBodyLimit::max(MOST_BYTES)))
}

async fn handle(State(app): State<App>, viewer: Viewer, text: String) -> Result<Json<OrganisationApplied>, Refusal> {
    Ok(Json(perform(&app, &viewer, text).await?))
}

/// # Errors
/// 403 for who does not administer; 422 with every fault of the file; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, text: String) -> Result<OrganisationApplied, Problem> {
    viewer.must_administer()?;
    organisation::apply(app, &viewer.person, text).await
}
