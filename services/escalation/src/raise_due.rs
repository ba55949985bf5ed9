//! The tick: claim what is due, decide (pure), write alerts and what tells of them, in batches.
//!
//! A tick that finds nothing reads the head of one index. Copies share the work: what one has claimed the others pass over. The
//! transaction that raises holds the duty's row and has seen it open, so nothing is raised after a close has committed.

use crate::correcting::Corrector;
use crate::lateness::Ticks;
use crate::store::{acts, alerts, duties};
use crate::{App, recurring, returns, trials};
use duban_contracts::{NewEvent, Timestamp};
use duban_engine::acts::{Acted, resume_by_itself};
use duban_engine::alert::Alert;
use duban_engine::climb::{self, Rung, Step};
use duban_engine::duty::Duty;
use duban_engine::shifts::Shifts;
use duban_engine::{recipients, retiming, telling};
use duban_platform::consumer::without_values;
use duban_platform::db::limited;
use duban_platform::{guarded, telemetry};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::ladder::Sort;
use sqlx::{Postgres, Transaction};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Duties per transaction.
const BATCH: i64 = 500;

/// How much later, by domain time, a duty is tried again that cannot be raised.
const PUT_OFF: Duration = Duration::from_secs(15 * 60);

/// How long recurring duties are left that could not be opened.
const RECURRING_AGAIN: Duration = Duration::from_secs(30);

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
        let pause = match guarded(tick(&app, &mut state)).await {
            Ok(next) => {
                app.ticks.beat();
                next.map_or(every, |next| clock.real_duration_until(next).clamp(SOON, every))
            }
            Err(error) => {
                // The database is away, or something failed that is no single duty's fault: tried again.
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
    recurring_failed: Option<Instant>,
    returns: returns::Known,
    trials: trials::Known,
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
    open_recurring(app, state, now).await?;
    trials::end_due(app, &mut state.trials, now).await?;
    let mut round = Round { app, directory: &directory, now, late_before, lacking: Vec::new() };
    let mut next = limited(duties::next_timer(app.platform.db.pool())).await?;
    while next.is_some_and(|next| next <= now) && ready(app).is_some() {
        let claimed = round.raise_due().await?;
        app.ticks.beat();
        if claimed < BATCH {
            next = limited(duties::next_timer(app.platform.db.pool())).await?.filter(|_| round.lacking.is_empty());
            break;
        }
    }
    let back = returns::notice_due(app, &mut state.returns, &directory, now).await?;
    app.figures.ticked(began.elapsed());
    Ok(next.into_iter().chain(back).min())
}

/// Recurring duties that cannot be opened hold up nothing else.
async fn open_recurring(app: &App, state: &mut Ticking, now: Timestamp) -> anyhow::Result<()> {
    if state.recurring_failed.is_some_and(|failed| failed.elapsed() < RECURRING_AGAIN) {
        return Ok(());
    }
    state.recurring_failed = None;
    if let Err(error) = limited(guarded(recurring::open_due(app, &mut state.recurring, now))).await {
        let fault = own_fault(app, error)?;
        state.recurring_failed = Some(Instant::now());
        tracing::error!(error = without_values(&format!("{fault:#}")), "recurring duties cannot be opened; the others are raised");
        app.figures.put_off("recurring");
    }
    Ok(())
}

/// The error itself if it is a row's own fault.
///
/// # Errors
/// It, if it is the database's trouble.
pub(crate) fn own_fault(app: &App, error: anyhow::Error) -> anyhow::Result<anyhow::Error> {
    let is_trouble = error.downcast_ref::<sqlx::Error>().is_some_and(|error| app.is_trouble(error));
    if is_trouble { Err(error) } else { Ok(error) }
}

/// A copy without a broker, without a directory, or that has not read yet what happened meanwhile, raises nothing.
fn ready(app: &App) -> Option<Arc<Directory>> {
    if app.platform.caught_up() { app.platform.directory.current().ok() } else { None }
}

/// What one tick goes by.
struct Round<'a> {
    app: &'a App,
    directory: &'a Directory,
    now: Timestamp,
    late_before: Timestamp,
    /// Policies that this copy does not hold yet: duties under them are left.
    lacking: Vec<i64>,
}

