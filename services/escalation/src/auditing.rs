//! The engine audits itself: timers that should have run out and did not, or never would, are found, set right, counted and told.
//!
//! A duty's timer is one column that every act sets; a mistake, a botched repair or a restored table could leave it at nothing or too late, and the
//! tick, which reads nothing else, would never come to the duty. So all copies together go through the open duties again and again, in batches, and
//! reckon each timer anew from plan and progress. What was lost is set right in one transaction with a row and an event that tell of it; the tick
//! then raises it as late as after an outage, by the same unique keys. Nothing is locked of what is in order.

use crate::App;
use crate::store::audits::{self, Turn};
use duban_contracts::timer::{LostTimer, TimersLost};
use duban_contracts::{NewEvent, Timestamp, ids};
use duban_engine::duty::Duty;
use duban_engine::{climb, retiming};
use duban_platform::consumer::without_values;
use duban_platform::db::limited;
use duban_platform::guarded;
use sqlx::{Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Duties per transaction.
const BATCH: i64 = 500;

/// Between batches: others come first.
const PAUSE: Duration = Duration::from_millis(50);

/// How soon it is asked again whose turn it is.
const AGAIN: Duration = Duration::from_secs(1);

/// Timers that an event lists, and that the log names at most of a batch.
const LISTED: usize = 100;

/// Audits until the service stops. `every`: how long after a round the next one begins.
pub async fn run(app: Arc<App>, every: Duration) {
    let stop = app.platform.shutdown.clone();
    app.platform.schema_complete().await;
    while !stop.is_cancelled() {
        let pause = match limited(guarded(look_on(&app, every))).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(error = without_values(&format!("{error:#}")), "the audit of timers waits");
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch. Gives how long to wait for the next.
async fn look_on(app: &App, every: Duration) -> anyhow::Result<Duration> {
    let mut tx = app.platform.db.begin().await?;
    let after = match audits::take_turn(&mut tx).await? {
        Turn::Others => return Ok(AGAIN.min(every)),
        // Another copy may have been given a shorter rest.
        Turn::Rest(rest) => return Ok(rest.min(every)),
        Turn::Look(after) => after,
    };
    let now = app.platform.clock.now();
    let seen = audits::duties_after(&mut tx, after, now, BATCH).await?;
    let (looked, last) = (i64::try_from(seen.len())?, seen.last().map(|(place, _)| *place));
    let mut suspects: Vec<Uuid> = Vec::new();
    for (place, duty) in seen {
        match duty {
            Ok(duty) => suspects.extend(lost(app, &duty, now).map(|_| duty.id)),
            Err(error) => {
                tracing::error!(duty = %place.duty, error = without_values(&error.to_string()), "a duty cannot be read, nor its timer audited");
                app.figures.put_off("audit");
            }
        }
    }
    let found = set_right(app, &mut tx, &suspects, now).await?;
    let is_over = looked < BATCH;
    match last.filter(|_| !is_over) {
        Some(place) => audits::move_on(&mut tx, place, looked).await?,
        None => {
            let looked = audits::end_round(&mut tx, looked, every).await?;
            tracing::debug!(looked, "timers audited");
        }
    }
    tx.commit().await?;
    app.figures.audited(looked, &found);
    if !found.is_empty() {
        report(&found);
        app.platform.outbox.wake();
        app.timers_changed.notify_one();
    }
    Ok(if is_over { every } else { PAUSE })
}

/// When the timer should run out, if it is lost. A duty whose policy this copy lacks is left to the next round.
fn lost(app: &App, duty: &Duty, now: Timestamp) -> Option<Timestamp> {
    let policy = app.platform.policies.get(duty.policy)?;
    climb::lost_timer(duty, now, retiming::calendar_of(&policy, duty))
}

/// Looks once more at those that seem lost, now that they are held, sets them right and tells of it. Gives them, with how late each is.
async fn set_right(app: &App, tx: &mut Transaction<'static, Postgres>, suspects: &[Uuid], now: Timestamp) -> anyhow::Result<Vec<Found>> {
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for duty in audits::lock(tx, suspects).await? {
        if let Some(should_at) = lost(app, &duty, now) {
            let late = now.duration_since(should_at).as_secs();
            found.push(Found { timer: LostTimer { duty: duty.id, should_at, was_at: duty.next_at }, late, rule: duty.rule });
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    let audit = ids::fresh();
    let timers: Vec<LostTimer> = found.iter().map(|found| found.timer.clone()).collect();
    audits::set_right(tx, audit, &timers, now).await?;
    if let Some(event) = told(app, audit, &found, now) {
        app.tell(tx, &[event]).await?;
    }
    Ok(found)
}

/// A timer that was lost.
pub struct Found {
    pub timer: LostTimer,
    /// Seconds of domain time; 0 or less: it had not been due yet.
    pub late: i64,
    rule: String,
}

/// None while no policy is known: then nobody is known who should be told.
fn told(app: &App, audit: Uuid, found: &[Found], now: Timestamp) -> Option<NewEvent> {
    let (version, policy) = app.platform.policies.in_force(now).ok()?;
    let body = TimersLost {
        audit,
        unit: policy.root().to_owned(),
        found: i64::try_from(found.len()).unwrap_or(i64::MAX),
        overdue: i64::try_from(found.iter().filter(|found| found.late >= 0).count()).unwrap_or(i64::MAX),
        late_seconds: found.iter().map(|found| found.late).max().unwrap_or_default().max(0),
        timers: found.iter().take(LISTED).map(|found| found.timer.clone()).collect(),
        version: 1,
    };
    let time = app.platform.clock.cause_after(now);
    Some(NewEvent::new("escalation", "timer.lost", format!("audit/{audit}"), 1, time, &body).with_policy(version))
}

fn report(found: &[Found]) {
    for Found { timer, late, rule } in found.iter().take(LISTED) {
        tracing::error!(duty = %timer.duty, rule, should_at = %timer.should_at, was_at = ?timer.was_at, late_seconds = late.max(&0),
            "a duty's timer was lost and is set right");
    }
    if found.len() > LISTED {
        tracing::error!(found = found.len(), "more timers were lost; table lost_timer has them all");
    }
}
