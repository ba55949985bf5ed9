//! Duties and alerts as they come of events that are played in the order of time: what escalation keeps in tables stands here in maps. Pure.
//!
//! [`crate::simulate`] plays scenarios with it, [`crate::rehearsing`] what has really happened.

mod falling_due;
mod people;

use crate::acts::Acted;
use crate::alert::{Alert, State};
use crate::duty::{Duty, Ended, Facts};
use crate::matter::{self, Change};
use crate::moment::Moment;
use crate::rules::{self, MatterKey};
use crate::{recipients, retiming, telling, trial};
use duban_contracts::{Event, NewEvent, Timestamp, ids};
use duban_policy::Policy;
use duban_policy::calendar::Calendar;
use duban_policy::directory::Directory;
use duban_policy::ladder::Sort;
use duban_policy::policy::Occurrence;
use serde_json::Value;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use uuid::Uuid;

/// The version that events are told under.
pub const POLICY: i64 = 1;

/// What became of a duty, told as it becomes so.
pub struct Heard<'h> {
    pub at: Timestamp,
    /// `duty.opened`, `alert.raised` …
    pub event: &'h str,
    pub duty: &'h Duty,
    pub of: Of<'h>,
}

/// What it was.
pub enum Of<'h> {
    Duty,
    /// It belongs to another unit or post now.
    Moved,
    Act(&'h Acted),
    Alert(&'h Alert),
    /// By this person, of whose alerts it need not be one: the others of the rung end with it.
    Acknowledged(&'h Alert, &'h str),
}

/// Whoever listens.
pub type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);

/// Where a duty stands: its matter, and its place in it.
pub type Place = (MatterKey, usize);

#[derive(Default)]
struct Matter {
    duties: Vec<Duty>,
    closes: Vec<Ended>,
    /// When something of it was read last.
    touched: Option<Timestamp>,
}

pub struct Playing<'a> {
    pub policy: &'a Policy,
    pub directory: &'a Directory,
    /// Packs whose rules open duties; None: all.
    packs: Option<BTreeSet<String>>,
    /// Nothing is on trial.
    for_real: bool,
    pub now: Timestamp,
    /// The last time that was given to an event, in microseconds.
    given: Cell<i64>,
    matters: BTreeMap<MatterKey, Matter>,
    /// Timers of open duties.
    timers: BTreeSet<(Timestamp, Place)>,
    /// Matters by what opened their duties.
    of_subject: HashMap<String, BTreeSet<MatterKey>>,
    of_duty: HashMap<Uuid, Place>,
    said: HashMap<String, Facts>,
    /// Of each duty in the order of raising.
    alerts: HashMap<Uuid, Vec<Alert>>,
    queue: VecDeque<NewEvent>,
}

impl<'a> Playing<'a> {
    pub fn new(policy: &'a Policy, directory: &'a Directory, start: Timestamp) -> Self {
        Self {
            policy,
            directory,
            packs: None,
            for_real: false,
            now: start,
            given: Cell::new(i64::MIN),
            matters: BTreeMap::new(),
            timers: BTreeSet::new(),
            of_subject: HashMap::new(),
            of_duty: HashMap::new(),
            said: HashMap::new(),
            alerts: HashMap::new(),
            queue: VecDeque::new(),
        }
    }

    /// With the rules of these packs alone.
    #[must_use]
    pub fn of_packs(mut self, packs: BTreeSet<String>) -> Self {
        self.packs = Some(packs);
        self
    }

    /// With whatever is on trial as if it were not.
    #[must_use]
    pub fn for_real(mut self) -> Self {
        self.for_real = true;
        self
    }

    fn is_played(&self, pack: &str) -> bool {
        self.packs.as_ref().is_none_or(|packs| packs.contains(pack))
    }

