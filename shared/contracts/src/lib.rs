//! What the services of Duban agree on: every message, subject, identity and claim, and nothing that does I/O.
//!
//! Start with [`event`] for what an event looks like on the wire, [`subjects`] for where it travels, and the modules named after
//! the services' things ([`report`], [`case`], [`duty`], [`alert`], [`delivery`], [`record`], [`directory`], [`policy`]) for the bodies.
//!
//! Events carry ids, numbers, kinds, units, dates and figures, and never personal text: who needs it asks its owner when it is
//! needed. Old messages keep parsing: fields are added with a default, never renamed and never given another meaning.

pub mod absence;
pub mod alert;
pub mod canonical;
pub mod case;
pub mod catalogue;
pub mod claim;
pub mod dead;
pub mod delivery;
pub mod directory;
pub mod duty;
pub mod event;
pub mod identity;
pub mod ids;
pub mod policy;
pub mod problem;
pub mod record;
pub mod rehearsal;
pub mod report;
pub mod source;
pub mod subjects;
pub mod time;
pub mod timer;

pub use event::{Event, NewEvent};
pub use problem::{FieldError, Problem, Sentence, both};
pub use time::Timestamp;
