//! The organisation, for administrators.

pub mod apply;
pub mod show;