    /// As the services' clock does: later than the cause, than now and than any time that was given before.
    pub fn stamp(&self, cause: Timestamp) -> Timestamp {
        let least = cause.as_microsecond().max(self.now.as_microsecond()).max(self.given.get());
        let given = least.saturating_add(1);
        self.given.set(given);
        Timestamp::from_microsecond(given).unwrap_or(Timestamp::MAX)
    }

    /// Something was told that rules may listen to.
    pub fn tell(&mut self, event: NewEvent) {
        self.queue.push_back(event);
    }

    /// Handles everything that was told, and what is told of that.
    pub fn settle_all(&mut self, hear: Hear<'_>) {
        while let Some(told) = self.queue.pop_front() {
            self.handle(&as_read(told), hear);
        }
    }

    /// Handles one event: what it opens, ends and moves. What is told of that waits for [`Self::settle_all`].
    pub fn handle(&mut self, event: &Event, hear: Hear<'_>) {
        let is_own = event.subject.starts_with("duban.escalation.");
        let says_more = event.version > 1 && event.case.is_some() && !is_own;
        let is_listened_to = !self.policy.ignores(event.name());
        if !says_more && !is_listened_to {
            return;
        }
        let Ok(facts) = event.parse::<Value>() else { return };
        if says_more && facts.get("unit").is_some_and(Value::is_string) {
            self.follow(event, &rules::said_of(&facts, event.version), hear);
        }
        if is_listened_to {
            self.open_and_close(event, &facts, hear);
        }
        if says_more {
            self.retime(event, &facts, hear);
        }
    }

    fn open_and_close(&mut self, event: &Event, facts: &Value, hear: Hear<'_>) {
        let effects = rules::effects(event, facts, self.policy, POLICY, Some(self.directory));
        let mut touched: BTreeSet<MatterKey> = BTreeSet::new();
        let mut fresh: BTreeMap<MatterKey, Vec<Duty>> = BTreeMap::new();
        for (matter, ended) in effects.closes {
            if self.is_played(&matter.pack) {
                touched.insert(matter.clone());
                self.matters.entry(matter).or_default().closes.push(ended);
            }
        }
        for mut duty in effects.opens {
            if self.is_played(&duty.pack) {
                self.end_trial(&mut duty);
                touched.insert(duty.matter());
                fresh.entry(duty.matter()).or_default().push(duty);
            }
        }
        for matter in touched {
            let fresh = fresh.remove(&matter).unwrap_or_default();
            self.settle(&matter, fresh, hear);
        }
    }

    /// The duties that something about a subject may concern.
    fn places_of_subject(&self, subject: &str) -> Vec<Place> {
        let matters = self.of_subject.get(subject).into_iter().flatten();
        let places = |key: &MatterKey| {
            (0..self.matters.get(key).map_or(0, |matter| matter.duties.len())).map(|place| (key.clone(), place)).collect::<Vec<_>>()
        };
        matters.flat_map(places).collect()
    }

    /// Duties that stand are due when their subject's newest event says.
    fn retime(&mut self, event: &Event, facts: &Value, hear: Hear<'_>) {
        let moment = Moment::of(event);
        for place in self.places_of_subject(&event.about) {
            let Some(duty) = self.at(&place) else { continue };
            let Some(retimed) = retiming::by_facts(duty, &moment, facts, self.policy) else { continue };
            let mut duty = duty.clone();
            let acted = retiming::retime(&mut duty, retimed, &moment, facts, self.now, self.policy);
            self.close_alerts(&duty);
            self.tell_act(&mut duty, &acted, hear);
            self.keep(&place, duty);
        }
    }

