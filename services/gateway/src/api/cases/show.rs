//! `GET /v1/cases/{case}`: a case by id or number, with its timeline across all services. A service that is down leaves its part out and is
//! named in `unavailable`; 503 only when intake, which owns the case, is down itself.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::ask::CaseWhole;
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::case::CaseShowRequest;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/cases/{case}", "One case whole, by id or number").answers::<CaseWhole>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, At(case): At<String>) -> Result<impl IntoResponse, Refusal> {
    let whole = perform(&app, &viewer, &case).await?;
    let version = format!("\"{}\"", whole.detail.summary.version);
    Ok(([(header::ETAG, version)], Json(whole)))
}

/// # Errors
/// 404 unknown or not to be seen; 503 while intake is down.
pub async fn perform(app: &App, viewer: &Viewer, id_or_number: &str) -> Result<CaseWhole, Problem> {
    let request = match id_or_number.parse() {
        Ok(case) => CaseShowRequest { case: Some(case), number: None },
        Err(_) => CaseShowRequest { case: None, number: Some(id_or_number.to_owned()) },
    };
    app.services.case_whole(viewer, &request).await
}
