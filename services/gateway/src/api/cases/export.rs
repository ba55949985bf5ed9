//! `GET /v1/cases/export`: cases to be carried out of the system, for who may export. As JSON a page at a time; as CSV all of them at once,
//! fetched from intake page by page while they are sent. Intake keeps who exported what.

use super::csv;
use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::pages::words;
use crate::viewer::{Language, Speaks, Viewer};
use crate::web::Refusal;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::case::{CaseExport, CaseListRequest};
use futures::stream;
use schemars::JsonSchema;
use serde::Deserialize;

const CSV: &str = "text/csv";

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ExportFormat {
    /// `json` (default) or `csv`; instead of the header `Accept`.
    #[serde(default)]
    pub format: Option<String>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/cases/export", "Cases to be carried out of the system: a page as JSON, or all as CSV");
    let endpoint = endpoint.query::<CaseListRequest>().more_query::<ExportFormat>().answers::<CaseExport>().or_as(&[CSV]);
    api.route(endpoint, get(handle))
}

async fn handle(
    State(app): State<App>,
    viewer: Viewer,
    Speaks(language): Speaks,
    headers: HeaderMap,
    Asked(request): Asked<CaseListRequest>,
    Asked(asked): Asked<ExportFormat>,
) -> Result<Response, Refusal> {
    let request = without_blanks(request);
    if !wants_csv(&asked, &headers)? {
        return Ok(Json(perform(&app, &viewer, &request).await?).into_response());
    }
    // The first page is fetched before anything is answered, so that who may not export gets the refusal and no file.
    let first = perform(&app, &viewer, &request).await?;
    let name = format!("attachment; filename=\"cases-{}.csv\"", words::day(app.platform.clock.now(), &app.zone()));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, whole(app, viewer, language, request, first)).into_response())
}

/// # Errors
/// 403 without the right to export; 422 for a filter that cannot be; 503 while intake is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &CaseListRequest) -> Result<CaseExport, Problem> {
    app.services.case_export(viewer, request).await
}

fn wants_csv(asked: &ExportFormat, headers: &HeaderMap) -> Result<bool, Problem> {
    match asked.format.as_deref() {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::invalid_field("/format", "it is not known", "json or csv")),
        None => {
            let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Ok(accepted.split(',').any(|media| media.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(CSV))))
        }
    }
}

/// An empty field of the search form is no filter.
fn without_blanks(mut request: CaseListRequest) -> CaseListRequest {
    let CaseListRequest { unit, pack, kind, stage, severity, search, state, before: _, limit: _ } = &mut request;
    for filter in [unit, pack, kind, stage, severity, search, state] {
        filter.take_if(|text| text.trim().is_empty());
    }
    request
}

/// Where the writing of a file stands.
enum At {
    Page(CaseExport),
    End,
}

/// All pages, one after the other. A page that fails breaks the answer off, so that half a file is not taken for a whole one.
fn whole(app: App, viewer: Viewer, language: Language, request: CaseListRequest, first: CaseExport) -> Body {
    let zone = app.zone();
    let head = format!("{}{}", csv::BYTE_ORDER_MARK, csv::head(language));
    let pages = stream::try_unfold((At::Page(first), head), move |(at, mut text)| {
        let (app, viewer, zone, mut request) = (app.clone(), viewer.clone(), zone.clone(), request.clone());
        async move {
            let At::Page(page) = at else { return Ok(None) };
            text.extend(page.cases.iter().map(|case| csv::row(language, &zone, case)));
            let next = match page.next {
                None => At::End,
                Some(before) => {
                    request.before = Some(before);
                    At::Page(perform(&app, &viewer, &request).await?)
                }
            };
            Ok::<_, Problem>(Some((text, (next, String::new()))))
        }
    });
    Body::from_stream(pages)
}
