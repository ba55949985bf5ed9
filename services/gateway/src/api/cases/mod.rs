//! Cases, owned by intake.

pub mod act;
pub mod earlier;
pub mod list;
pub mod show;
pub mod watchers;
