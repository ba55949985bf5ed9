//! All SQL of this service, one function per question.

pub mod alerts;
pub mod attempts;
pub mod cases;
pub mod claims;
pub mod deliveries;
pub mod digests;
pub mod links;
pub mod listing;
pub mod returns;
