//! The journey of events: what they open, close and move by the policy that they name, a batch at a time.
//!
//! Read, judge by the policy (pure), settle each matter (pure), write duties, alerts and outbox rows. Nothing here knows what a case is:
//! rules say which events belong together and by which key.

use crate::App;
use crate::correcting::Corrector;
use crate::store::matters::{Moved, Said};
use crate::store::{acts, alerts, duties, matters, past};
use crate::timing::{self, Timing};
use crate::trials;
use duban_contracts::{Event, NewEvent, Timestamp};
use duban_engine::acts::Acted;
use duban_engine::duty::Duty;
use duban_engine::matter::{self, Change};
use duban_engine::recipients;
use duban_engine::rules::{self, Effects, MatterKey};
use duban_engine::telling;
use duban_platform::consumer::{BatchHandler, Failure, NotYet};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::comes_from_others;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Handles batches of events.
pub struct IntakeOfEvents {
    pub app: Arc<App>,
}

impl BatchHandler for IntakeOfEvents {
    fn ready(&self, event: &Event) -> Result<(), NotYet> {
        policy_of(&self.app, event).map(|_| ())
    }

    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        // What no rule listens to now, a draft may.
        let kept: Vec<&Event> = batch.iter().filter(|event| comes_from_others(event.name())).collect();
        past::keep(tx, &kept).await?;
        handle(&self.app, tx, batch).await
    }

    async fn committed(&self, _batch: &[Event]) {
        self.app.timers_changed.notify_one();
    }
}

/// Handles events in the transaction that makes sure that they are handled once.
///
/// # Errors
/// One cannot be read or its policy is not held; the database's.
pub async fn handle(app: &App, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
    let read = read(app, batch)?;
    if read.effects.opens.is_empty() && read.effects.closes.is_empty() && read.said.is_empty() && read.timings.is_empty() {
        return Ok(());
    }
    let mut settled = settle(app, tx, read).await?;
    let events = settled.tell(app, tx).await?;
    app.tell(tx, &events).await?;
    Ok(())
}

/// What a batch says.
struct Read {
    effects: Effects,
    said: Vec<Said>,
    timings: Vec<Timing>,
    /// Latest time of the batch's events: what is told of them is later.
    latest: Timestamp,
}

/// The version that the event names; for events that name none, the one in force when it happened.
fn policy_of(app: &App, event: &Event) -> Result<(i64, Arc<Policy>), NotYet> {
    let policies = &app.platform.policies;
    if event.policy == 0 {
        return policies.in_force(event.time).map_err(|problem| NotYet(problem.detail));
    }
    policies.require(event.policy)?;
    let policy = policies.get(event.policy).ok_or_else(|| NotYet(format!("policy version {}", event.policy)))?;
    Ok((event.policy, policy))
}

fn read(app: &App, batch: &[Event]) -> Result<Read, Failure> {
    let directory = app.platform.directory.current().ok();
    let mut read = Read { effects: Effects::default(), said: Vec::new(), timings: Vec::new(), latest: Timestamp::MIN };
    let mut newest: BTreeMap<&str, Said> = BTreeMap::new();
    for event in batch {
        let (version, policy) = policy_of(app, event).map_err(|not_yet| Failure::waits(event, not_yet))?;
        // Own events say nothing new of their subject's place.
        let says_more = event.version > 1 && event.case.is_some() && !event.subject.starts_with("duban.escalation.");
        if policy.ignores(event.name()) && !says_more {
            continue;
        }
        let facts: Value = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
        let effects = rules::effects(event, &facts, &policy, version, directory.as_deref());
        read.effects.opens.extend(effects.opens);
        read.effects.closes.extend(effects.closes);
        read.latest = read.latest.max(event.time);
        if says_more {
            read.timings.extend(Timing::of(event, &facts, &policy));
        }
        if says_more && facts.get("unit").is_some_and(Value::is_string) {
            let said = Said { about: event.about.clone(), case: event.case, facts: rules::said_of(&facts, event.version) };
            let known = newest.entry(&event.about).or_insert_with(|| said.clone());
            if known.facts.version < event.version {
                *known = said;
            }
        }
    }
    read.said = newest.into_values().collect();
    Ok(read)
}