    /// Duties go where their subject's newest event says.
    fn follow(&mut self, event: &Event, said: &Facts, hear: Hear<'_>) {
        if self.said.get(&event.about).is_some_and(|known| known.version >= said.version) {
            return;
        }
        self.said.insert(event.about.clone(), said.clone());
        for (key, place) in self.places_of_subject(&event.about) {
            let Some(duty) = self.matters.get_mut(&key).and_then(|matter| matter.duties.get_mut(place)) else { continue };
            if duty.opened.subject != event.about || duty.facts.version >= said.version {
                continue;
            }
            let unit = if said.unit.is_empty() { duty.facts.unit.clone() } else { said.unit.clone() };
            duty.facts = Facts { unit, ..said.clone() };
            let owing = recipients::owing_post(&recipients::open_to(self.directory, &duty.facts), &duty.terms.owed, &duty.facts);
            duty.owed_by = owing.unwrap_or_else(|| duty.owed_by.clone());
            hear(Heard { at: event.time, event: "duty.moved", duty, of: Of::Moved });
        }
    }

    fn settle(&mut self, key: &MatterKey, fresh: Vec<Duty>, hear: Hear<'_>) {
        let mut matter = self.matters.remove(key).unwrap_or_default();
        self.unset(key, &matter.duties);
        let first_fresh = matter.duties.len();
        for duty in &fresh {
            self.of_subject.entry(duty.opened.subject.clone()).or_default().insert(key.clone());
        }
        matter.duties.extend(fresh);
        let changes = matter::settle(&mut matter.duties, first_fresh, &matter.closes);
        for (place, change) in changes {
            self.tell_change(&mut matter.duties[place], change, hear);
        }
        for (place, duty) in matter.duties.iter().enumerate() {
            self.of_duty.insert(duty.id, (key.clone(), place));
        }
        matter.touched = Some(self.now);
        self.set(key, &matter.duties);
        self.matters.insert(key.clone(), matter);
    }

    fn set(&mut self, key: &MatterKey, duties: &[Duty]) {
        self.timers.extend(duties.iter().enumerate().filter_map(|(place, duty)| Some((timer(duty)?, (key.clone(), place)))));
    }

    fn unset(&mut self, key: &MatterKey, duties: &[Duty]) {
        for (place, at) in duties.iter().enumerate().filter_map(|(place, duty)| Some((place, timer(duty)?))) {
            self.timers.remove(&(at, (key.clone(), place)));
        }
    }

    /// A duty as it stands.
    pub fn at(&self, (key, place): &Place) -> Option<&Duty> {
        self.matters.get(key)?.duties.get(*place)
    }

    /// Every duty, by matter.
    pub fn places(&self) -> impl Iterator<Item = (Place, &Duty)> {
        let of_matter = |(key, matter): (&MatterKey, &'_ Matter)| (key.clone(), matter.duties.len());
        let places = self.matters.iter().map(of_matter).flat_map(|(key, count)| (0..count).map(move |place| (key.clone(), place)));
        places.filter_map(|place| self.at(&place).map(|duty| (place.clone(), duty)))
    }

    /// Where a duty stands.
    pub fn place_of(&self, duty: Uuid) -> Option<Place> {
        self.of_duty.get(&duty).cloned()
    }

    fn keep(&mut self, place: &Place, duty: Duty) {
        let (key, nth) = place;
        let Some(kept) = self.matters.get_mut(key).and_then(|matter| matter.duties.get_mut(*nth)) else { return };
        if let Some(at) = timer(kept) {
            self.timers.remove(&(at, place.clone()));
        }
        if let Some(at) = timer(&duty) {
            self.timers.insert((at, place.clone()));
        }
        *kept = duty;
    }

    fn tell_change(&mut self, duty: &mut Duty, change: Change, hear: Hear<'_>) {
        for name in telling::names(duty, change) {
            let cause = duty.ended.as_ref().map_or(duty.opened.at, |ended| ended.moment.at).max(duty.opened.at);
            self.tell_duty(duty, name, cause, hear);
        }
        if !duty.state.is_open() {
            self.close_alerts(duty);
        }
    }

    fn close_alerts(&mut self, duty: &Duty) {
        // Who is waited for is waited for as long as the pause goes on.
        let is_waited_for = |alert: &Alert| duty.shifts.paused.is_some() && duty.state.is_open() && alert.sort == Sort::Awaited.as_str();
        let of_duty = self.alerts.get_mut(&duty.id).into_iter().flatten().filter(|alert| alert.state == State::Open);
        for alert in of_duty.filter(|alert| !is_waited_for(alert)) {
            alert.state = State::Closed;
        }
    }

    fn tell_duty(&mut self, duty: &mut Duty, name: &str, cause: Timestamp, hear: Hear<'_>) {
        let event = telling::of_duty(duty, name, self.stamp(cause));
        hear(Heard { at: event.time, event: name, duty, of: Of::Duty });
        self.queue.push_back(event);
    }

    fn calendar_of(&self, duty: &Duty) -> &'a Calendar {
        retiming::calendar_of(self.policy, duty)
    }

