//! What became of an attempt, and what that makes of the delivery.

use crate::App;
use crate::gathering;
use crate::store::attempts::{self, AttemptRow};
use crate::store::claims::{self, Claimed, Ending, Tells};
use crate::store::digests::{self, Covered, End};
use duban_contracts::delivery::DeliveryEvent;
use duban_contracts::{NewEvent, Timestamp};
use duban_platform::Ts;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// What the other side made of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// May succeed later; perhaps not before the wait that was asked for.
    TryAgain {
        error: String,
        after: Option<Duration>,
    },
    /// Never will.
    Failed {
        error: String,
    },
}

impl Outcome {
    fn code(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::TryAgain { .. } => "try_again",
            Self::Failed { .. } => "failed",
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Sent => None,
            Self::TryAgain { error, .. } | Self::Failed { error } => Some(error),
        }
    }
}

/// The trace that a delivery's end belongs to: its own span's, or the alert's where spans are not recorded.
fn trace(claimed: &Claimed) -> Option<String> {
    duban_platform::telemetry::current_traceparent().or_else(|| claimed.traceparent.clone())
}

/// The event that tells of a delivery's end.
pub fn event(delivery: &DeliveryEvent, time: Timestamp) -> NewEvent {
    let event = NewEvent::new(
        "notifications",
        &format!("delivery.{}", delivery.state),
        format!("delivery/{}", delivery.delivery),
        delivery.version,
        time,
        delivery,
    );
    match delivery.case {
        Some(case) => event.with_case(case),
        None => event,
    }
}

/// Writes down what became of an attempt: its log row, the delivery's state, the events, in one transaction.
///
/// # Errors
/// The database's; then the lease runs out and the attempt is made again under the same id.
pub async fn record(app: &App, claimed: &Claimed, outcome: &Outcome, took: Duration) -> Result<(), sqlx::Error> {
    let attempt = u32::try_from(claimed.delivery.attempts).unwrap_or(1);
    let channel = claimed.delivery.channel.as_str();
    let (state, wait) = match outcome {
        Outcome::Sent => (Some("sent"), Duration::ZERO),
        Outcome::Failed { .. } => (Some("failed"), Duration::ZERO),
        Outcome::TryAgain { after, .. } => match app.settings.schedule.wait(attempt, rand::random(), *after) {
            Some(wait) => (None, wait),
            None => (Some("failed"), Duration::ZERO),
        },
    };
    let clock = &app.platform.clock;
    let now = clock.now();
    let mut tx = app.platform.db.begin().await?;
    let log = AttemptRow {
        delivery: claimed.delivery.delivery,
        number: claimed.delivery.attempts,
        at: Ts(now),
        took_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
        outcome: outcome.code(),
        error: outcome.error(),
    };
    attempts::insert(&mut tx, &log).await?;
    let ending = Ending { claimed, state, wait, error: outcome.error(), at: Ts(now) };
    if let Some(ended) = claims::end(&mut tx, &ending).await?
        && ended.state != "waiting"
    {
        let time = clock.cause_after(claimed.tells.cause());
        let mut out = vec![event(&ended, time).with_policy(claimed.tells.policy()).with_traceparent(trace(claimed))];
        if let Some(alert) = ended.alert.filter(|_| ended.state == "failed") {
            out.extend(crate::unreachable::tell(app, &mut tx, &[(alert, ended.person.clone())], time).await?);
        }
        out.extend(end_covered(app, &mut tx, claimed, &ended, outcome.error()).await?);
        app.platform.outbox.write(&mut tx, &out).await?;
    }
    tx.commit().await?;
    app.platform.outbox.wake();
    app.measures.attempts.with_label_values(&[channel, outcome.code()]).inc();
    if let Some(state) = state {
        app.measures.ended.with_label_values(&[channel, state]).inc();
    }
    if *outcome == Outcome::Sent {
        let age = now.as_millisecond().saturating_sub(claimed.tells.cause().as_millisecond());
        app.measures.age.with_label_values(&[channel]).observe(age.max(0) as f64 / 1000.0);
    }
    Ok(())
}

/// Ends a claim whose delivery is no longer wanted.
///
/// # Errors
/// The database's.
pub async fn cancel(app: &App, claimed: &Claimed) -> Result<(), sqlx::Error> {
    let clock = &app.platform.clock;
    let mut tx = app.platform.db.begin().await?;
    let ending = Ending { claimed, state: Some("cancelled"), wait: Duration::ZERO, error: None, at: Ts(clock.now()) };
    if let Some(ended) = claims::end(&mut tx, &ending).await? {
        let event =
            event(&ended, clock.cause_after(claimed.tells.cause())).with_policy(claimed.tells.policy()).with_traceparent(trace(claimed));
        let mut out = vec![event];
        out.extend(end_covered(app, &mut tx, claimed, &ended, None).await?);
        app.platform.outbox.write(&mut tx, &out).await?;
        app.measures.ended.with_label_values(&[ended.channel.as_str(), "cancelled"]).inc();
    }
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(())
}

/// What a digest gathered ends as the digest does; what of it was not wanted any longer, and so not told, is cancelled. Nothing for what is no
/// digest. Gives what is told of it.
async fn end_covered(
    app: &App,
    tx: &mut PgConnection,
    claimed: &Claimed,
    digest: &DeliveryEvent,
    error: Option<&str>,
) -> Result<Vec<NewEvent>, sqlx::Error> {
    let Tells::Digest { covered, .. } = &claimed.tells else { return Ok(Vec::new()) };
    let read;
    let covered = match covered {
        Some(covered) => covered,
        // It could never be read, and was tried for the last time.
        None => {
            read = digests::covered(&mut *tx, digest.delivery).await?;
            &read
        }
    };
    let clock = &app.platform.clock;
    let now = clock.now();
    let (told, untold) = gathering::told_and_not(covered);
    let state = match digest.state.as_str() {
        "sent" => "sent",
        "failed" => "failed",
        _ => "cancelled",
    };
    let end = |deliveries, state, error| End { digest: digest.delivery, deliveries, state, error, attempts: digest.attempts, at: Ts(now) };
    let mut ended = digests::end(tx, &end(&told, state, error.filter(|_| state == "failed"))).await?;
    ended.extend(digests::end(tx, &end(&untold, "cancelled", None)).await?);
    let by_delivery: HashMap<Uuid, &Covered> = covered.iter().map(|covered| (covered.delivery, covered)).collect();
    let mut out = Vec::new();
    let mut failed: Vec<(Uuid, String)> = Vec::new();
    for delivery in &ended {
        let (policy, traceparent, raised_at) = match by_delivery.get(&delivery.delivery) {
            Some(Covered { alert, traceparent, .. }) => (alert.policy, traceparent.clone(), alert.raised_at),
            None => (0, None, now),
        };
        out.push(event(delivery, clock.cause_after(raised_at)).with_policy(policy).with_traceparent(traceparent));
        app.measures.ended.with_label_values(&[delivery.channel.as_str(), delivery.state.as_str()]).inc();
        if delivery.state == "sent" {
            let age = now.as_millisecond().saturating_sub(raised_at.as_millisecond());
            app.measures.age.with_label_values(&[delivery.channel.as_str()]).observe(age.max(0) as f64 / 1000.0);
        }
        failed.extend(delivery.alert.filter(|_| delivery.state == "failed").map(|alert| (alert, delivery.person.clone())));
    }
    if !failed.is_empty() {
        out.extend(crate::unreachable::tell(app, tx, &failed, now).await?);
    }
    Ok(out)
}
