//! Asking intake which of a batch's reports it has registered, so that another body under the same key is refused at once. No answer in
//! time counts as 'unknown': the report is accepted, and intake rejects it later if need be.

use crate::questions::REPORT_KNOWN;
use duban_contracts::report::{KnownAnswer, KnownRequest};
use duban_platform::Bus;
use duban_platform::rpc::Call;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longest wait for intake.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long intake is left alone after a question that it did not answer in time: it has enough to do, and every report would wait for it.
const REST: Duration = Duration::from_millis(200);

/// Asks intake. Cheap to clone.
#[derive(Clone)]
pub struct Known {
    bus: Bus,
    rest_until: Arc<Mutex<Option<Instant>>>,
}

impl Known {
    pub fn new(bus: Bus) -> Self {
        Self { bus, rest_until: Arc::default() }
    }

    /// Body hashes by receipt of those that are registered; empty when intake does not answer in time.
    pub async fn ask(&self, reports: impl Iterator<Item = Uuid>) -> BTreeMap<Uuid, String> {
        if !self.bus.is_connected() || self.rests() {
            return BTreeMap::new();
        }
        let Ok(call) = Call::new(REPORT_KNOWN.service, REPORT_KNOWN.name).body(&KnownRequest { reports: reports.collect() }) else {
            return BTreeMap::new();
        };
        let asked = Instant::now();
        match tokio::time::timeout(PATIENCE, self.bus.call::<KnownAnswer>(call.timeout(PATIENCE))).await {
            Ok(Ok(answer)) => answer.known,
            Ok(Err(_)) | Err(_) => {
                // Where nobody listens at all, the broker says so at once, and asking costs nothing.
                if asked.elapsed() >= PATIENCE {
                    *self.rest_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
                }
                BTreeMap::new()
            }
        }
    }

    fn rests(&self) -> bool {
        self.rest_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }
}

/// Whether a report is registered with another body.
pub fn conflicts(known: &BTreeMap<Uuid, String>, receipt: Uuid, body_hash: &str) -> bool {
    known.get(&receipt).is_some_and(|registered| registered != body_hash)
}
