//! `GET /v1/people/{person}/webhook`: the secret of a person's webhook, for whoever sets the receiver up; that it was shown is kept in the
//! history.

use crate::App;
use crate::api::input::At;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::Edit;
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_contracts::delivery::Webhook;

pub fn mount(api: Api) -> Api {
    api.route(
        Endpoint::get("/v1/people/{person}/webhook", "The secret that signs what comes to a person's webhook").answers::<Webhook>(),
        get(handle),
    )
}

async fn handle(State(app): State<App>, viewer: Viewer, At(person): At<String>) -> Result<Json<Webhook>, Refusal> {
    Ok(Json(perform(&app, &viewer, &person).await?))
}

/// # Errors
/// 403 for whom notifications does not let see another's; 404 no such person, or he has no webhook; 503 while it is down.
pub async fn perform(app: &App, viewer: &Viewer, person: &str) -> Result<Webhook, Problem> {
    let webhook = app.services.webhook_show(viewer, Some(person.to_owned())).await?;
    if person != viewer.person {
        let mut edit = Edit::begin(app, &viewer.person).await?;
        edit.note("webhook", person, None, Some(&"secret shown"));
        edit.finish(app).await?;
    }
    Ok(webhook)
}
