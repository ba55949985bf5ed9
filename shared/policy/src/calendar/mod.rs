//! Working-time calendars and the arithmetic of deadlines.

mod arithmetic;
mod duration;

pub use arithmetic::{Calendar, Hours, Reached};
pub use duration::{BadDuration, Basis, Duration, Measure, Term};
