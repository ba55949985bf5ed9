//! Duties that stand are due when their subject's newest event says: a date was put in later, a kind or a severity was put right. And pauses
//! that are over have ended, whether or not a tick has seen it.

use crate::App;
use crate::correcting::Corrector;
use crate::store::matters;
use duban_contracts::{Event, Timestamp};
use duban_engine::acts::{Acted, resume_by_itself};
use duban_engine::duty::{Duty, Ended};
use duban_engine::moment::Moment;
use duban_engine::retiming;
use duban_engine::rules::MatterKey;
use duban_platform::consumer::Failure;
use duban_policy::Policy;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// An event that may move due times.
pub struct Timing {
    event: Event,
    moment: Moment,
    case: Uuid,
    facts: Value,
}

impl Timing {
    /// None: this event moves nothing.
    pub fn of(event: &Event, facts: &Value, policy: &Policy) -> Option<Self> {
        let case = event.case.filter(|_| event.version > 1 && policy.may_retime(facts))?;
        Some(Self { event: event.clone(), moment: Moment::of(event), case, facts: facts.clone() })
    }
}

/// The matters whose duties these events move, as far as is known before they are held.
///
/// # Errors
/// Waits for the policy of a duty that this copy lacks; the database's.
pub async fn moved(app: &App, tx: &mut PgConnection, timings: &[Timing]) -> Result<BTreeSet<MatterKey>, Failure> {
    let cases: BTreeSet<Uuid> = timings.iter().map(|timing| timing.case).collect();
    if cases.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut moved = BTreeSet::new();
    for duty in matters::open_of_cases(tx, &cases.into_iter().collect::<Vec<_>>()).await? {
        for timing in timings.iter().filter(|timing| duty.case == Some(timing.case)) {
            // It stays under the policy that it was opened under.
            app.platform.policies.require(duty.policy).map_err(|not_yet| Failure::waits(&timing.event, not_yet))?;
            let policy = app.platform.policies.get(duty.policy);
            if policy.is_some_and(|policy| retiming::by_facts(&duty, &timing.moment, &timing.facts, &policy).is_some()) {
                moved.insert(duty.matter());
            }
        }
    }
    Ok(moved)
}

/// Brings the duties of one matter to the time that counts, before it is asked what its closes make of them: each by what happened before its
/// first close. Gives what was done, with the duty's place.
pub fn bring_up(
    app: &App,
    corrector: &mut Corrector<'_>,
    duties: &mut [Duty],
    closes: &[Ended],
    timings: &[Timing],
    now: Timestamp,
) -> Vec<(usize, Acted)> {
    let mut done = Vec::new();
    for (place, duty) in duties.iter_mut().enumerate() {
        let ended_at = closes.iter().filter(|close| duty.opened.is_ended_by(&close.moment)).map(|close| close.moment.at).min();
        // Where a version is lacking, it is brought up later: it stays behind until then.
        done.extend(corrector.bring_up(duty, ended_at, now).into_iter().flatten().map(|acted| (place, acted)));
        let Some(policy) = app.platform.policies.get(duty.policy) else { continue };
        done.extend(resume_by_itself(duty, now, &policy).map(|acted| (place, acted)));
        let case = duty.case;
        for timing in timings.iter().filter(|timing| case == Some(timing.case)) {
            // What an event ends it does not time anew as well.
            let is_by_then = |moment: &Moment| moment.is_before(&timing.moment) || moment.event == timing.moment.event;
            let is_closed = closes.iter().any(|close| duty.opened.is_ended_by(&close.moment) && is_by_then(&close.moment));
            let retimed = retiming::by_facts(duty, &timing.moment, &timing.facts, &policy).filter(|_| !is_closed);
            if let Some(retimed) = retimed {
                done.push((place, retiming::retime(duty, retimed, &timing.moment, &timing.facts, now, &policy)));
            }
        }
    }
    done
}