async fn settle(app: &App, tx: &mut PgConnection, mut read: Read) -> Result<Settled, Failure> {
    let mut touched: BTreeSet<MatterKey> =
        read.effects.opens.iter().map(Duty::matter).chain(read.effects.closes.iter().map(|(matter, _)| matter.clone())).collect();
    let said: Vec<String> = read.said.iter().map(|said| said.about.clone()).collect();
    let opened: Vec<String> = read.effects.opens.iter().map(|duty| duty.opened.subject.clone()).collect();
    let turns: Vec<&str> = touched.iter().map(|matter| matter.key.as_str()).chain(said.iter().chain(&opened).map(String::as_str)).collect();
    matters::take_turns(tx, &turns).await?;
    // What another batch has opened of these subjects is there by now.
    let moved = timing::moved(app, tx, &read.timings).await?;
    if !moved.is_empty() {
        matters::take_turns(tx, &moved.iter().map(|matter| matter.key.as_str()).collect::<Vec<_>>()).await?;
        touched.extend(moved);
    }
    let touched: Vec<&MatterKey> = touched.iter().collect();
    // What is older than what is known already moves nothing.
    let newest = matters::keep_said(tx, &read.said).await?;
    read.said.retain(|said| newest.contains(&said.about));
    let moved = matters::follow(tx, &read.said).await?;
    place_by_newest_facts(app, tx, &mut read.effects.opens).await?;
    let now = app.platform.clock.now();
    for duty in &mut read.effects.opens {
        // Under an older set it may still be on trial.
        duty.trial &= !trials::is_over(app, duty, now);
    }

    matters::remember(tx, &read.effects.closes).await?;
    let closes = matters::closes(tx, &touched).await?;
    let mut by_matter: BTreeMap<MatterKey, Vec<Duty>> = BTreeMap::new();
    let standing = matters::lock_duties(tx, &touched).await?;
    let known: BTreeSet<_> = standing.iter().map(|duty| duty.id).collect();
    for duty in standing {
        by_matter.entry(duty.matter()).or_default().push(duty);
    }
    let standing: BTreeMap<MatterKey, usize> = by_matter.iter().map(|(matter, duties)| (matter.clone(), duties.len())).collect();
    let mut fresh = BTreeSet::new();
    for duty in read.effects.opens {
        if !known.contains(&duty.id) && fresh.insert(duty.id) {
            by_matter.entry(duty.matter()).or_default().push(duty);
        }
    }
    let mut corrector = Corrector::new(app);
    let mut settled = Settled { moved, latest: read.latest, ..Settled::default() };
    for (matter, mut duties) in by_matter {
        let first_fresh = standing.get(&matter).copied().unwrap_or(0);
        let closes = closes.get(&matter).map_or(&[] as &[_], Vec::as_slice);
        let acted = timing::bring_up(app, &mut corrector, &mut duties, closes, &read.timings, now);
        let changes = matter::settle(&mut duties, first_fresh, closes);
        settled.take(duties, first_fresh, in_order(acted, changes, first_fresh));
    }
    Ok(settled)
}

/// What is told of a matter: of a duty that stood, what moved its time before what ended it; of a fresh one, its opening before that. What
/// was opened in the shadow of another is told nothing of.
fn in_order(acted: Vec<(usize, Acted)>, changes: Vec<(usize, Change)>, first_fresh: usize) -> Vec<(usize, Happened)> {
    let (standing, mut fresh): (Vec<_>, Vec<_>) = acted.into_iter().partition(|(place, _)| *place < first_fresh);
    let mut happened: Vec<(usize, Happened)> =
        standing.into_iter().map(|(place, acted)| (place, Happened::Acted(Box::new(acted)))).collect();
    for (place, change) in changes {
        happened.push((place, Happened::Change(change)));
        if change == Change::Opened {
            let of_it = fresh.extract_if(.., |(of, _)| *of == place);
            happened.extend(of_it.map(|(place, acted)| (place, Happened::Acted(Box::new(acted)))));
        }
    }
    happened
}

/// An open that is read late belongs where its subject is now.
async fn place_by_newest_facts(app: &App, tx: &mut PgConnection, opens: &mut [Duty]) -> Result<(), Failure> {
    let abouts: BTreeSet<&str> = opens.iter().map(|duty| duty.opened.subject.as_str()).collect();
    if abouts.is_empty() {
        return Ok(());
    }
    let said = matters::said_of(tx, &abouts.into_iter().collect::<Vec<_>>()).await?;
    for duty in opens {
        if let Some(newer) = said.get(&duty.opened.subject).filter(|newer| newer.version > duty.facts.version) {
            let unit = if newer.unit.is_empty() { duty.facts.unit.clone() } else { newer.unit.clone() };
            duty.facts = duban_engine::duty::Facts { unit, ..newer.clone() };
            find_owing_post(app, duty);
        }
    }
    Ok(())
}

fn find_owing_post(app: &App, duty: &mut Duty) {
    let directory = app.platform.directory.current().ok();
    let owing =
        |directory: Arc<Directory>| recipients::owing_post(&recipients::open_to(&directory, &duty.facts), &duty.terms.owed, &duty.facts);
    if let Some(post) = directory.and_then(owing) {
        duty.owed_by = post;
    }
}

