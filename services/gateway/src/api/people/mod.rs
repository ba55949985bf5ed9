//! People, for administrators.

pub mod create;
pub mod disable;
pub mod enable;
pub mod list;
pub mod reset;
pub mod revoke;
pub mod show;
pub mod token;
pub mod tokens;
pub mod webhook;