impl Round<'_> {
    /// One batch, one transaction; taken apart if one of its duties cannot be read, decided or written, so that this one holds up no other.
    /// Gives how many duties were looked at.
    async fn raise_due(&mut self) -> anyhow::Result<i64> {
        match limited(guarded(self.raise_batch())).await {
            Ok(claimed) => Ok(claimed),
            Err(error) => {
                let fault = own_fault(self.app, error)?;
                tracing::warn!(error = without_values(&format!("{fault:#}")), "a batch cannot be raised: its duties are raised one by one");
                self.raise_one_by_one().await
            }
        }
    }

    async fn raise_batch(&mut self) -> anyhow::Result<i64> {
        let mut tx = self.app.platform.db.begin().await?;
        let claimed = duties::claim_due(&mut tx, self.now, &self.lacking, BATCH).await?;
        let count = i64::try_from(claimed.len()).unwrap_or(BATCH);
        self.raise(tx, claimed).await?;
        Ok(count)
    }

    async fn raise_one_by_one(&mut self) -> anyhow::Result<i64> {
        let ids = duties::due(self.app.platform.db.pool(), self.now, &self.lacking, BATCH).await?;
        for id in &ids {
            if let Err(error) = limited(guarded(self.raise_one(*id))).await {
                let fault = own_fault(self.app, error)?;
                self.put_off(*id, &fault).await?;
            }
            self.app.ticks.beat();
        }
        Ok(i64::try_from(ids.len()).unwrap_or(BATCH))
    }

    async fn raise_one(&mut self, id: Uuid) -> anyhow::Result<()> {
        let mut tx = self.app.platform.db.begin().await?;
        let claimed = duties::claim_one(&mut tx, id, self.now).await?;
        self.raise(tx, claimed.into_iter().collect()).await
    }

    /// Its timer is set to later, so that the others come first; then it is tried again.
    async fn put_off(&self, id: Uuid, fault: &anyhow::Error) -> anyhow::Result<()> {
        let later = self.now.saturating_add(PUT_OFF).unwrap_or(Timestamp::MAX);
        limited(duties::put_off(self.app.platform.db.pool(), id, self.now, later)).await?;
        tracing::error!(duty = %id, error = without_values(&format!("{fault:#}")), "a duty cannot be raised and is put off");
        self.app.figures.put_off("duty");
        Ok(())
    }

    async fn raise(&mut self, mut tx: Transaction<'static, Postgres>, claimed: Vec<Duty>) -> anyhow::Result<()> {
        let app = self.app;
        let mut raised = Raised::default();
        let mut corrector = Corrector::new(app);
        for mut duty in claimed {
            // What a correction moves is not raised by the time before.
            let corrected = corrector.bring_up(&mut duty, None, self.now);
            match app.platform.policies.get(duty.policy).zip(corrected) {
                Some((policy, corrected)) => {
                    raised.climb(self, &policy, duty, corrected);
                }
                // Its policy is being fetched: left, and not claimed again in this tick.
                None if self.lacking.contains(&duty.policy) => {}
                None => {
                    // Asking makes it fetched.
                    let _ = app.platform.policies.require(duty.policy);
                    self.lacking.push(duty.policy);
                }
            }
        }
        duties::save(&mut tx, &raised.duties).await?;
        let done: BTreeSet<Uuid> = raised.acts.iter().map(|(duty, _)| *duty).collect();
        let is_moved = |duty: &&Duty| duty.shifts != Shifts::default() || done.contains(&duty.id);
        let moved: Vec<Duty> = raised.duties.iter().filter(is_moved).cloned().collect();
        duties::save_terms(&mut tx, &moved).await?;
        acts::insert(&mut tx, &raised.acts).await?;
        let mut closed: Vec<NewEvent> = Vec::new();
        let begun_anew: BTreeSet<Uuid> = raised.acts.iter().filter(|(_, acted)| acted.begins_anew()).map(|(duty, _)| *duty).collect();
        if !begun_anew.is_empty() {
            // Nobody is waited for any longer. What is raised now is not kept yet.
            for alert in alerts::close_of(&mut tx, &begun_anew.into_iter().collect::<Vec<_>>(), self.now).await? {
                let Some(duty) = raised.duties.iter().find(|duty| duty.id == alert.duty) else { continue };
                let event = telling::of_alert(&alert, duty, "alert.closed", app.platform.clock.cause_after(alert.raised_at));
                closed.push(event.with_traceparent(alert.traceparent.clone()));
            }
        }
        let fresh: BTreeSet<Uuid> = alerts::insert(&mut tx, &raised.alerts).await?.into_iter().collect();
        let is_news = |alert: &Option<Uuid>| alert.is_none_or(|alert| fresh.contains(&alert));
        let told = raised.events.into_iter().filter(|(alert, _)| is_news(alert)).map(|(_, event)| event);
        let events: Vec<NewEvent> = closed.into_iter().chain(told).collect();
        app.tell(&mut tx, &events).await?;
        tx.commit().await?;
        app.platform.outbox.wake();
        app.figures.raised(&raised.alerts, &raised.lateness);
        Ok(())
    }
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
    /// Corrections, and pauses that ended by themselves.
    acts: Vec<(Uuid, Acted)>,
}

impl Raised {
    fn climb(&mut self, round: &Round<'_>, policy: &Policy, mut duty: Duty, corrected: Vec<Acted>) {
        let Round { app, now, late_before, .. } = *round;
        let directory = &*recipients::open_to(round.directory, &duty.facts);
        let cause = duty.opened.at;
        let time = || app.platform.clock.cause_after(cause);
        for acted in corrected.into_iter().chain(resume_by_itself(&mut duty, now, policy)) {
            self.events.push((None, telling::of_act(&mut duty, &acted, time())));
            self.acts.push((duty.id, acted));
        }
        let calendar = retiming::calendar_of(policy, &duty);
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
                    if rung.sort == Sort::Reminder {
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
