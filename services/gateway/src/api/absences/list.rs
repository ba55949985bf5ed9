//! `GET /v1/absences`: of oneself and of those one is set over; of everybody for administrators.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::absences::{self, AbsenceQuery, Absences};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/absences", "Who is away").query::<AbsenceQuery>().answers::<Absences>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<AbsenceQuery>) -> Result<Json<Absences>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 422 for what is no state and for who is not in the directory; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, query: &AbsenceQuery) -> Result<Absences, Problem> {
    absences::list(app, &viewer.person, query).await
}
