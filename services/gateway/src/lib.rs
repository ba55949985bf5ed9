//! The gateway: reports come in here, managers look in here, and the directory and the packs are kept here.
//!
//! What it promises:
//! - A report is accepted only when it is on the broker's disk ([`acceptance`]); the same key has the same receipt for ever, from any copy,
//!   with Postgres down. Directory, producers and packs are therefore held in memory and beside the process ([`holdings`]).
//! - It decides about nobody's cases: it vouches for who asks ([`viewer`], [`access`]) and passes the question on with a signed claim
//!   ([`ask`]); the service that owns the data decides what the asker may see and do.
//! - Every change of people, posts, rights, producers and packs is kept with who and when, and told to the others in the same transaction
//!   ([`directory`], [`policies`]).
//!
//! [`api`] has one file per endpoint; [`pages`] are the HTML pages.

pub mod acceptance;
pub mod access;
mod admin_create;
pub mod api;
mod app;
pub mod ask;
mod auth_callout;
pub mod directory;
pub mod holdings;
pub mod limits;
pub mod live;
pub mod pages;
pub mod policies;
pub mod producers;
mod questions;
pub mod settings;
pub mod token;
pub mod viewer;
pub mod web;

pub use app::App;
pub use settings::Settings;

use axum::Router;

/// Everything that is served: reports, API, pages. Health and metrics come with the platform.
pub fn routes(app: App) -> Router {
    let everything = api::router().merge(pages::router(&app)).fallback(pages::missing).method_not_allowed_fallback(web::wrong_method);
    let reception = api::reports::reception().method_not_allowed_fallback(web::wrong_method);
    web::fence(reception.merge(web::guard(everything)).with_state(app))
}
