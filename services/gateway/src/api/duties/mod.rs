//! Duties, owned by escalation.

pub mod act;
pub mod close;
pub mod list;
pub mod trials;
pub mod why;
