//! What a submitted correction would change of the duties that stand, listed before anybody approves it: by the code that will change them.
//!
//! A list is made in batches, by whichever copy has time, and goes on where it was after a crash; a million duties are so many batches. What was
//! found stands in a table, so that its pages fit together; a digest over all of it says what was approved.

use crate::App;
use crate::correcting::Corrector;
use crate::store::foreseen::{self as store, Found, List};
use duban_engine::correcting::{Corrected, Sides, correct, stages};
use duban_platform::copies::policy_sources;
use duban_platform::db::limited;
use duban_platform::guarded;
use duban_policy::Policy;
use duban_policy::policy::correction::{Correction, Corrects};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Duties per transaction.
const BATCH: i64 = 1_000;

/// How long without being asked for any until it is looked for lists that another copy left.
const LOOK: Duration = Duration::from_secs(2);

/// The version of which a list is being made, compiled.
type Candidate = Option<(i64, Arc<Policy>)>;

/// Makes lists until the service stops.
pub async fn run(app: Arc<App>) {
    let stop = app.platform.shutdown.clone();
    app.platform.schema_complete().await;
    let mut candidate: Candidate = None;
    while !stop.is_cancelled() {
        match limited(guarded(look_on(&app, &mut candidate))).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the list of what a correction would change waits"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.foreseeing_wanted.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One batch of one list. False: there was none to be made.
async fn look_on(app: &App, candidate: &mut Candidate) -> anyhow::Result<bool> {
    let mut tx = app.platform.db.begin().await?;
    let Some(mut list) = store::claim(&mut tx).await? else { return Ok(false) };
    let later = match candidate_of(app, candidate, list.version).await? {
        Ok(later) => later,
        Err(fault) => {
            "failed".clone_into(&mut list.state);
            list.fault = Some(fault);
            store::keep(&mut tx, &list, &[]).await?;
            tx.commit().await?;
            return Ok(true);
        }
    };
    let seen = store::duties_after(&mut tx, list.reached, BATCH).await?;
    let is_last = i64::try_from(seen.len()).is_ok_and(|count| count < BATCH);
    if let Some(last) = seen.last() {
        list.reached = (last.corrections, last.id);
    }
    list.looked += i64::try_from(seen.len())?;
    let found = find(app, &later, &mut list, seen);
    let mut digest = Sha256::new_with_prefix(&list.digest);
    for Found { duty, due, owed, stages, .. } in &found {
        digest.update(format!("{duty} {} {} {} {} {}\n", due.0, due.1, owed.0, owed.1, serde_json::to_string(stages)?));
    }
    list.digest = digest.finalize().to_vec();
    list.moved += i64::try_from(found.len())?;
    if is_last {
        "done".clone_into(&mut list.state);
    }
    store::keep(&mut tx, &list, &found).await?;
    tx.commit().await?;
    Ok(true)
}

/// What would become of these duties, were it in force now.
fn find(app: &App, later: &Arc<Policy>, list: &mut List, seen: Vec<duban_engine::duty::Duty>) -> Vec<Found> {
    let now = app.platform.clock.now();
    let correction = Correction { version: list.version, since: now, corrects: Corrects::read(&list.corrects), approved_by: None };
    let directory = app.platform.directory.current().ok();
    let mut corrector = Corrector::new(app);
    let mut sides: BTreeMap<i64, Option<(Arc<Policy>, Policy)>> = BTreeMap::new();
    let mut found = Vec::new();
    for mut duty in seen {
        let both = sides.entry(duty.policy).or_insert_with(|| {
            let before = app.platform.policies.get(duty.policy)?;
            let after = before.corrected(later, &correction.corrects);
            Some((before, after))
        });
        let is_current = corrector.bring_up(&mut duty, None, now).is_some();
        let Some((before, after)) = both.as_ref().filter(|_| is_current) else {
            // A version that is being fetched: what would become of it cannot be told now.
            list.stays += 1;
            continue;
        };
        let was = duty.clone();
        match correct(&mut duty, Sides { before, after }, &correction, directory.as_deref(), now) {
            Corrected::Unchanged => {}
            Corrected::Left => list.stays += 1,
            Corrected::Changed(acted) => found.push(Found {
                duty: duty.id,
                concerns: acted.corrected.map(|corrected| corrected.of).unwrap_or_default(),
                due: (acted.due_before, acted.due_after),
                stages: stages(&was, &duty),
                owed: (was.owed_by, duty.owed_by),
            }),
        }
    }
    found
}

/// The version, held or fetched from the gateway. Inner error: why there can be no list.
async fn candidate_of(app: &App, known: &mut Candidate, version: i64) -> anyhow::Result<Result<Arc<Policy>, String>> {
    if let Some(held) = app.platform.policies.get(version) {
        return Ok(Ok(held));
    }
    if let Some((_, policy)) = known.as_ref().filter(|(of, _)| *of == version) {
        return Ok(Ok(policy.clone()));
    }
    let sources = match policy_sources(&app.platform.bus, version).await {
        Ok(sources) if !sources.is_empty() => sources,
        Err(problem) if problem.status != 404 => return Err(problem.into()),
        Ok(_) | Err(_) => return Ok(Err("the version is not known any longer".to_owned())),
    };
    let compiled = tokio::task::spawn_blocking(move || Policy::compile(&sources)).await?;
    Ok(match compiled {
        Ok(policy) => {
            let policy = Arc::new(policy);
            *known = Some((version, policy.clone()));
            Ok(policy)
        }
        Err(faults) => Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    })
}
