//! All SQL of intake: one file per table or question, batched throughout.

pub mod carried;
pub mod cases;
pub mod exports;
pub mod identities;
pub mod involvement;
pub mod links;
pub mod list;
pub mod matters;
pub mod numbering;
pub mod rejected;
pub mod reports;
pub mod sealed;
pub mod sources;
pub mod timeline;
pub mod waiting;
