//! Reports: sent by producers, followed by the public.

pub mod results;
pub mod status;
pub mod submit;

use crate::App;
use axum::Router;
use axum::routing::post;

/// Where reports come in, outside the guard of pages and API.
pub fn reception() -> Router<App> {
    Router::new().route("/v1/reports", post(submit::handle))
}
