//! Sources that have gone silent: a producer that is watched and has sent nothing for longer than it should is told of, once, and again when it is
//! heard.
//!
//! When a producer was heard last is noted in the transaction that takes its reports in. What is silent is found by looking, by whichever copy comes
//! first: how long it may be silent is the administrator's to say, in the calendar of the producer's unit. What was accepted while this service was
//! away has been heard in time, so nothing is found silent before that has been read. Rules of packs make duties of what is told here.

use crate::app::App;
use crate::store::sources::{self, Source};
use duban_contracts::source::SourceEvent;
use duban_contracts::{NewEvent, Timestamp};
use duban_platform::consumer::Failure;
use duban_platform::db::limited;
use duban_platform::guarded;
use duban_policy::Policy;
use duban_policy::directory::{Directory, Watched};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often, in real time, it is looked at least.
const LOOK: Duration = Duration::from_secs(5);

/// Notes whose reports these are, received at these times, and tells of those that had been silent.
///
/// # Errors
/// The database's.
pub async fn hear(app: &App, tx: &mut PgConnection, received: impl Iterator<Item = (&str, Timestamp)>) -> Result<(), Failure> {
    let mut latest: BTreeMap<String, Timestamp> = BTreeMap::new();
    for (producer, at) in received {
        match latest.get_mut(producer) {
            Some(known) => *known = at.max(*known),
            None => drop(latest.insert(producer.to_owned(), at)),
        }
    }
    let heard = sources::hear(tx, &latest).await?;
    if heard.is_empty() {
        return Ok(());
    }
    let directory = app.platform.directory.current().ok();
    let events: Vec<NewEvent> = heard
        .iter()
        .map(|(source, since)| told(app, source, "heard", *since, watched(directory.as_deref(), source), source.heard_at.unwrap_or(*since)))
        .collect();
    app.platform.outbox.write(tx, &events).await?;
    Ok(())
}

fn watched<'a>(directory: Option<&'a Directory>, source: &Source) -> Option<&'a Watched> {
    directory.and_then(|directory| directory.watched().get(&source.producer))
}

/// Looks for silence until the service stops.
pub async fn run(app: App) {
    let stop = app.platform.shutdown.clone();
    let (mut clock_changed, mut directory_changed) = (app.platform.clock.changed(), app.platform.directory.changed());
    app.platform.schema_complete().await;
    while !stop.is_cancelled() {
        let pause = match limited(guarded(look(&app))).await {
            Ok(next) => next.map_or(LOOK, |next| app.platform.clock.real_duration_until(next).clamp(Duration::from_millis(50), LOOK)),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "silent sources are not looked for");
                LOOK
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            _ = clock_changed.changed() => {}
            _ = directory_changed.changed() => {}
        }
    }
}

/// Finds who has gone silent, and who is not held to it any longer. Gives when the next one will be silent if nothing is heard.
async fn look(app: &App) -> anyhow::Result<Option<Timestamp>> {
    let now = app.platform.clock.now();
    let (Ok(directory), Ok((_, policy))) = (app.platform.directory.current(), app.platform.policies.in_force(now)) else { return Ok(None) };
    if !app.platform.caught_up() {
        return Ok(None);
    }
    let pool = app.platform.db.pool();
    let producers: Vec<&str> = directory.watched().keys().map(String::as_str).collect();
    let mut known = sources::all(pool).await?;
    if producers.iter().any(|producer| !known.iter().any(|source| source.producer == *producer)) {
        sources::begin(pool, &producers, now).await?;
        known = sources::all(pool).await?;
    }
    let (mut silent, mut released, mut next) = (Vec::new(), Vec::new(), None::<Timestamp>);
    for source in &known {
        let ends = directory.watched().get(&source.producer).map(|watched| silent_from(watched, source, &policy));
        match (source.silent_at, ends) {
            (None, Some(ends)) if ends <= now => silent.push((source, ends)),
            (None, Some(ends)) => next = Some(next.map_or(ends, |next| next.min(ends))),
            (Some(_), ends) if ends.is_none_or(|ends| ends > now) => released.push(source),
            (Some(_) | None, _) => {}
        }
    }
    if !silent.is_empty() || !released.is_empty() {
        tell(app, &directory, &silent, &released, now).await?;
    }
    app.measures.silent(known.iter().filter(|source| source.silent_at.is_some()).count() + silent.len() - released.len());
    Ok(next)
}

/// When its silence is longer than it should be, unless something is heard.
fn silent_from(watched: &Watched, source: &Source, policy: &Policy) -> Timestamp {
    let quiet_since = source.heard_at.unwrap_or(source.counts_from);
    policy.calendar_of(&watched.unit).add(quiet_since, watched.silent_after).at
}

async fn tell(
    app: &App,
    directory: &Directory,
    silent: &[(&Source, Timestamp)],
    released: &[&Source],
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut tx = app.platform.db.begin().await?;
    let mut events = Vec::new();
    for source in sources::fall_silent(&mut tx, silent).await? {
        let since = source.silent_at.unwrap_or(now);
        tracing::warn!(producer = source.producer, %since, "a source has gone silent");
        events.push(told(app, &source, "silent", since, watched(Some(directory), &source), since));
    }
    let producers: Vec<&str> = released.iter().map(|source| source.producer.as_str()).collect();
    for source in sources::release(&mut tx, &producers).await? {
        let since = released.iter().find(|known| known.producer == source.producer).and_then(|known| known.silent_at).unwrap_or(now);
        events.push(told(app, &source, "released", since, watched(Some(directory), &source), now));
    }
    app.platform.outbox.write(&mut tx, &events).await?;
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(())
}

fn told(app: &App, source: &Source, happened: &str, silent_since: Timestamp, watched: Option<&Watched>, cause: Timestamp) -> NewEvent {
    let now = app.platform.clock.now();
    let in_force = app.platform.policies.in_force(now);
    let root = || in_force.as_ref().map(|(_, policy)| policy.root().to_owned()).unwrap_or_default();
    let body = SourceEvent {
        producer: source.producer.clone(),
        unit: watched.map_or_else(root, |watched| watched.unit.clone()),
        silent_after: watched.map(|watched| watched.silent_after.to_string()).unwrap_or_default(),
        heard_at: source.heard_at,
        silent_since,
        version: source.version,
    };
    let version = in_force.as_ref().map_or(0, |(version, _)| *version);
    let time = app.platform.clock.cause_after(cause);
    NewEvent::new("intake", &format!("source.{happened}"), format!("source/{}", source.producer), source.version, time, &body)
        .with_policy(version)
}
