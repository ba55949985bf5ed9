//! Rehearsals (推演) of drafts.

pub mod begin;
pub mod list;
pub mod show;
