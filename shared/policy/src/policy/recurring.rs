//! Duties that come back: monthly statistics, weekly reports.

use super::Policy;
use super::duty::OpenedDuty;
use duban_contracts::Timestamp;

/// A rule whose duty opens by the calendar, for each post that owes it.
#[derive(Debug, Clone)]
pub struct RecurringRule {
    pub pack: String,
    pub id: String,
    pub article: String,
    pub rules: Vec<String>,
    /// False: declared and checked, run by a later version.
    pub runs: bool,
}

/// One coming round of a recurring duty.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// When the duty opens: the end of the period that it is about.
    pub at: Timestamp,
    /// `2026-02`, `2026-W09`, `2026-02-11`.
    pub period: String,
    /// Ready to be opened; its key is unique per rule, unit and period, so that two copies open it once.
    pub duty: OpenedDuty,
}

impl Policy {
    /// Every recurring duty that opens in (`after`, `until`], in order of time. Pure: ask it on every tick with the last `until` kept.
    pub fn recurring(&self, after: Timestamp, until: Timestamp) -> Vec<Occurrence> {
        let _ = (after, until);
        todo!()
    }
}
