//! Working-time calendars and the arithmetic of deadlines.

mod arithmetic;
mod day;
mod duration;
mod steps;
mod worked;

pub use arithmetic::{Calendar, Hours, Reached, whole_second};
pub use day::last_minute;
pub use duration::{BadDuration, Basis, Duration, Measure, Term};
pub use steps::Step;
