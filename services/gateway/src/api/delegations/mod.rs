//! Who acts for whom.

pub mod create;
pub mod end;
pub mod list;
