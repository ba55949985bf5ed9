//! Sets of packs.

pub mod approve;
pub mod back;
pub mod changes;
pub mod foreseen;
pub mod list;
pub mod paper;
pub mod show;
pub mod submit;
pub mod withdraw;
