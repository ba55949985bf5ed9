//! Intake on a real Postgres and a real broker. Each test is a promise.

mod acts;
mod filters;
mod followers;
mod kept_out;
mod listening;
mod long;
mod masters;
mod registration;
mod rejected;
mod returned;
mod trouble;
mod unprocessable;
mod visibility;
mod world;
