//! Dead letters of every service.

pub mod list;
pub mod replay;
pub mod show;
