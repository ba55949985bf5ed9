//! Producers, for administrators.

pub mod create;
pub mod disable;
pub mod list;
pub mod token;
pub mod watch;
