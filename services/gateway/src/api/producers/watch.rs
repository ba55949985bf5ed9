//! `POST /v1/producers/{producer}/watch`: for how long it may send nothing before that is told.

use crate::App;
use crate::api::input::{At, Given};
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers::{self, Watch};
use crate::viewer::Viewer;
use crate::web::Refusal;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/producers/{producer}/watch", "Say for how long a producer may send nothing");
    api.route(endpoint.body::<Watch>().status("204"), post(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    At(producer): At<String>,
    Given(watch): Given<Watch>,
) -> Result<StatusCode, Refusal> {
    perform(&app, &viewer, &producer, &watch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 422 for what is no duration.
pub async fn perform(app: &App, viewer: &Viewer, producer: &str, watch: &Watch) -> Result<(), Problem> {
    viewer.must_administer()?;
    producers::watch(app, &viewer.person, producer, watch).await
}
