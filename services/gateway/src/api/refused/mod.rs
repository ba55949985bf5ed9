//! Reports refused over NATS.

pub mod list;
pub mod show;
