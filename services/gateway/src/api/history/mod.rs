//! Who changed what.

pub mod list;
