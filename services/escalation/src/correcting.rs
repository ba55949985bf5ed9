//! Corrections reach the duties that stand: each duty once, by whichever copy comes to it first.
//!
//! A duty says how many corrections its time follows. Whoever takes a duty in hand (the tick, an event, a person's act) brings it to those that
//! are known before anything else is made of it; the others are brought there in batches, by all copies at once. What another copy has opened
//! without knowing of a correction yet is found in the same way.

use crate::App;
use crate::store::corrections::{self as store, Concerned};
use crate::store::{acts, alerts, duties};
use duban_contracts::{NewEvent, Problem, Timestamp, both};
use duban_engine::acts::Acted;
use duban_engine::correcting::{Corrected, Sides, correct};
use duban_engine::duty::Duty;
use duban_engine::telling;
use duban_platform::consumer::without_values;
use duban_platform::db::limited;
use duban_platform::guarded;
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::correction::Correction;
use sqlx::{Postgres, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Duties per transaction.
const BATCH: i64 = 500;
/// Duties per transaction that are let pass unread.
const PASS: i64 = 5_000;

/// How long without being told of any until it is looked for stragglers.
const LOOK: Duration = Duration::from_secs(2);

/// Corrections as a copy knows them, with the sets of packs on both sides of each.
pub struct Corrector<'a> {
    app: &'a App,
    corrections: Arc<Vec<Correction>>,
    directory: Option<Arc<Directory>>,
    /// By version and how many corrections it has taken in.
    sets: BTreeMap<(i64, usize), Option<Arc<Policy>>>,
}

impl<'a> Corrector<'a> {
    pub fn new(app: &'a App) -> Self {
        let directory = app.platform.directory.current().ok();
        Self { app, corrections: app.platform.policies.corrections(), directory, sets: BTreeMap::new() }
    }

    /// Brings a duty to the corrections that are known, but not to those that came into force after it was ended. Gives what they did, in order;
    /// None where this copy lacks a version that it needs, or knows of fewer corrections than the duty follows.
    pub fn bring_up(&mut self, duty: &mut Duty, ended_at: Option<Timestamp>, now: Timestamp) -> Option<Vec<Acted>> {
        let mut done = Vec::new();
        let first = usize::try_from(duty.corrections).unwrap_or(0);
        if first > self.corrections.len() {
            return None;
        }
        for nth in first..self.corrections.len() {
            let (before, after) = (self.set(duty.policy, nth)?, self.set(duty.policy, nth + 1)?);
            let Some(correction) = self.corrections.get(nth).filter(|correction| ended_at.is_none_or(|at| correction.since <= at)) else {
                break;
            };
            let sides = Sides { before: &before, after: &after };
            if let Corrected::Changed(acted) = correct(duty, sides, correction, self.directory.as_deref(), now) {
                done.push(*acted);
            }
        }
        Some(done)
    }

    /// # Errors
    /// 503 where this copy lacks what it needs: it is being fetched.
    pub fn bring_up_or_wait(&mut self, duty: &mut Duty, now: Timestamp) -> Result<Vec<Acted>, Problem> {
        self.bring_up(duty, None, now)
            .ok_or_else(|| Problem::unavailable(both("该责任事项所依据的制度正在载入", "the policy of this duty")))
    }

    fn set(&mut self, version: i64, corrections: usize) -> Option<Arc<Policy>> {
        let policies = &self.app.platform.policies;
        let found = self.sets.entry((version, corrections)).or_insert_with(|| {
            // Asking makes it fetched.
            policies.require(version).ok()?;
            policies.as_of(version, corrections)
        });
        found.clone()
    }

    fn known(&self) -> i32 {
        i32::try_from(self.corrections.len()).unwrap_or(i32::MAX)
    }

    fn concerned(&self) -> Concerned {
        let mut concerned = Concerned::default();
        for correction in self.corrections.iter() {
            concerned.calendars.extend(correction.corrects.calendars().map(str::to_owned));
            for (pack, rule) in correction.corrects.rules() {
                concerned.packs.push(pack.to_owned());
                concerned.rules.push(rule.to_owned());
            }
        }
        concerned
    }
}

