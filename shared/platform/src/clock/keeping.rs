//! Keeps the clock right: measures the database's offset, reads the setting, confirms a step, remembers both for a start without Postgres.

use super::{Clock, Setting, machine_now, store};
use crate::{Bus, Database};
use duban_contracts::{Timestamp, subjects};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the offset is measured.
const EVERY: Duration = Duration::from_secs(60);
/// How soon it is tried again when the database does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// What a copy answers when it has read the clock's setting again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Confirmation {
    pub service: String,
    pub copy: String,
    /// Of the setting that it runs by now.
    pub version: i64,
}

/// What is remembered beside the gateway's directory.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// The database's real time minus the machine's, microseconds.
    offset: i64,
    setting: Setting,
}

/// Keeps `clock` right until stopped.
pub(crate) async fn keep(
    clock: Clock,
    db: Database,
    bus: Bus,
    service: &'static str,
    copy: String,
    state_dir: Option<PathBuf>,
    stop: CancellationToken,
) {
    let file = state_dir.map(|folder| folder.join("clock.json"));
    if let Some(remembered) = file.as_deref().and_then(recall) {
        clock.correct(machine_now().saturating_add(remembered.offset), remembered.setting);
    }
    let mut reloads = match bus.client.subscribe(subjects::CLOCK_RELOAD).await {
        Ok(reloads) => reloads.boxed(),
        Err(error) => {
            tracing::error!(%error, "the clock's steps cannot be heard");
            futures::stream::pending().boxed()
        }
    };
    let mut next = Duration::ZERO;
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(next) => None,
            message = reloads.next() => match message {
                Some(message) => Some(message),
                None => return,
            },
        };
        match measure(&clock, &db, file.as_deref()).await {
            Ok(()) => next = EVERY,
            Err(error) => {
                tracing::debug!(%error, "the database's clock cannot be read");
                next = AGAIN;
                // No confirmation of what was not read: whoever set the clock asks again.
                continue;
            }
        }
        if let Some(reply) = asked.and_then(|message| message.reply) {
            let confirmation = Confirmation { service: service.to_owned(), copy: copy.clone(), version: clock.setting().version };
            let body = serde_json::to_vec(&confirmation).unwrap_or_default();
            if let Err(error) = bus.client.publish(reply, body.into()).await {
                tracing::warn!(%error, "a step of the clock could not be confirmed");
            }
        }
    }
}

/// Reads setting and offset and corrects the clock. The sample with the shortest way counts: its error is at most half of that.
async fn measure(clock: &Clock, db: &Database, file: Option<&Path>) -> Result<(), sqlx::Error> {
    let setting = store::setting(db.pool()).await?.unwrap_or_default();
    let mut best: Option<(Duration, Timestamp, Instant)> = None;
    for _ in 0..3 {
        let begun = Instant::now();
        let real = store::real_time(db.pool()).await?;
        let way = begun.elapsed();
        if best.is_none_or(|(shortest, ..)| way < shortest) {
            best = Some((way, real, begun + way / 2));
        }
    }
    let Some((_, real, at)) = best else { return Ok(()) };
    let real = real.as_microsecond().saturating_add(i64::try_from(at.elapsed().as_micros()).unwrap_or(0));
    clock.correct(real, setting.clone());
    if let Some(file) = file {
        remember(file, &Remembered { offset: real.saturating_sub(machine_now()), setting });
    }
    Ok(())
}

fn recall(file: &Path) -> Option<Remembered> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn remember(file: &Path, what: &Remembered) {
    let aside = file.with_extension("new");
    let written = serde_json::to_vec(what)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(&aside, text))
        .and_then(|()| std::fs::rename(&aside, file));
    if let Err(error) = written {
        tracing::warn!(%error, "the clock's setting could not be remembered");
    }
}
