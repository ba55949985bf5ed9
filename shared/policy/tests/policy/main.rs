//! The policy crate from outside: what packs are refused, what the shipped ones do, how calendars count and ladders climb.

mod approvals;
mod away;
mod calendars;
mod carried;
mod corrections;
mod coverage;
mod declarations;
mod differences;
mod expressions;
mod fuzz;
mod ladders;
mod papers;
mod people;
mod periods;
mod put_right;
mod refused;
mod regulations;
mod remarked;
mod returned;
mod shipped;
mod small_set;
mod titles;
mod told;
mod trials;
mod worded;
mod world;
