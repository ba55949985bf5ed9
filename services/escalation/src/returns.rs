//! Who is back from an absence is told once, in one event, what others were alerted of in his place and still stands open.
//!
//! Absences are those of the directory. The row that says that one was told is written in the transaction that tells it, so that of several
//! copies, and after a kill, one tells it. Absences that follow one another are told together, when the last of them is over.

use crate::App;
use crate::raise_due::own_fault;
use crate::sight::Sight;
use crate::store::returns::{self, Ended};
use duban_contracts::absence::{ReturnNoticed, WaitingDuty};
use duban_contracts::{NewEvent, Timestamp, ids};
use duban_engine::duty::Duty;
use duban_platform::consumer::without_values;
use duban_platform::db::limited;
use duban_platform::guarded;
use duban_policy::directory::{Directory, Person};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Duties that an event lists; it says how many there are.
const LISTED: usize = 100;

/// How long somebody waits who could not be told.
const AGAIN: Duration = Duration::from_secs(30);

/// What a copy remembers from tick to tick.
#[derive(Debug, Default)]
pub struct Known {
    /// Absences that were told, by whichever copy: they are not asked for again.
    told: BTreeSet<(String, Timestamp)>,
    /// People who could not be told, and when that was tried.
    failed: BTreeMap<String, Instant>,
}

/// Tells everybody who is back by now. One who cannot be told holds up no other. Gives when the next one is back.
///
/// # Errors
/// The database's.
pub async fn notice_due(app: &App, known: &mut Known, directory: &Directory, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    let back: Vec<(&Person, Vec<Ended>)> = directory
        .people()
        .filter(|person| !person.absences.is_empty() && !person.is_absent(now))
        .map(|person| (person, ended(person, known, now)))
        .filter(|(_, ended)| !ended.is_empty())
        .collect();
    for (person, ended) in back {
        if known.failed.get(&person.id).is_some_and(|failed| failed.elapsed() < AGAIN) {
            continue;
        }
        known.failed.remove(&person.id);
        match limited(guarded(notice(app, directory, person, &ended, now))).await {
            Ok(()) => known.told.extend(ended.into_iter().map(|absence| (absence.person, absence.since))),
            Err(error) => {
                let fault = own_fault(app, error)?;
                tracing::error!(error = without_values(&format!("{fault:#}")), "who is back cannot be told what waits; the others are");
                app.figures.put_off("return");
                known.failed.insert(person.id.clone(), Instant::now());
            }
        }
    }
    let away = directory.people().filter(|person| person.is_absent(now));
    let later =
        directory.people().flat_map(|person| &person.absences).filter(|absence| now < absence.from).filter_map(|absence| absence.until);
    Ok(away.filter_map(|person| person.back_at(now)).chain(later).min())
}

fn ended(person: &Person, known: &Known, now: Timestamp) -> Vec<Ended> {
    let over = |from: Timestamp, until: Option<Timestamp>| until.filter(|until| *until <= now && from < *until).map(|until| (from, until));
    person
        .absences
        .iter()
        .filter_map(|absence| over(absence.from, absence.until))
        .filter(|(since, _)| !known.told.contains(&(person.id.clone(), *since)))
        .map(|(since, until)| Ended { person: person.id.clone(), since, until })
        .collect()
}

async fn notice(app: &App, directory: &Directory, person: &Person, ended: &[Ended], now: Timestamp) -> anyhow::Result<()> {
    let mut tx = app.platform.db.begin().await?;
    let fresh = returns::insert(&mut tx, ended, now).await?;
    let since = fresh.iter().map(|absence| absence.since).min();
    let until = fresh.iter().map(|absence| absence.until).max();
    if let (Some(since), Some(until), false) = (since, until, person.disabled) {
        let waiting = waiting(&mut tx, directory, person, since, now).await?;
        if !waiting.is_empty() {
            app.platform.outbox.write(&mut tx, &[told(app, person, (since, until), waiting, now)]).await?;
        }
    }
    tx.commit().await?;
    app.platform.outbox.wake();
    Ok(())
}

/// What waits for him and he may know of.
async fn waiting(
    tx: &mut PgConnection,
    directory: &Directory,
    person: &Person,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(Duty, Vec<String>)>, sqlx::Error> {
    let sight = Sight::of(directory, &person.id, now);
    let found = returns::waiting(tx, &person.id, since).await?;
    // Where units are kept out, he knows of it only by a post that is not in them.
    Ok(found.into_iter().filter(|(duty, _)| duty.facts.excluded_units.is_empty() || sight.sees(duty, false)).collect())
}

fn told(app: &App, person: &Person, (since, until): (Timestamp, Timestamp), waiting: Vec<(Duty, Vec<String>)>, now: Timestamp) -> NewEvent {
    let notice = ids::derived("return", &[&person.id, &until.to_string()]);
    let total = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
    let duties = waiting.into_iter().take(LISTED).map(|(duty, went_to)| WaitingDuty {
        duty: duty.id,
        case: duty.case,
        title: duty.title,
        title_zh: duty.title_zh,
        link: duty.terms.link,
        unit: duty.facts.unit,
        due_at: duty.due_at,
        went_to,
    });
    let body = ReturnNoticed { notice, person: person.id.clone(), since, until, total, duties: duties.collect(), version: 1 };
    NewEvent::new("escalation", "return.noticed", format!("return/{notice}"), 1, app.platform.clock.cause_after(now.min(until)), &body)
}
