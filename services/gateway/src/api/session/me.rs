//! `GET /v1/me`: who asks.

use crate::access::Me;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use axum::Json;
use axum::routing::get;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/me", "Who you are").answers::<Me>(), get(handle))
}

async fn handle(viewer: Viewer) -> Json<Me> {
    Json(Me::from(&viewer))
}
