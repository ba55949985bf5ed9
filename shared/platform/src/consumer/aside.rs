//! Trying again what was set aside.

use super::batch::{Entry, Handling, Refused};
use super::message::Kept;
use super::store::{self, Aside, Burial};
use super::{BatchHandler, Failure, NotYet, reason};
use crate::db;
use duban_contracts::Event;
use futures::FutureExt;
use sqlx::{Acquire, PgConnection};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_millis(500);
const MOST: i64 = 200;

/// Looks twice a second for messages whose time has come.
pub(super) async fn run<H: BatchHandler>(handling: Arc<Handling<H>>, streams: Vec<&'static str>, stop: CancellationToken) {
    tokio::select! {
        () = handling.db.migrated() => {}
        () = stop.cancelled() => return,
    }
    while !stop.is_cancelled() {
        match round(&handling, &streams).await {
            Ok(count) if count == usize::try_from(MOST).unwrap_or(usize::MAX) => continue,
            Ok(_) => {}
            Err(error) => tracing::debug!(error = format!("{error:#}"), "what was set aside waits on"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// The number of messages that were looked at and are no longer due.
async fn round<H: BatchHandler>(handling: &Handling<H>, streams: &[&'static str]) -> anyhow::Result<usize> {
    let due = store::due(handling.db.pool(), streams, MOST).await?;
    let count = due.len();
    let mut ready: HashMap<String, Vec<Entry>> = HashMap::new();
    let mut rows = HashMap::new();
    let mut waiting: HashMap<String, Vec<Aside>> = HashMap::new();
    for row in due {
        match open(handling, &row) {
            Ok(entry) => match handling.handler.ready(&entry.event) {
                Ok(()) => {
                    ready.entry(row.stream.clone()).or_default().push(entry);
                    rows.insert(row.id, row);
                }
                Err(NotYet(what)) => waiting.entry(what).or_default().push(row),
            },
            // Sealed under a key that we no longer have: it stays, sealed, among the dead.
            Err(error) => {
                let burial = Burial {
                    id: row.id,
                    event: row.event,
                    subject: row.subject.clone(),
                    sealed: row.sealed.clone(),
                    attempts: row.attempts,
                    reason: reason::sealed(&error),
                };
                bury(handling, &row.stream, &burial, None).await?;
            }
        }
    }
    for (what, rows) in waiting {
        wait(handling, &NotYet(what), &rows).await?;
    }
    for (stream, entries) in ready {
        for refused in handling.handle(&stream, entries, true).await? {
            if let Some(row) = rows.get(&refused.entry.id) {
                again(handling, row, &refused).await?;
            }
        }
    }
    Ok(count)
}

fn open<H: BatchHandler>(handling: &Handling<H>, row: &Aside) -> anyhow::Result<Entry> {
    let plain = handling.seal.open(&row.sealed, &row.id.to_string())?;
    let kept: Kept = serde_json::from_slice(&plain)?;
    Ok(Entry { id: row.id, event: kept.into_event()? })
}

/// They wait on for the same thing, nothing counted; the longer they have waited, the more seldom it is asked about.
async fn wait<H: BatchHandler>(handling: &Handling<H>, what: &NotYet, rows: &[Aside]) -> anyhow::Result<()> {
    let youngest = rows.iter().map(|row| row.age).fold(f64::INFINITY, f64::min);
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    store::put_off(handling.db.pool(), &ids, &what.to_string(), (youngest / 4.0).clamp(0.5, 10.0)).await?;
    Ok(())
}

/// It failed again: later, or never.
async fn again<H: BatchHandler>(handling: &Handling<H>, row: &Aside, refused: &Refused) -> anyhow::Result<()> {
    let burial = handling.burial(refused, row.attempts)?;
    if burial.attempts >= handling.attempts {
        return bury(handling, &row.stream, &burial, Some(&refused.entry.event)).await;
    }
    let pool = handling.db.pool();
    if refused.is_counted {
        let after = f64::from(1u32 << burial.attempts.clamp(0, 10));
        store::count_attempt(pool, row.id, row.attempts, &burial.reason.en, after).await?;
    } else {
        store::put_off(pool, &[row.id], &burial.reason.en, (row.age / 4.0).clamp(0.5, 10.0)).await?;
    }
    Ok(())
}

/// Makes a dead letter of it and says so; the service keeps and tells in the same transaction what it has to. `event`: as far as it is one.
pub(super) async fn bury<H: BatchHandler>(
    handling: &Handling<H>,
    stream: &str,
    burial: &Burial,
    event: Option<&Event>,
) -> anyhow::Result<()> {
    let mut tx = handling.db.begin().await?;
    store::bury(&mut tx, stream, burial).await?;
    if let Some(event) = event {
        tell_buried(handling, &mut tx, event).await?;
    }
    tx.commit().await?;
    handling.outbox.wake();
    handling.metrics.own.messages.with_label_values(&[stream, "dead"]).inc();
    tracing::error!(stream, event = %burial.event, subject = %burial.subject, reason = burial.reason.en, "a message is a dead letter");
    Ok(())
}

/// Asks the service what it keeps of the event. Fails only with the database: what else goes wrong keeps no message from being buried.
async fn tell_buried<H: BatchHandler>(handling: &Handling<H>, tx: &mut PgConnection, event: &Event) -> anyhow::Result<()> {
    let mut part = tx.begin().await?;
    let told = AssertUnwindSafe(db::limited(handling.handler.buried(&mut part, event))).catch_unwind().await;
    match told.unwrap_or_else(|_panic| Err(Failure::Other(anyhow::anyhow!("the handler panicked")))) {
        Ok(()) => part.commit().await?,
        Err(failure) => match handling.fault(failure) {
            Err(trouble) => return Err(trouble.into()),
            Ok(why) => {
                part.rollback().await?;
                tracing::error!(event = %event.id, reason = why.en, "nothing but a dead letter is kept of a message");
            }
        },
    }
    Ok(())
}
