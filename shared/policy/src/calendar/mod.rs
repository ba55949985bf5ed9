//! Working-time calendars and the arithmetic of deadlines.

mod arithmetic;
mod duration;
mod steps;

pub use arithmetic::{Calendar, Hours, Reached, whole_second};
pub use duration::{BadDuration, Basis, Duration, Measure, Term};
pub use steps::Step;
