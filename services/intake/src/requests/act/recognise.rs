//! Which earlier cases a case repeats, looked for anew: its kind or unit was put right, or a link was undone.

use super::step::personal_fields;
use crate::app::App;
use crate::store::matters::{self, Earlier};
use crate::store::{links, reports};
use duban_contracts::Timestamp;
use duban_engine::case::Case;
use duban_engine::judging;
use duban_engine::judging::Key;
use duban_platform::rpc::Failed;
use duban_policy::Policy;
use duban_policy::policy::Kind;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// By what the case is recognised, as its kind has it; nothing for anonymous reporters.
pub async fn keys(app: &App, tx: &mut PgConnection, kind: &Kind, case: &Case) -> Result<Vec<Key>, Failed> {
    let bodies = reports::open(&mut *tx, &app.platform.seal, &[case.receipt]).await?;
    let Some(body) = bodies.first() else { return Ok(Vec::new()) };
    let mut fields = case.fields.clone();
    fields.extend(personal_fields(app, case)?);
    Ok(judging::keys_of(&app.keys.identity, kind, body, &case.unit, &fields))
}

/// The earlier cases within the kind's window, each once, without those of which a person has said that they are another matter. The keys are
/// held until the transaction ends.
pub async fn earlier(tx: &mut PgConnection, policy: &Policy, kind: &Kind, case: &Case, keys: &[Key]) -> Result<Vec<Earlier>, Failed> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    matters::lock(tx, &keys.iter().cloned().collect::<BTreeSet<_>>()).await?;
    let since = policy.repeats_since(kind, &case.unit, case.received_at);
    let wanted: Vec<(Key, Timestamp)> = keys.iter().map(|key| (key.clone(), since)).collect();
    let mut earlier = matters::earlier(tx, &wanted).await?;
    let parted = links::parted(&mut *tx, case.id).await?;
    earlier.retain(|found| found.case != case.id && found.received_at <= case.received_at && !parted.contains(&found.case));
    earlier.sort_by_key(|found| (found.case, found.received_at));
    earlier.dedup_by_key(|found| found.case);
    Ok(earlier)
}

/// When they were received, in order: what severities by repetition look at.
pub fn times(earlier: &[Earlier]) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = earlier.iter().map(|found| found.received_at).collect();
    times.sort_unstable();
    times
}
