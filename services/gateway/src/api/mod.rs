//! The HTTP API: one file per endpoint. Each says what it is for, describes itself for OpenAPI, and has a `perform` that pages call too.

pub mod absences;
pub mod alerts;
pub mod cases;
pub mod dead;
pub mod delegations;
pub mod deliveries;
pub mod duties;
pub mod events;
pub mod history;
pub mod input;
pub mod openapi;
pub mod organisation;
pub mod people;
pub mod policies;
pub mod producers;
pub mod records;
pub mod refused;
pub mod rehearsals;
pub mod rejected;
pub mod reports;
pub mod session;

use crate::App;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use openapi::Api;
use serde_json::Value;
use std::sync::Arc;

/// Every endpoint but the reception of reports, which stands apart.
const ENDPOINTS: &[fn(Api) -> Api] = &[
    reports::status::mount,
    reports::results::mount,
    events::mount,
    session::login::mount,
    session::logout::mount,
    session::me::mount,
    session::webhook::mount,
    cases::act::mount,
    cases::export::mount,
    cases::list::mount,
    cases::show::mount,
    cases::earlier::mount,
    cases::watchers::mount,
    absences::create::mount,
    absences::end::mount,
    absences::list::mount,
    delegations::create::mount,
    delegations::end::mount,
    delegations::list::mount,
    alerts::acknowledge::mount,
    alerts::list::mount,
    alerts::show::mount,
    duties::act::mount,
    duties::close::mount,
    duties::list::mount,
    duties::trials::mount,
    duties::why::mount,
    deliveries::list::mount,
    records::list::mount,
    records::show::mount,
    rejected::act::mount,
    rejected::list::mount,
    dead::list::mount,
    dead::replay::mount,
    dead::show::mount,
    policies::approve::mount,
    policies::back::mount,
    policies::changes::mount,
    policies::foreseen::mount,
    policies::list::mount,
    policies::paper::mount,
    policies::show::mount,
    policies::submit::mount,
    policies::withdraw::mount,
    rehearsals::begin::mount,
    rehearsals::list::mount,
    rehearsals::show::mount,
    people::create::mount,
    people::disable::mount,
    people::enable::mount,
    people::list::mount,
    people::reset::mount,
    people::revoke::mount,
    people::show::mount,
    people::token::mount,
    people::tokens::mount,
    people::webhook::mount,
    producers::create::mount,
    producers::disable::mount,
    producers::list::mount,
    producers::token::mount,
    producers::watch::mount,
    organisation::apply::mount,
    organisation::show::mount,
    history::list::mount,
    refused::list::mount,
    refused::show::mount,
];

/// All routes and the description of them.
pub fn router() -> Router<App> {
    let (routes, document) = built();
    let document: Arc<str> = document.to_string().into();
    let describe = get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.to_string()) });
    routes.route("/openapi.json", describe)
}

fn built() -> (Router<App>, Value) {
    let api = Api::default().describe(reports::submit::endpoint());
    ENDPOINTS.iter().fold(api, |api, mount| mount(api)).finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_names_every_endpoint_and_resolves_every_reference() {
        let (_, document) = super::built();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, super::ENDPOINTS.len() + 1);
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
