//! The tick: claim what is due, decide (pure), write alerts and what tells of them, in batches.
//!
//! A tick that finds nothing reads the head of one index. Copies share the work: what one has claimed the others pass over. The
//! transaction that raises holds the duty's row and has seen it open, so nothing is raised after a close has committed.

use crate::alert::Alert;
use crate::climb::{self, Rung, Step};
use crate::duty::Duty;
use crate::lateness::Ticks;
use crate::store::{alerts, duties};
use crate::{App, recipients, recurring, telling};
use duban_contracts::{NewEvent, Timestamp};
use duban_platform::telemetry;
use duban_policy::directory::Directory;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Duties per transaction.
const BATCH: i64 = 500;

/// A tick that leaves something due (another copy holds it) looks again after this.
const SOON: Duration = Duration::from_millis(20);

/// Ticks until the service stops. Between ticks it sleeps until the next timer, a change of timers or of the clock, `every` at most:
/// timers that another copy has set are found by looking.
pub async fn run(app: Arc<App>, every: Duration) {
    let (clock, stop) = (app.platform.clock.clone(), app.platform.shutdown.clone());
    let mut clock_changed = clock.changed();
    app.platform.schema_complete().await;
    let mut state = Ticking::default();
    while !stop.is_cancelled() {
        let pause = match tick(&app, &mut state).await {
            Ok(next) => next.map_or(every, |next| clock.real_duration_until(next).clamp(SOON, every)),
            Err(error) => {
                // The database is away, or this batch failed: both are tried again.
                tracing::warn!(error = format!("{error:#}"), "tick not finished");
                every
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.timers_changed.notified() => {}
            _ = clock_changed.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What a copy remembers from tick to tick.
#[derive(Default)]
struct Ticking {
    ticks: Ticks,
    recurring: recurring::Cursor,
}

/// Raises everything that is due now. Gives when the next timer runs out.
async fn tick(app: &App, state: &mut Ticking) -> anyhow::Result<Option<Timestamp>> {
    let Some(directory) = ready(app) else {
        state.ticks.interrupted();
        return Ok(None);
    };
    let began = Instant::now();
    let now = app.platform.clock.now();
    let late_before = state.ticks.note(began, now);
    recurring::open_due(app, &mut state.recurring, now).await?;
    let mut next = duties::next_timer(app.platform.db.pool()).await?;
    let mut lacking = Vec::new();
    while next.is_some_and(|next| next <= now) && ready(app).is_some() {
        let claimed = raise_batch(app, &directory, now, late_before, &mut lacking).await?;
        if claimed < BATCH {
            next = duties::next_timer(app.platform.db.pool()).await?.filter(|_| lacking.is_empty());
            break;
        }
    }
    app.figures.ticked(began.elapsed());
    Ok(next)
}

/// A copy without a broker, without a directory, or that has not read yet what happened meanwhile, raises nothing.
fn ready(app: &App) -> Option<Arc<Directory>> {
    if app.platform.caught_up() { app.platform.directory.current().ok() } else { None }
}

/// One batch, one transaction. Gives how many duties were claimed.
async fn raise_batch(
    app: &App,
    directory: &Directory,
    now: Timestamp,
    late_before: Timestamp,
    lacking: &mut Vec<i64>,
) -> anyhow::Result<i64> {
    let mut tx = app.platform.db.begin().await?;
    let claimed = duties::claim_due(&mut tx, now, lacking, BATCH).await?;
    let count = i64::try_from(claimed.len()).unwrap_or(BATCH);
    let mut raised = Raised::default();
    for duty in claimed {
        match app.platform.policies.get(duty.policy) {
            Some(policy) => {
                let calendar = policy.calendar(&duty.terms.calendar).unwrap_or_else(|| policy.calendar_of(&duty.facts.unit));
                raised.climb(app, directory, calendar, duty, now, late_before);
            }
            // Its policy is being fetched: left, and not claimed again in this tick.
            None if lacking.contains(&duty.policy) => {}
            None => {
                // Asking makes it fetched.
                let _ = app.platform.policies.require(duty.policy);
                lacking.push(duty.policy);
            }
        }
    }
    duties::save(&mut tx, &raised.duties).await?;
    let fresh: BTreeSet<Uuid> = alerts::insert(&mut tx, &raised.alerts).await?.into_iter().collect();
    let events: Vec<NewEvent> =
        raised.events.into_iter().filter(|(alert, _)| alert.is_none_or(|alert| fresh.contains(&alert))).map(|(_, event)| event).collect();
    app.tell(&mut tx, &events).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    app.figures.raised(&raised.alerts, &raised.lateness);
    Ok(count)
}

/// What a batch raises, gathered to be written at once.
#[derive(Default)]
struct Raised {
    duties: Vec<Duty>,
    alerts: Vec<Alert>,
    /// In order; those of an alert only count if it was not there before.
    events: Vec<(Option<Uuid>, NewEvent)>,
    /// Seconds of real time between due and raised.
    lateness: Vec<f64>,
}

impl Raised {
    fn climb(
        &mut self,
        app: &App,
        directory: &Directory,
        calendar: &duban_policy::calendar::Calendar,
        mut duty: Duty,
        now: Timestamp,
        late_before: Timestamp,
    ) {
        let cause = duty.opened.at;
        let time = || app.platform.clock.cause_after(cause);
        let steps = climb::climb(&mut duty, now, late_before, calendar);
        let next = recipients::next_rung(directory, &duty, now, calendar);
        for step in steps {
            match step {
                Step::Breached => {
                    self.lateness.push(app.real_seconds(duty.due_at, now));
                    self.events.push((None, telling::of_duty(&mut duty, "duty.breached", time())));
                }
                Step::Raised(rung) => {
                    self.lateness.push(app.real_seconds(rung.at, now));
                    if rung.rung < 0 {
                        self.events.push((None, telling::of_duty(&mut duty, "duty.reminded", time())));
                    }
                    let mut alert = alert(directory, &duty, &rung, now);
                    alert.next.clone_from(&next);
                    let event = telling::of_alert(&alert, &duty, "alert.raised", time());
                    self.events.push((Some(alert.id), event.with_traceparent(alert.traceparent.clone())));
                    self.alerts.push(alert);
                }
            }
        }
        self.duties.push(duty);
    }
}

/// An alert in a span of its own, which continues the trace of the event that opened the duty.
fn alert(directory: &Directory, duty: &Duty, rung: &Rung, now: Timestamp) -> Alert {
    let recipients = recipients::recipients(directory, duty, &rung.tell, now);
    let mut alert = Alert::raised(duty, rung, recipients, now);
    if duty.traceparent.is_some() {
        let span = tracing::info_span!(parent: None, "raise alert", alert = %alert.id, duty = %duty.id, rule = duty.rule, rung = rung.rung);
        telemetry::adopt(&span, duty.traceparent.as_deref());
        alert.traceparent = telemetry::traceparent_of(&span).or_else(|| duty.traceparent.clone());
    }
    alert
}
