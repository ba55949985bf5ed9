//! Packs, calendars and organisation files as they are written: TOML, read strictly, every name with its place.
//!
//! [`pack::PackFile`], [`calendar::CalendarFile`] and [`organisation::OrganisationFile`] are the shapes; their JSON Schemas are published
//! in `policies/schema`. Nothing is looked up here: what a name means is the compiler's business.

pub mod calendar;
pub mod condition;
pub mod declaration;
pub mod duty;
mod fault;
pub mod organisation;
pub mod pack;
mod place;
mod read;
mod schema;
mod suggest;
pub(crate) mod worded;

pub(crate) use fault::{Fault, Faults, Range};
pub use place::{Many, Named, Placed};
pub(crate) use read::{File, Sort, in_order, read};
pub use schema::{calendar_schema, organisation_schema, pack_schema};
pub(crate) use suggest::{nearest, suggestion};
