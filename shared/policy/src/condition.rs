//! Conditions: small tables over an event's or a report's members, read as a sentence.

use serde_json::Value;

/// A compiled condition. Evaluating it never fails: what is absent or of another type does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {}

impl Condition {
    pub fn holds(&self, facts: &Value) -> bool {
        let _ = facts;
        todo!()
    }
}
