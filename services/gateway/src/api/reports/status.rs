//! `GET /v1/reports/{code}`: what the public may be told of a report, by its tracking code. Limited by the asker's address.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint, Who};
use crate::viewer::ClientAddress;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::report::PublicStatus;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/reports/{code}", "Where a report stands, by its tracking code");
    api.route(endpoint.by(Who::Public).answers::<PublicStatus>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    At(code): At<String>,
) -> Result<Json<PublicStatus>, Refusal> {
    app.limits.look_up(address)?;
    Ok(Json(app.services.track(&code).await?))
}