    fn end_trial(&self, duty: &mut Duty) {
        if self.for_real {
            duty.trial = false;
            duty.terms.follows_trial = false;
        } else if trial::is_over(duty, self.now, |at| self.policy.is_on_trial(&duty.pack, &duty.rule, &duty.facts.unit, at)) {
            duty.trial = false;
        }
    }

    fn tell_act(&mut self, duty: &mut Duty, acted: &Acted, hear: Hear<'_>) {
        let event = telling::of_act(duty, acted, self.stamp(duty.opened.at));
        hear(Heard { at: event.time, event: acted.act.event(), duty, of: Of::Act(acted) });
        self.queue.push_back(event);
    }

    /// A recurring duty comes round.
    pub fn come_round(&mut self, occurrence: Occurrence, hear: Hear<'_>) {
        let opened = occurrence.duty;
        let id = ids::derived("occurrence", &[&opened.pack, &opened.rule, &opened.key]);
        let facts = Facts { unit: opened.unit.clone(), version: 1, ..Facts::default() };
        let mut duty = rules::from_rule(opened, Moment::of_round(id, occurrence.at), facts, self.policy, POLICY, Some(self.directory));
        duty.by_hand = true;
        self.end_trial(&mut duty);
        let key = duty.matter();
        self.settle(&key, vec![duty], hear);
        self.settle_all(hear);
    }

    /// Forgets what nothing of the kind is to be expected of any more: matters that have ended and were not touched since, and closes that had
    /// nothing to end. What is opened of them anew is opened for the first time.
    pub fn forget(&mut self, ended_before: Timestamp, closed_before: Timestamp) {
        let is_over = |matter: &Matter| {
            let before = if matter.duties.is_empty() { closed_before } else { ended_before };
            matter.duties.iter().all(|duty| !duty.state.is_open()) && matter.touched.is_none_or(|touched| touched < before)
        };
        let over: Vec<MatterKey> = self.matters.iter().filter(|(_, matter)| is_over(matter)).map(|(key, _)| key.clone()).collect();
        for key in over {
            for duty in self.matters.remove(&key).map(|matter| matter.duties).unwrap_or_default() {
                self.of_duty.remove(&duty.id);
                self.alerts.remove(&duty.id);
                let subject = duty.opened.subject;
                let is_empty = self.of_subject.get_mut(&subject).is_some_and(|keys| keys.remove(&key) && keys.is_empty());
                if is_empty {
                    self.of_subject.remove(&subject);
                    self.said.remove(&subject);
                }
            }
        }
    }
}

/// As whoever listens reads it.
pub fn as_read(told: NewEvent) -> Event {
    Event {
        id: told.id,
        subject: told.subject,
        time: told.time,
        about: told.about,
        version: told.version,
        policy: told.policy,
        case: told.case,
        traceparent: None,
        body: told.body,
    }
}

/// When a duty is looked at again.
fn timer(duty: &Duty) -> Option<Timestamp> {
    duty.next_at.filter(|_| duty.state.is_open())
}
