//! Reports that intake rejected.

pub mod act;
pub mod list;
