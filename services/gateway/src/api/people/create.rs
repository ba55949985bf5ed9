//! `POST /v1/people`: makes a person.

use crate::App;
use crate::api::input::Given;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::people::{self, NewPerson, Shown};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::post;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::post("/v1/people", "Make a person").body::<NewPerson>().answers::<Shown>(), post(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Given(request): Given<NewPerson>) -> Result<Json<Shown>, Refusal> {
    Ok(Json(perform(&app, &viewer, request).await?))
}

/// # Errors
/// 403 for who does not administer; 409 the id is taken; 422 for what cannot be.
pub async fn perform(app: &App, viewer: &Viewer, request: NewPerson) -> Result<Shown, Problem> {
    viewer.must_administer()?;
    people::create(app, &viewer.person, request).await
}
