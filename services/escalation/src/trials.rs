//! Trials (试运行) that have ended: what stands open and is not past is for real from now on.
//!
//! Looked through when which trials run has changed, by whichever copy sees it: a change that is made twice is the same change.

use crate::App;
use crate::store::trials as store;
use duban_contracts::Timestamp;
use duban_engine::duty::Duty;
use duban_engine::trial;
use duban_platform::db::limited;
use duban_policy::policy::trial::Trial;
use uuid::Uuid;

/// What a copy remembers from tick to tick: the trials that ran when it looked.
pub type Known = Option<Vec<Trial>>;

/// Ends the trial of the duties whose rule is for real now.
///
/// # Errors
/// The database's.
pub async fn end_due(app: &App, known: &mut Known, now: Timestamp) -> anyhow::Result<()> {
    let Ok((_, policy)) = app.platform.policies.in_force(now) else { return Ok(()) };
    let running: Vec<Trial> = policy.trials().iter().filter(|trial| trial.holds_at(now)).cloned().collect();
    if known.as_ref() == Some(&running) {
        return Ok(());
    }
    let mut after = Uuid::nil();
    while let Some(last) = limited(end_batch(app, after, now)).await? {
        after = last;
    }
    *known = Some(running);
    Ok(())
}

/// Whether a duty's trial is over by the sets in force: one that is opened under an older set may be for real from its beginning.
pub fn is_over(app: &App, duty: &Duty, now: Timestamp) -> bool {
    trial::is_over(duty, now, |at| {
        let in_force = app.platform.policies.in_force(at).ok();
        in_force.is_some_and(|(_, policy)| policy.is_on_trial(&duty.pack, &duty.rule, &duty.facts.unit, at))
    })
}

/// One batch, one transaction. Gives the last duty that was looked at, None where there was none.
async fn end_batch(app: &App, after: Uuid, now: Timestamp) -> anyhow::Result<Option<Uuid>> {
    let mut tx = app.platform.db.begin().await?;
    let duties = store::open(&mut tx, after).await?;
    let over: Vec<Uuid> = duties.iter().filter(|duty| is_over(app, duty, now)).map(|duty| duty.id).collect();
    store::end(&mut tx, &over).await?;
    tx.commit().await?;
    if !over.is_empty() {
        tracing::info!(duties = over.len(), "a trial has ended: these are for real from now on");
    }
    Ok(duties.last().map(|duty| duty.id))
}
