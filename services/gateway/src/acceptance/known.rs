//! Asking intake which of a batch's reports it has registered, so that another body under the same key is refused at once. No answer in
//! time counts as 'unknown': the report is accepted, and intake rejects it later if need be.

use crate::questions::REPORT_KNOWN;
use duban_contracts::report::{KnownAnswer, KnownRequest};
use duban_platform::Bus;
use duban_platform::rpc::Call;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Longest wait for intake.
const PATIENCE: Duration = Duration::from_millis(20);

/// Asks intake. Cheap to clone.
#[derive(Clone)]
pub struct Known {
    bus: Bus,
}

impl Known {
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// Body hashes by receipt of those that are registered; empty when intake does not answer in time.
    pub async fn ask(&self, reports: impl Iterator<Item = Uuid>) -> BTreeMap<Uuid, String> {
        if !self.bus.is_connected() {
            return BTreeMap::new();
        }
        let Ok(call) = Call::new(REPORT_KNOWN.service, REPORT_KNOWN.name).body(&KnownRequest { reports: reports.collect() }) else {
            return BTreeMap::new();
        };
        match tokio::time::timeout(PATIENCE, self.bus.call::<KnownAnswer>(call.timeout(PATIENCE))).await {
            Ok(Ok(answer)) => answer.known,
            Ok(Err(_)) | Err(_) => BTreeMap::new(),
        }
    }
}

/// Whether a report is registered with another body.
pub fn conflicts(known: &BTreeMap<Uuid, String>, receipt: Uuid, body_hash: &str) -> bool {
    known.get(&receipt).is_some_and(|registered| registered != body_hash)
}
