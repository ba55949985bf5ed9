//! `GET /v1/report-results`: a producer's reports that were accepted and later rejected, oldest first.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint, Who};
use crate::viewer::bearer_of;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::routing::get;
use duban_contracts::report::{Results, ResultsRequest};

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/report-results", "Your reports that were rejected later");
    api.route(endpoint.by(Who::Producer).query::<ResultsRequest>().answers::<Results>(), get(handle))
}

async fn handle(State(app): State<App>, headers: HeaderMap, Asked(request): Asked<ResultsRequest>) -> Result<Json<Results>, Refusal> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| bearer_of(value.as_bytes()));
    let producer = app.producer(token)?;
    Ok(Json(app.services.results(&producer.id, request).await?))
}
