//! The pages for people: rendered here, usable without script, Chinese and English from one source.
//!
//! Each file is one page: a pure `view` that turns what the services answered into HTML, and the handlers that ask. Pages decide nothing:
//! every right is checked by the service that owns the data.

mod absences;
mod administration;
mod alert;
mod alert_link;
mod alerts;
mod carried;
mod case;
mod case_acts;
mod cases;
mod chosen;
mod dead;
mod duties;
mod duty_acts;
mod earlier;
mod frame;
mod labels;
mod login;
mod operation;
mod operators;
mod packs;
mod policies;
mod policy_cases;
mod policy_set;
mod producers;
mod refused;
mod rehearsals;
mod rejected;
mod report_form;
mod respond;
mod track;
mod trials;
pub(crate) mod words;

use crate::App;
use crate::viewer::{MaybeViewer, Speaks};
use crate::web::Refusal;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use duban_contracts::Problem;

const PROBLEM: &str = "application/problem+json";

/// Largest problem that an extractor gives, in bytes.
const MOST_OF_A_PROBLEM: usize = 64 * 1024;

/// What is at no address: a problem for programs, a page for people.
pub async fn missing(State(app): State<App>, MaybeViewer(viewer): MaybeViewer, Speaks(language): Speaks, uri: Uri) -> Response {
    if uri.path().starts_with("/v1/") {
        return Refusal(Problem::not_found()).into_response();
    }
    respond::problem(&respond::frame(&app, viewer.as_ref(), language, "/"), &Problem::not_found())
}

/// What a page's extractors refuse is answered by a page too: an address that no page can have, such as a case by something that is no id;
/// a form that is of another session, or cannot be read.
async fn faults_as_pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let asked = parts.clone();
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_of_address = response.status() == StatusCode::BAD_REQUEST && kind.starts_with("text/plain") && asked.method == Method::GET;
    if !is_of_address && !kind.starts_with(PROBLEM) {
        return response;
    }
    let why = if is_of_address { Problem::not_found() } else { refused(response).await };
    let Ok(MaybeViewer(viewer)) = MaybeViewer::from_request_parts(&mut parts, &app).await;
    let Ok(Speaks(language)) = Speaks::from_request_parts(&mut parts, &app).await;
    respond::problem(&respond::frame(&app, viewer.as_ref(), language, "/"), &why)
}

/// The problem of an answer that is one.
async fn refused(response: Response) -> Problem {
    let bytes = to_bytes(response.into_body(), MOST_OF_A_PROBLEM).await.unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| Problem::internal())
}

/// Every page, to be merged into the gateway's router.
pub fn router(app: &App) -> Router<App> {
    pages().layer(middleware::from_fn_with_state(app.clone(), faults_as_pages))
}

fn pages() -> Router<App> {
    Router::new()
        .route("/", get(respond::start))
        .route("/assets/{name}", get(respond::asset))
        .route("/language/{code}", get(respond::language))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", post(login::logout))
        .route("/report", get(report_form::show).post(report_form::submit))
        .route("/track", get(track::show))
        .route("/a/{token}", get(alert_link::show).post(alert_link::acknowledge))
        .route("/alerts", get(alerts::show))
        .route("/alerts/{alert}", get(alert::show))
        .route("/alerts/{alert}/acknowledge", post(alerts::acknowledge))
        .route("/cases", get(cases::show))
        .route("/cases/{case}", get(case::show))
        .route("/cases/{case}/act", post(case::act))
        .route("/cases/{case}/earlier", get(earlier::show))
        .route("/cases/{case}/watchers", get(operators::watchers))
        .route("/duties", get(duties::show))
        .route("/trials", get(trials::show))
        .route("/duties/{duty}", get(duties::show_why))
        .route("/duties/{duty}/close", post(duties::close))
        .route("/duties/{duty}/act", post(duties::act))
        .route("/absences", get(absences::show).post(absences::set))
        .route("/absences/{absence}/end", post(absences::end))
        .route("/delegations", post(absences::delegate))
        .route("/delegations/{delegation}/end", post(absences::end_delegation))
        .route("/records", get(operators::records))
        .route("/records/{record}", get(operators::record))
        .route("/deliveries", get(operators::deliveries))
        .route("/dead", get(dead::show))
        .route("/dead/{service}/{letter}/replay", post(dead::replay))
        .route("/rejected/{rejected}", get(rejected::show).post(rejected::decide))
        .route("/refused/{report}", get(refused::show))
        .route("/policies", get(policies::show).post(policies::submit).layer(DefaultBodyLimit::max(policies::MOST_BYTES)))
        .route("/policies/packs", get(packs::show))
        .route("/policies/packs/{pack}", get(packs::read))
        .route("/policies/{version}", get(policy_set::show))
        .route("/policies/{version}/{act}", post(policy_set::act))
        .route("/rehearsals", get(rehearsals::show_list).post(rehearsals::submit).layer(DefaultBodyLimit::max(policies::MOST_BYTES)))
        .route("/rehearsals/{rehearsal}", get(rehearsals::show))
        .route("/administration", get(administration::show))
        .route("/administration/people", post(administration::create_person))
        .route("/administration/people/{person}/{act}", post(administration::act_on_person))
        .route("/administration/people/{person}/tokens/{token}/revoke", post(administration::revoke_token))
        .route("/administration/producers", post(producers::create))
        .route("/administration/producers/{producer}/watch", post(producers::watch))
        .route("/administration/producers/{producer}/{act}", post(producers::act))
}
