//! `GET /v1/deliveries`: deliveries of an alert or a case; all for administrators.

use crate::App;
use crate::api::input::Asked;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};

pub fn mount(api: Api) -> Api {
    api.route(
        Endpoint::get("/v1/deliveries", "What was sent to whom, and whether it arrived")
            .query::<DeliveryListRequest>()
            .answers::<DeliveryList>(),
        get(handle),
    )
}

async fn handle(State(app): State<App>, viewer: Viewer, Asked(request): Asked<DeliveryListRequest>) -> Result<Json<DeliveryList>, Refusal> {
    Ok(Json(perform(&app, &viewer, &request).await?))
}

/// # Errors
/// 503 while its service is down.
pub async fn perform(app: &App, viewer: &Viewer, request: &DeliveryListRequest) -> Result<DeliveryList, Problem> {
    app.services.delivery_list(viewer, request).await
}
