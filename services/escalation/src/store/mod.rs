//! All SQL of this service: one function per question, for many rows at once.

pub mod acts;
pub mod alerts;
pub mod audits;
pub mod case;
pub mod corrections;
pub mod duties;
pub mod foreseen;
pub mod lists;
pub mod matters;
pub mod own_events;
pub mod past;
pub mod recurrences;
pub mod rehearsals;
pub mod returns;
pub mod trials;

/// A row that does not read as what it should be: a fault of ours, told with column and content's kind, never with the content.
fn spoilt(column: &'static str, what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: what.to_string().into() }
}
