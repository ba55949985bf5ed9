//! `DELETE /v1/session`: ends the session.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::delete;
use axum_extra::extract::cookie::CookieJar;

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::delete("/v1/session", "Log out").status("204"), delete(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer, jar: CookieJar) -> Result<impl IntoResponse, Refusal> {
    let cookie = app.access.logout(&viewer).await?;
    Ok((jar.add(cookie), StatusCode::NO_CONTENT))
}
