//! Duties that stand are due when their subject's newest event says: a date was put in later, a kind or a severity was put right.

use crate::App;
use crate::store::matters;
use duban_contracts::{Event, Timestamp};
use duban_engine::acts::{Acted, What};
use duban_engine::duty::Duty;
use duban_engine::matter::Change;
use duban_engine::moment::Moment;
use duban_engine::retiming;
use duban_engine::rules::MatterKey;
use duban_policy::Policy;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// An event that may move due times.
pub struct Timing {
    moment: Moment,
    case: Uuid,
    facts: Value,
}

impl Timing {
    /// None: this event moves nothing.
    pub fn of(event: &Event, facts: &Value, policy: &Policy) -> Option<Self> {
        let case = event.case.filter(|_| event.version > 1 && policy.may_retime(facts))?;
        Some(Self { moment: Moment::of(event), case, facts: facts.clone() })
    }

    fn of_duty(&self, app: &App, duty: &Duty) -> Option<(duban_policy::policy::Retimed, Arc<Policy>)> {
        if duty.case != Some(self.case) {
            return None;
        }
        // It stays under the policy that it was opened under.
        let policy = app.platform.policies.get(duty.policy)?;
        retiming::by_facts(duty, &self.moment, &self.facts, &policy).map(|retimed| (retimed, policy))
    }
}

/// The matters whose duties these events move, as far as is known before they are locked.
pub async fn moved(app: &App, tx: &mut PgConnection, timings: &[Timing]) -> Result<BTreeSet<MatterKey>, sqlx::Error> {
    let cases: BTreeSet<Uuid> = timings.iter().map(|timing| timing.case).collect();
    if cases.is_empty() {
        return Ok(BTreeSet::new());
    }
    let open = matters::open_of_cases(tx, &cases.into_iter().collect::<Vec<_>>()).await?;
    let is_moved = |duty: &&Duty| timings.iter().any(|timing| timing.of_duty(app, duty).is_some());
    Ok(open.iter().filter(is_moved).map(Duty::matter).collect())
}

/// Times the duties of one matter anew. Gives which were, by their place, and what is kept of it.
pub fn retime(app: &App, duties: &mut [Duty], timings: &[Timing], now: Timestamp) -> Vec<((usize, Change), (Uuid, Acted))> {
    let mut changes = Vec::new();
    for (place, duty) in duties.iter_mut().enumerate() {
        for timing in timings {
            let Some((retimed, policy)) = timing.of_duty(app, duty) else { continue };
            let due_before = duty.due_at;
            retiming::retime(duty, retimed, timing.moment.version, now, &policy);
            let reason = if timing.facts.get("before").is_some() { "put-right" } else { "date" };
            let acted = Acted {
                at: timing.moment.at,
                act: What::Retimed,
                by: None,
                reason: reason.to_owned(),
                until: None,
                person: None,
                due_before,
                due_after: duty.due_at,
            };
            changes.push(((place, Change::Retimed), (duty.id, acted)));
        }
    }
    changes
}
