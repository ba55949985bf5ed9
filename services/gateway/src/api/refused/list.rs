//! `GET /v1/refused-reports`: reports refused over NATS, without their bodies.

use crate::App;
use crate::acceptance::refused::{RefusedQuery, RefusedReport};
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::producers;
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;

use axum::routing::get;
use duban_contracts::{Problem, both};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Refused {
    pub reports: Vec<RefusedReport>,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/refused-reports", "Reports refused over NATS").query::<RefusedQuery>().answers::<Refused>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(query): Asked<RefusedQuery>) -> Result<Json<Refused>, Refusal> {
    Ok(Json(perform(&app, &viewer, &query).await?))
}

/// # Errors
/// 403 for who does not administer; 422 for what is no producer; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer, query: &RefusedQuery) -> Result<Refused, Problem> {
    viewer.must_administer()?;
    let producer = query.producer.as_deref().map(str::trim).filter(|producer| !producer.is_empty());
    if let Some(id) = producer
        && !producers::list(app).await?.iter().any(|known| known.id == id)
    {
        let wrong = both(format!("没有接入方“{id}”"), format!("there is no producer '{id}'"));
        return Err(Problem::invalid_field("/producer", wrong, both("请填写已登记接入方的代码", "the id of a producer")));
    }
    let query = RefusedQuery { producer: producer.map(str::to_owned), ..query.clone() };
    Ok(Refused { reports: app.refused.list(&query).await? })
}
