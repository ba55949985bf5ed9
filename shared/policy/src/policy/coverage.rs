//! Where every rule of the regulations is carried.

use super::Policy;
use serde::Serialize;

/// One rule id of regulations.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// `R13.2.5b`.
    pub id: String,
    pub pack: String,
    /// What carries it: `duty.file_warning`, `kind.complaint.severity.major`; absent where a later version or nothing does.
    pub rule: Option<String>,
    /// Whether it runs in this version.
    pub runs: bool,
    /// Why it is not carried, or by what it will be.
    pub reason: Option<String>,
}

impl Policy {
    /// Every id that the packs cite or set aside, in order.
    pub fn coverage(&self) -> Vec<Covered> {
        todo!()
    }
}
