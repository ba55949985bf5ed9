//! The gateway as a process, on a real Postgres and a real broker. One binary, so that it is linked once.

mod absences;
mod approvals;
mod browser;
mod corrections;
mod deliveries;
mod live;
mod operator_pages;
mod pages;
mod people;
mod policies;
mod policy_pages;
mod producers;
mod refusals;
mod rehearsals;
mod reports_in;
mod world;
