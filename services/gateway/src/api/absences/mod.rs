//! Who is away.

pub mod create;
pub mod end;
pub mod list;
