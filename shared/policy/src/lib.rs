//! An organisation's regulations as data: packs, calendars, ladders, and who holds which post. Pure: no I/O, no clock.
//!
//! Start with [`Policy`], the compiled set of packs, and [`directory::Directory`], the people. A service hands events and reports in and
//! gets back what to do: which kind a report is ([`Policy::judge`]), which steps a case may take ([`policy::step`]), which duties an event
//! opens and closes ([`Policy::duties_opened`], [`Policy::duties_closed`]) with their due times ([`calendar`]) and rungs ([`ladder`]).
//!
//! Invariants: nothing here panics on what a pack, an organisation or an event says; the same inputs give the same outputs in every
//! service; a set that compiles has no name that means nothing.

pub mod calendar;
pub mod condition;
pub mod diagnostic;
pub mod directory;
pub mod ladder;
pub mod organisation;
pub mod policy;
pub mod source;
pub mod title;

pub use diagnostic::{Diagnostic, Source};
pub use policy::Policy;
pub use title::Title;

/// How many cases a property is tried on: `DUBAN_FUZZ_CASES`, or so many.
#[cfg(test)]
pub(crate) fn fuzz_cases(few: u32) -> u32 {
    std::env::var("DUBAN_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(few)
}
