//! A rule in words, with the dates that it would give.

use super::Policy;
use crate::Title;
use duban_contracts::Timestamp;

impl Policy {
    /// What a duty rule does, in both languages, for an example that opens at `at` in `unit` (the first unit that the pack binds unless
    /// given). `rule`: `pack/rule`, a rule id alone if only one pack has it, or an id of regulations.md (`R13.2.5b`).
    /// None if there is no such rule.
    pub fn explain(&self, rule: &str, unit: Option<&str>, at: Timestamp) -> Option<Title> {
        let _ = (rule, unit, at);
        todo!()
    }
}
