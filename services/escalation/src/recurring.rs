//! Duties that come back: opened by the calendar, once for each coming round, whichever copy ticks first.

use crate::App;
use crate::store::{duties, matters, recurrences};
use duban_contracts::{NewEvent, Timestamp, ids};
use duban_engine::duty::{Duty, Facts};
use duban_engine::moment::Moment;
use duban_engine::rules::{self, MatterKey};
use duban_engine::{matter, telling};
use duban_policy::Policy;
use duban_policy::policy::Occurrence;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// Up to when this copy knows that nothing is left to be opened, and under which policy.
#[derive(Default)]
pub struct Cursor {
    looked_until: Option<Timestamp>,
    policy: Option<(i64, Arc<Policy>)>,
}

/// Opens what has come round since the last look. Costs no query while nothing has.
pub async fn open_due(app: &App, cursor: &mut Cursor, now: Timestamp) -> anyhow::Result<()> {
    let Ok((version, policy)) = app.platform.policies.in_force(now) else { return Ok(()) };
    let is_known = cursor.policy.as_ref().is_some_and(|(known, _)| *known == version);
    if let (true, Some(after)) = (is_known, cursor.looked_until)
        && policy.recurring(after, now).is_empty()
    {
        cursor.looked_until = Some(now);
        return Ok(());
    }
    // What came round before the policy changed came round under the former one.
    let (ran_version, ran) = cursor.policy.take().unwrap_or_else(|| (version, policy.clone()));
    open_until(app, ran_version, &ran, now).await?;
    *cursor = Cursor { looked_until: Some(now), policy: Some((version, policy)) };
    Ok(())
}

/// Opens everything up to `now`, in a transaction that holds the common cursor.
async fn open_until(app: &App, version: i64, policy: &Policy, now: Timestamp) -> anyhow::Result<()> {
    let mut tx = app.platform.db.begin().await?;
    let after = recurrences::lock_cursor(&mut tx, now).await?;
    let mut opened: Vec<Duty> = policy.recurring(after, now).into_iter().map(|occurrence| duty(app, policy, version, occurrence)).collect();
    let mut events = settle(app, &mut tx, &mut opened).await?;
    let fresh = duties::insert(&mut tx, &opened).await?;
    events.retain(|(duty, _)| fresh.contains(duty));
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    app.tell(&mut tx, &events).await?;
    recurrences::move_cursor(&mut tx, now).await?;
    tx.commit().await?;
    if !events.is_empty() {
        app.platform.outbox.wake();
    }
    Ok(())
}

/// What was handed in before it came round, or has been read before this, ends what it names at once. Gives what is told, with the duty that
/// it is told of.
async fn settle(app: &App, tx: &mut PgConnection, opened: &mut [Duty]) -> Result<Vec<(Uuid, NewEvent)>, sqlx::Error> {
    let matters: Vec<MatterKey> = opened.iter().map(Duty::matter).collect();
    matters::take_turns(tx, &matters.iter().map(|matter| matter.key.as_str()).collect::<Vec<_>>()).await?;
    let closes = matters::closes(tx, &matters.iter().collect::<Vec<_>>()).await?;
    let mut events = Vec::new();
    for (duty, key) in opened.iter_mut().zip(&matters) {
        let changes = matter::settle(std::slice::from_mut(duty), 0, closes.get(key).map_or(&[], Vec::as_slice));
        let names: Vec<&str> = changes.into_iter().flat_map(|(_, change)| telling::names(duty, change)).collect();
        for name in names {
            events.push((duty.id, telling::of_duty(duty, name, app.platform.clock.cause_after(duty.opened.at))));
        }
    }
    Ok(events)
}

fn duty(app: &App, policy: &Policy, version: i64, occurrence: Occurrence) -> Duty {
    let opened = occurrence.duty;
    let id = ids::derived("occurrence", &[&opened.pack, &opened.rule, &opened.key]);
    let moment = Moment::of_round(id, occurrence.at);
    let facts = Facts { unit: opened.unit.clone(), version: 1, ..Facts::default() };
    let directory = app.platform.directory.current().ok();
    let mut duty = rules::from_rule(opened, moment, facts, policy, version, directory.as_deref());
    duty.by_hand = true;
    duty
}
