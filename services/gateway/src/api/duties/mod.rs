//! Duties, owned by escalation.

pub mod list;
pub mod why;
