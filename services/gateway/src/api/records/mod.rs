//! Records, owned by archive.

pub mod list;
pub mod show;
