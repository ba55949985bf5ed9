//! People, for administrators.

pub mod create;
pub mod disable;
pub mod list;
pub mod reset;
pub mod show;
pub mod token;
pub mod webhook;