/// What has become of the duties that a batch touches.
struct Settled {
    fresh: Vec<Duty>,
    changed: Vec<Duty>,
    /// In order: which duty (fresh or changed, by place) and what happened to it.
    told: Vec<(bool, usize, Happened)>,
    moved: Vec<Moved>,
    latest: Timestamp,
}

/// What happened to a duty.
enum Happened {
    Change(Change),
    /// Its time was counted anew, or its pause was over.
    Acted(Box<Acted>),
}

impl Default for Settled {
    fn default() -> Self {
        Self { fresh: Vec::new(), changed: Vec::new(), told: Vec::new(), moved: Vec::new(), latest: Timestamp::MIN }
    }
}

impl Settled {
    fn take(&mut self, duties: Vec<Duty>, first_fresh: usize, changes: Vec<(usize, Happened)>) {
        let mut places = BTreeMap::new();
        let touched: BTreeSet<usize> = changes.iter().map(|(place, _)| *place).collect();
        for (place, duty) in duties.into_iter().enumerate() {
            if place >= first_fresh {
                places.insert(place, (true, self.fresh.len()));
                self.fresh.push(duty);
            } else if touched.contains(&place) {
                places.insert(place, (false, self.changed.len()));
                self.changed.push(duty);
            }
        }
        self.told.extend(changes.into_iter().filter_map(|(place, change)| {
            let (is_fresh, place) = places.get(&place)?;
            Some((*is_fresh, *place, change))
        }));
    }

    /// Makes the events, numbers the duties by them, and writes duties and what became of their alerts.
    async fn tell(&mut self, app: &App, tx: &mut PgConnection) -> Result<Vec<NewEvent>, sqlx::Error> {
        let clock = &app.platform.clock;
        let mut events = Vec::new();
        self.follow(app, &mut events);
        let mut done: Vec<(Uuid, Acted)> = Vec::new();
        for (is_fresh, place, happened) in std::mem::take(&mut self.told) {
            let Some(duty) = (if is_fresh { self.fresh.get_mut(place) } else { self.changed.get_mut(place) }) else { continue };
            let change = match happened {
                Happened::Change(change) => change,
                Happened::Acted(acted) => {
                    events.push(telling::of_act(duty, &acted, clock.cause_after(acted.at.max(duty.opened.at))));
                    done.push((duty.id, *acted));
                    continue;
                }
            };
            for name in telling::names(duty, change) {
                let cause = duty.ended.as_ref().map_or(duty.opened.at, |ended| ended.moment.at).max(duty.opened.at);
                events.push(telling::of_duty(duty, name, clock.cause_after(cause)));
            }
        }
        duties::insert(tx, &self.fresh).await?;
        duties::save(tx, &self.changed).await?;
        let is_retimed = |duty: &&Duty| done.iter().any(|(retimed, _)| *retimed == duty.id);
        let retimed: Vec<Duty> = self.changed.iter().filter(is_retimed).cloned().collect();
        duties::save_terms(tx, &retimed).await?;
        acts::insert(tx, &done).await?;
        // What was told of the time before is settled, as is what was told of what has ended.
        let begins_anew = |duty: &&Duty| done.iter().any(|(of, acted)| *of == duty.id && acted.begins_anew());
        let settled = self.changed.iter().filter(|duty| !duty.state.is_open() || begins_anew(duty));
        let settled: Vec<Uuid> = settled.map(|duty| duty.id).collect();
        let closed = alerts::close_of(tx, &settled, clock.now()).await?;
        for alert in closed {
            let Some(duty) = self.changed.iter().find(|duty| duty.id == alert.duty) else { continue };
            let event = telling::of_alert(&alert, duty, "alert.closed", clock.cause_after(self.latest));
            events.push(event.with_traceparent(alert.traceparent.clone()));
        }
        Ok(events)
    }

    /// Duties whose subject has moved, or keeps out somebody new: told, unless they are told as changed anyhow. The rows that `settle`
    /// has read afterwards carry the new facts already.
    fn follow(&mut self, app: &App, events: &mut Vec<NewEvent>) {
        for moved in std::mem::take(&mut self.moved) {
            let is_elsewhere = moved.duty.facts.unit != moved.unit_before || moved.duty.facts.excluded_people != moved.excluded_before;
            if !is_elsewhere || moved.duty.shadowed {
                continue;
            }
            let place = self.changed.iter().position(|duty| duty.id == moved.duty.id).unwrap_or_else(|| {
                self.changed.push(moved.duty);
                self.changed.len() - 1
            });
            if let Some(duty) = self.changed.get_mut(place) {
                find_owing_post(app, duty);
                events.push(telling::of_duty(duty, "duty.moved", app.platform.clock.cause_after(self.latest)));
            }
        }
    }
}
