//! A scenario played against packs without any server: the same deciding that the services do, with a clock that jumps from one thing that
//! happens to the next.
//!
//! What is not simulated, because other services do it and nothing here hangs on it: deliveries, records, rejected reports, corrections.

mod carried;
mod particulars;
mod play;
mod scenario;
mod timeline;
mod world;

pub use particulars::particulars;
pub use play::{Stopped, gives, play, play_with_past};
pub use scenario::{Act, Fault, Happens, Reported, Scenario};
pub use timeline::{Line, compared};

#[cfg(test)]
mod tests;