/// Brings duties to corrections until the service stops.
pub async fn run(app: Arc<App>) {
    let stop = app.platform.shutdown.clone();
    let mut changed = app.platform.policies.changed();
    app.platform.schema_complete().await;
    while !stop.is_cancelled() {
        if let Err(error) = guarded(bring_all(&app)).await {
            tracing::warn!(error = format!("{error:#}"), "corrections wait");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = changed.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn bring_all(app: &App) -> anyhow::Result<()> {
    let mut lacking: Vec<i64> = Vec::new();
    while !app.platform.shutdown.is_cancelled() {
        let corrector = Corrector::new(app);
        if corrector.corrections.is_empty() {
            return Ok(());
        }
        let reached = match limited(guarded(bring_batch(corrector, &mut lacking))).await {
            Ok(reached) => reached,
            Err(error) if error.downcast_ref::<sqlx::Error>().is_some_and(|error| app.is_trouble(error)) => return Err(error),
            Err(fault) => {
                tracing::warn!(
                    error = without_values(&format!("{fault:#}")),
                    "a batch cannot be corrected: its duties are taken one by one"
                );
                bring_one_by_one(app, &mut lacking).await?
            }
        };
        if reached == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// One transaction. Gives how many duties were brought up, or let pass.
async fn bring_batch(mut corrector: Corrector<'_>, lacking: &mut Vec<i64>) -> anyhow::Result<u64> {
    let app = corrector.app;
    let known = corrector.known();
    let mut tx = app.platform.db.begin().await?;
    let passed = store::pass(&mut tx, known, &corrector.concerned(), PASS).await?;
    let claimed = store::claim(&mut tx, known, lacking, BATCH).await?;
    let brought = bring(&mut corrector, tx, claimed, lacking).await?;
    Ok(passed + brought)
}

async fn bring_one_by_one(app: &App, lacking: &mut Vec<i64>) -> anyhow::Result<u64> {
    let mut reached = 0;
    let known = Corrector::new(app).known();
    for id in store::behind(app.platform.db.pool(), known, lacking, BATCH).await? {
        let one = async {
            let mut corrector = Corrector::new(app);
            let mut tx = app.platform.db.begin().await?;
            let claimed = store::claim_one(&mut tx, id, known).await?;
            bring(&mut corrector, tx, claimed.into_iter().collect(), lacking).await
        };
        reached += match limited(guarded(one)).await {
            Ok(brought) => brought,
            Err(error) if error.downcast_ref::<sqlx::Error>().is_some_and(|error| app.is_trouble(error)) => return Err(error),
            Err(fault) => {
                store::give_up(app.platform.db.pool(), id, known).await?;
                tracing::error!(duty = %id, error = without_values(&format!("{fault:#}")), "a duty cannot be corrected and stays as it is");
                app.figures.put_off("correction");
                1
            }
        };
    }
    Ok(reached)
}

/// Brings claimed duties up and commits. Gives how many.
async fn bring(
    corrector: &mut Corrector<'_>,
    mut tx: Transaction<'static, Postgres>,
    claimed: Vec<Duty>,
    lacking: &mut Vec<i64>,
) -> anyhow::Result<u64> {
    let app = corrector.app;
    let clock = &app.platform.clock;
    let now = clock.now();
    let (mut brought, mut done, mut events): (Vec<Duty>, Vec<(Uuid, Acted)>, Vec<NewEvent>) = (Vec::new(), Vec::new(), Vec::new());
    for mut duty in claimed {
        let Some(acted) = corrector.bring_up(&mut duty, None, now) else {
            lacking.push(duty.policy);
            continue;
        };
        for acted in acted {
            let cause = acted.at.max(duty.opened.at);
            events.push(telling::of_act(&mut duty, &acted, clock.cause_after(cause)));
            done.push((duty.id, acted));
        }
        brought.push(duty);
    }
    duties::save(&mut tx, &brought).await?;
    let changed: BTreeSet<Uuid> = done.iter().map(|(duty, _)| *duty).collect();
    let changed: Vec<Duty> = brought.iter().filter(|duty| changed.contains(&duty.id)).cloned().collect();
    duties::save_terms(&mut tx, &changed).await?;
    acts::insert(&mut tx, &done).await?;
    let begun_anew: BTreeSet<Uuid> = done.iter().filter(|(_, acted)| acted.begins_anew()).map(|(duty, _)| *duty).collect();
    for alert in alerts::close_of(&mut tx, &begun_anew.into_iter().collect::<Vec<_>>(), now).await? {
        let Some(duty) = changed.iter().find(|duty| duty.id == alert.duty) else { continue };
        let event = telling::of_alert(&alert, duty, "alert.closed", clock.cause_after(alert.raised_at));
        events.push(event.with_traceparent(alert.traceparent.clone()));
    }
    app.tell(&mut tx, &events).await?;
    tx.commit().await?;
    if !events.is_empty() {
        app.platform.outbox.wake();
        app.timers_changed.notify_one();
    }
    Ok(brought.len() as u64)
}
