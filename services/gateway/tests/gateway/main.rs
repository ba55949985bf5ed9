//! The gateway as a process, on a real Postgres and a real broker. One binary, so that it is linked once.

mod live;
mod people;
mod policies;
mod producers;
mod reports_in;
mod world;
