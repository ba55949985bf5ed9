//! What escalation tells, and what of that its own rules listen to: an alert that reached nobody is dealt with once it is acknowledged.
//!
//! Own events do not come back over the stream: those that a rule listens to are kept in a table by the transaction that tells them, and
//! handled from it, once, like those of other services. They are not handled in that very transaction, because it holds other duties.

use crate::App;
use crate::intake_of_events;
use crate::store::own_events;
use duban_contracts::NewEvent;
use duban_contracts::subjects::event_name;
use duban_platform::consumer::{Failure, without_values};
use duban_platform::db::limited;
use duban_platform::guarded;
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;

/// Events per transaction.
const BATCH: i64 = 500;

/// How long without being told of any until it looks by itself: those that another copy left behind.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds after which an event is looked at again that waits for its policy, and one that cannot be handled, the first time.
const WAIT: f64 = 2.0;
const AGAIN: f64 = 10.0;

impl App {
    /// Writes events to the outbox, and those that own rules listen to for themselves.
    ///
    /// # Errors
    /// The database's.
    pub async fn tell(&self, tx: &mut PgConnection, events: &[NewEvent]) -> Result<(), sqlx::Error> {
        self.platform.outbox.write(tx, events).await?;
        let heard: Vec<&NewEvent> = events.iter().filter(|event| self.is_heard(event)).collect();
        own_events::insert(tx, &heard).await?;
        self.figures.told(events);
        if !heard.is_empty() {
            // Before the commit; who comes too early looks again.
            self.own_events_told.notify_one();
        }
        Ok(())
    }

    /// Whether a rule of its policy listens to the event. A policy that is not held is taken to listen.
    fn is_heard(&self, event: &NewEvent) -> bool {
        let name = event_name(&event.subject).unwrap_or_default();
        self.platform.policies.get(event.policy).is_none_or(|policy| !policy.ignores(name))
    }
}

/// Handles own events until the service stops.
pub async fn run(app: Arc<App>) {
    let stop = app.platform.shutdown.clone();
    app.platform.schema_complete().await;
    while !stop.is_cancelled() {
        match guarded(handle_due(&app)).await {
            Ok(handled) => {
                app.own_events.beat();
                if handled > 0 {
                    app.timers_changed.notify_one();
                    continue;
                }
            }
            Err(error) => tracing::warn!(%error, "own events wait"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.own_events_told.notified() => tokio::time::sleep(Duration::from_millis(10)).await,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One batch; taken apart if one of its events cannot be handled, so that this one holds up no other. Gives how many were looked at.
async fn handle_due(app: &App) -> Result<usize, Failure> {
    match limited(guarded(handle_batch(app))).await {
        Ok(handled) => Ok(handled),
        Err(Failure::Database(error)) if app.is_trouble(&error) => Err(error.into()),
        Err(_) => handle_one_by_one(app).await,
    }
}

async fn handle_one_by_one(app: &App) -> Result<usize, Failure> {
    let due = own_events::due(app.platform.db.pool(), BATCH).await?;
    for seq in &due {
        match limited(guarded(handle_one(app, *seq))).await {
            Ok(()) => {}
            Err(Failure::Database(error)) if app.is_trouble(&error) => return Err(error.into()),
            Err(failure) => put_off(app, *seq, &failure).await?,
        }
        app.own_events.beat();
    }
    Ok(due.len())
}

async fn handle_one(app: &App, seq: i64) -> Result<(), Failure> {
    let mut tx = app.platform.db.begin().await?;
    let Some(event) = own_events::take_one(&mut tx, seq).await? else { return Ok(()) };
    intake_of_events::handle(app, &mut tx, &[event]).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(())
}

async fn put_off(app: &App, seq: i64, failure: &Failure) -> Result<(), Failure> {
    let pool = app.platform.db.pool();
    if let Failure::Waits { .. } = failure {
        tracing::debug!(seq, %failure, "an own event waits");
        own_events::leave(pool, seq, WAIT).await?;
    } else {
        tracing::error!(seq, failure = without_values(&failure.to_string()), "an own event cannot be handled and is put off");
        app.figures.put_off("own_event");
        own_events::put_off(pool, seq, AGAIN).await?;
    }
    Ok(())
}

async fn handle_batch(app: &App) -> Result<usize, Failure> {
    let mut tx = app.platform.db.begin().await?;
    let batch = own_events::take(&mut tx, BATCH).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    intake_of_events::handle(app, &mut tx, &batch).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(batch.len())
}
