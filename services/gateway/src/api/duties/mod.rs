//! Duties, owned by escalation.

pub mod close;
pub mod list;
pub mod why;
