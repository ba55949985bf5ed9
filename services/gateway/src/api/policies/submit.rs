//! `POST /v1/policies`: a whole set; every fault of every file comes back with its line.

use crate::App;
use crate::api::input::Given;
use crate::api::openapi::{Api, Endpoint};
use crate::policies::apply::{self, NewPolicySet, Submitted};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};

use axum::routing::post;
use duban_contracts::Problem;

/// Seventeen packs come to about one megabyte.
const MOST_BYTES: usize = 8 << 20;

pub fn mount(api: Api) -> Api {
    api.route(
        Endpoint::post("/v1/policies", "Submit a set of packs").body::<NewPolicySet>().answers::<Submitted>(),
        post(handle).layer(DefaultBodyLimit::max(MOST_BYTES)),
    )
}

async fn handle(State(app): State<App>, viewer: Viewer, Given(request): Given<NewPolicySet>) -> Result<Json<Submitted>, Refusal> {
    Ok(Json(perform(&app, &viewer, request).await?))
}

/// # Errors
/// 403 for who does not administer; 422 does not compile; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, request: NewPolicySet) -> Result<Submitted, Problem> {
    viewer.must_administer()?;
    apply::submit(app, &viewer.person, request).await
}
