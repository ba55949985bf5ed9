//! Alerts, owned by escalation.

pub mod acknowledge;
pub mod list;
pub mod show;
