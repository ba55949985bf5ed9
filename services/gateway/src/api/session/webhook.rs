//! `GET /v1/me/webhook`: the secret with which what comes to one's own webhook is signed, so that the receiver can tell it from a forgery.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::delivery::Webhook;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/me/webhook", "The secret that signs what comes to your webhook").answers::<Webhook>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Result<Json<Webhook>, Refusal> {
    Ok(Json(app.services.webhook_show(&viewer, None).await?))
}
