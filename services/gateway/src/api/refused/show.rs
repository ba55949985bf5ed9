//! `GET /v1/refused-reports/{report}`: one with its body, opened; that it was opened is kept in the history.

use crate::App;
use crate::acceptance::refused::RefusedDetail;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::Edit;
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::Problem;
use uuid::Uuid;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/refused-reports/{report}", "One refused report with its body").answers::<RefusedDetail>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(report): At<Uuid>) -> Result<Json<RefusedDetail>, Refusal> {
    Ok(Json(perform(&app, &viewer, report).await?))
}

/// # Errors
/// 403 for who does not administer; 404 unknown; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, report: Uuid) -> Result<RefusedDetail, Problem> {
    viewer.must_administer()?;
    let detail = app.refused.show(report).await?;
    let mut edit = Edit::begin(app, &viewer.person).await?;
    edit.note("refused_report", &report.to_string(), None, Some(&"opened"));
    edit.finish(app).await?;
    Ok(detail)
}
