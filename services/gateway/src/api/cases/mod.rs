//! Cases, owned by intake.

pub mod act;
pub mod csv;
pub mod earlier;
pub mod export;
pub mod list;
pub mod show;
pub mod watchers;
