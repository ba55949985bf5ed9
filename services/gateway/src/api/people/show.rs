//! `GET /v1/people/{person}`: one person, with the telephone number whole.

use super::list::{PersonShown, shown};
use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/people/{person}", "One person and his posts").answers::<PersonShown>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(person): At<String>) -> Result<Json<PersonShown>, Refusal> {
    Ok(Json(perform(&app, &viewer, &person)?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown.
pub fn perform(app: &App, viewer: &Viewer, person: &str) -> Result<PersonShown, Problem> {
    viewer.must_administer()?;
    let directory = app.directory()?;
    let person = directory.person(person).ok_or_else(Problem::not_found)?;
    Ok(shown(app, &directory, person, app.platform.clock.now()))
}
