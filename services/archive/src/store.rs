//! All SQL of this service, one function per question.

pub mod cases;
pub mod filings;
pub mod ledger;
pub mod listing;
pub mod records;
