//! What stands while a scenario is played: cases, duties, alerts, and the clock. What the services keep in tables stands here in maps.

use super::timeline::Line;
use crate::acts::{Acted, Asked, What};
use crate::alert::{Alert, State};
use crate::case::{Case, Told};
use crate::climb::{self, Rung, Step};
use crate::contacts::Contacts;
use crate::duty::{Duty, Ended, Facts};
use crate::matter::{self, Change};
use crate::moment::Moment;
use crate::rules::{self, MatterKey};
use crate::{acknowledging, acts, judging, recipients, retiming, telling, trial};
use duban_contracts::alert::Acknowledgement;
use duban_contracts::duty::{DutyAct, NextRung};
use duban_contracts::{Event, NewEvent, Problem, Timestamp, both, ids};
use duban_policy::Policy;
use duban_policy::calendar::Calendar;
use duban_policy::directory::Directory;
use duban_policy::ladder::Sort;
use duban_policy::policy::Occurrence;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use uuid::Uuid;

/// The version that simulated events are told under.
pub(super) const POLICY: i64 = 1;

/// A case and what the services keep sealed of it.
pub(super) struct Standing {
    /// As the scenario calls it.
    pub name: String,
    pub case: Case,
    pub personal: Map<String, Value>,
}

pub(super) struct World<'a> {
    pub policy: &'a Policy,
    pub directory: &'a Directory,
    pub contacts: Contacts,
    pub now: Timestamp,
    /// The last time that was given to an event, in microseconds.
    given: Cell<i64>,
    pub cases: Vec<Standing>,
    /// Cases by what they are recognised by: when received, and their place.
    pub known: HashMap<judging::Key, Vec<(Timestamp, usize)>>,
    pub sequences: BTreeMap<String, i64>,
    duties: BTreeMap<MatterKey, Vec<Duty>>,
    closes: BTreeMap<MatterKey, Vec<Ended>>,
    said: BTreeMap<String, Facts>,
    /// Versions of what is of no case.
    told: BTreeMap<String, i64>,
    alerts: Vec<Alert>,
    queue: VecDeque<NewEvent>,
    pub lines: Vec<Line>,
}

impl<'a> World<'a> {
    pub fn new(policy: &'a Policy, directory: &'a Directory, start: Timestamp) -> Self {
        Self {
            policy,
            directory,
            contacts: Contacts::of(directory),
            now: start,
            given: Cell::new(i64::MIN),
            cases: Vec::new(),
            known: HashMap::new(),
            sequences: BTreeMap::new(),
            duties: BTreeMap::new(),
            closes: BTreeMap::new(),
            said: BTreeMap::new(),
            told: BTreeMap::new(),
            alerts: Vec::new(),
            queue: VecDeque::new(),
            lines: Vec::new(),
        }
    }

    /// As the services' clock does: later than the cause, than now and than any time that was given before.
    pub fn stamp(&self, cause: Timestamp) -> Timestamp {
        let least = cause.as_microsecond().max(self.now.as_microsecond()).max(self.given.get());
        let given = least.saturating_add(1);
        self.given.set(given);
        Timestamp::from_microsecond(given).unwrap_or(Timestamp::MAX)
    }

    /// What was told of a case, to be read by what listens, and by who reads the timeline.
    pub fn tell(&mut self, place: usize, told: Vec<Told>) {
        for Told { event, .. } in told {
            let Some(standing) = self.cases.get(place) else { return };
            let says = serde_json::from_slice::<Value>(&event.body).map(|body| stands(&body)).unwrap_or_default();
            let (about, what) = (standing.name.clone(), standing.case.number.clone());
            self.line(&event, about, what, says);
            self.queue.push_back(event);
        }
    }

    /// A service tells something that is of no case. What it is about goes by what is said of it, so that one thing's events are in order.
    pub fn told_of_no_case(&mut self, event: &str, with: &Map<String, Value>, unit: &str) {
        let of = event.split_once('.').map_or(event, |(of, _)| of);
        let what = with.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect::<Vec<_>>().join(" ");
        let about = format!("{of}/{what}");
        let version = self.told.entry(about.clone()).or_default();
        *version += 1;
        let version = *version;
        let mut body = Map::from_iter([("unit".to_owned(), Value::from(unit)), ("version".to_owned(), Value::from(version))]);
        body.extend(with.clone());
        let event = NewEvent::new("intake", event, about, version, self.stamp(self.now), &body).with_policy(POLICY);
        self.line(&event, unit.to_owned(), what, String::new());
        self.queue.push_back(event);
    }

    fn line(&mut self, event: &NewEvent, about: String, what: String, says: String) {
        let name = duban_contracts::subjects::event_name(&event.subject).unwrap_or_default().to_owned();
        self.lines.push(Line { at: event.time, event: name, about, what, says });
    }

    /// Handles everything that was told, and what is told of that.
    pub fn settle_all(&mut self) {
        while let Some(told) = self.queue.pop_front() {
            let event = Event {
                id: told.id,
                subject: told.subject,
                time: told.time,
                about: told.about,
                version: told.version,
                policy: told.policy,
                case: told.case,
                traceparent: None,
                body: told.body,
            };
            self.handle(&event);
        }
    }

    fn handle(&mut self, event: &Event) {
        let is_own = event.subject.starts_with("duban.escalation.");
        let says_more = event.version > 1 && event.case.is_some() && !is_own;
        let Ok(facts) = event.parse::<Value>() else { return };
        if says_more && facts.get("unit").is_some_and(Value::is_string) {
            self.follow(event, &rules::said_of(&facts, event.version));
        }
        if !self.policy.ignores(event.name()) {
            self.open_and_close(event, &facts);
        }
        if says_more {
            self.retime(event, &facts);
        }
    }

    fn open_and_close(&mut self, event: &Event, facts: &Value) {
        let effects = rules::effects(event, facts, self.policy, POLICY, Some(self.directory));
        let mut touched: Vec<MatterKey> = Vec::new();
        let mut fresh: BTreeMap<MatterKey, Vec<Duty>> = BTreeMap::new();
        for (matter, ended) in effects.closes {
            touched.push(matter.clone());
            self.closes.entry(matter).or_default().push(ended);
        }
        for mut duty in effects.opens {
            self.end_trial(&mut duty);
            touched.push(duty.matter());
            fresh.entry(duty.matter()).or_default().push(duty);
        }
        touched.sort_unstable();
        touched.dedup();
        for matter in touched {
            let fresh = fresh.remove(&matter).unwrap_or_default();
            self.settle(&matter, fresh);
        }
    }

    /// Duties that stand are due when their subject's newest event says.
    fn retime(&mut self, event: &Event, facts: &Value) {
        let moment = Moment::of(event);
        let mut duties = std::mem::take(&mut self.duties);
        for duty in duties.values_mut().flatten() {
            let Some(retimed) = retiming::by_facts(duty, &moment, facts, self.policy) else { continue };
            let acted = retiming::retime(duty, retimed, &moment, facts, self.now, self.policy);
            self.close_alerts(duty);
            self.tell_act(duty, &acted);
        }
        self.duties = duties;
    }

    /// Duties go where their subject's newest event says.
    fn follow(&mut self, event: &Event, said: &Facts) {
        if self.said.get(&event.about).is_some_and(|known| known.version >= said.version) {
            return;
        }
        self.said.insert(event.about.clone(), said.clone());
        for duty in self.duties.values_mut().flatten() {
            if duty.opened.subject == event.about && duty.facts.version < said.version {
                let unit = if said.unit.is_empty() { duty.facts.unit.clone() } else { said.unit.clone() };
                duty.facts = Facts { unit, ..said.clone() };
                let owing = recipients::owing_post(&recipients::open_to(self.directory, &duty.facts), &duty.terms.owed, &duty.facts);
                duty.owed_by = owing.unwrap_or_else(|| duty.owed_by.clone());
            }
        }
    }

    fn settle(&mut self, key: &MatterKey, fresh: Vec<Duty>) {
        let mut duties = self.duties.remove(key).unwrap_or_default();
        let first_fresh = duties.len();
        duties.extend(fresh);
        let changes = matter::settle(&mut duties, first_fresh, self.closes.get(key).map_or(&[], Vec::as_slice));
        for (place, change) in changes {
            self.tell_change(&mut duties[place], change);
        }
        self.duties.insert(key.clone(), duties);
    }

    fn tell_change(&mut self, duty: &mut Duty, change: Change) {
        for name in telling::names(duty, change) {
            let cause = duty.ended.as_ref().map_or(duty.opened.at, |ended| ended.moment.at).max(duty.opened.at);
            self.tell_duty(duty, name, cause);
        }
        if !duty.state.is_open() {
            self.close_alerts(duty);
        }
    }

    fn close_alerts(&mut self, duty: &Duty) {
        // Who is waited for is waited for as long as the pause goes on.
        let is_waited_for = |alert: &Alert| duty.shifts.paused.is_some() && duty.state.is_open() && alert.sort == Sort::Awaited.as_str();
        let of_duty = self.alerts.iter_mut().filter(|alert| alert.duty == duty.id && alert.state == State::Open);
        for alert in of_duty.filter(|alert| !is_waited_for(alert)) {
            alert.state = State::Closed;
        }
    }

    fn tell_duty(&mut self, duty: &mut Duty, name: &str, cause: Timestamp) {
        let event = telling::of_duty(duty, name, self.stamp(cause));
        let says = match name {
            "duty.opened" if duty.trial => format!("due {} · {} · on trial", self.wall(duty.due_at), duty.owed_by),
            "duty.opened" => format!("due {} · {}", self.wall(duty.due_at), duty.owed_by),
            "duty.closed" => duty.state.as_str().to_owned(),
            _ => String::new(),
        };
        self.line(&event, self.about(duty), duty.rule.clone(), says);
        self.queue.push_back(event);
    }

    fn about(&self, duty: &Duty) -> String {
        let of_case = duty.case.and_then(|id| self.cases.iter().find(|standing| standing.case.id == id));
        of_case.map_or_else(|| duty.facts.unit.clone(), |standing| standing.name.clone())
    }

    fn wall(&self, at: Timestamp) -> String {
        self.policy.zone().to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn calendar_of(&self, duty: &Duty) -> &'a Calendar {
        retiming::calendar_of(self.policy, duty)
    }

    /// When the next duty's timer runs out.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.duties.values().flatten().filter(|duty| duty.state.is_open()).filter_map(|duty| duty.next_at).min()
    }

    /// Raises everything that is due now.
    pub fn tick(&mut self) {
        let due: Vec<(MatterKey, usize)> = self
            .duties
            .iter()
            .flat_map(|(key, duties)| duties.iter().enumerate().map(move |(place, duty)| (key, place, duty)))
            .filter(|(_, _, duty)| duty.state.is_open() && duty.next_at.is_some_and(|at| at <= self.now))
            .map(|(key, place, _)| (key.clone(), place))
            .collect();
        for (key, place) in due {
            let Some(mut duty) = self.duties.get(&key).and_then(|duties| duties.get(place)).cloned() else { continue };
            self.climb(&mut duty);
            if let Some(kept) = self.duties.get_mut(&key).and_then(|duties| duties.get_mut(place)) {
                *kept = duty;
            }
        }
        self.settle_all();
    }

    fn climb(&mut self, duty: &mut Duty) {
        self.end_trial(duty);
        let calendar = self.calendar_of(duty);
        let directory = recipients::open_to(self.directory, &duty.facts);
        let now = self.now;
        let cause = duty.opened.at;
        if let Some(acted) = acts::resume_by_itself(duty, now, self.policy) {
            self.close_alerts(duty);
            self.tell_act(duty, &acted);
        }
        let steps = climb::climb(duty, now, Timestamp::MIN, calendar);
        let next = recipients::next_rung(&directory, duty, now, calendar);
        for step in steps {
            match step {
                Step::Breached => self.tell_duty(duty, "duty.breached", cause),
                Step::Raised(rung) => {
                    if rung.sort == Sort::Reminder {
                        self.tell_duty(duty, "duty.reminded", cause);
                    }
                    self.raise(duty, &rung, next.clone());
                }
            }
        }
    }

    fn end_trial(&self, duty: &mut Duty) {
        if trial::is_over(duty, self.now, |at| self.policy.is_on_trial(&duty.pack, &duty.rule, &duty.facts.unit, at)) {
            duty.trial = false;
        }
    }

    fn raise(&mut self, duty: &Duty, rung: &Rung, next: Option<NextRung>) {
        let directory = recipients::open_to(self.directory, &duty.facts);
        let told = recipients::recipients(&directory, duty, &rung.tell, self.now);
        let mut alert = Alert::raised(duty, rung, told, self.now);
        alert.next = next;
        let event = telling::of_alert(&alert, duty, "alert.raised", self.stamp(duty.opened.at));
        let says = Self::told_whom(&alert);
        self.line(&event, self.about(duty), duty.rule.clone(), says);
        self.queue.push_back(event);
        self.alerts.push(alert);
    }

    fn tell_act(&mut self, duty: &mut Duty, acted: &Acted) {
        let event = telling::of_act(duty, acted, self.stamp(duty.opened.at));
        let says = match (acted.act, acted.until, &acted.person) {
            (What::Paused, Some(until), _) => format!("until {}", self.wall(until)),
            (What::Resumed | What::Extended, ..) => format!("due {}", self.wall(duty.due_at)),
            (What::Retimed, ..) => format!("due {} · {}", self.wall(duty.due_at), duty.owed_by),
            (What::HandedOver, _, Some(person)) => format!("to {person}"),
            _ => String::new(),
        };
        let by = acted.by.iter().map(|by| format!("by {by}"));
        let says = Some(says).into_iter().filter(|says| !says.is_empty()).chain(by).collect::<Vec<_>>().join(" · ");
        self.line(&event, self.about(duty), duty.rule.clone(), says);
        self.queue.push_back(event);
    }

    fn told_whom(alert: &Alert) -> String {
        let of = |recipient: &duban_contracts::alert::Recipient| {
            let how = if recipient.how == "direct" { String::new() } else { format!("({})", recipient.how) };
            [recipient.post.as_str(), &recipient.person, &how].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let people = alert.recipients.iter().map(of).collect::<Vec<_>>().join(", ");
        if alert.trial { format!("{} would go → {people}", which(alert)) } else { format!("{} → {people}", which(alert)) }
    }

    /// A recurring duty comes round.
    pub fn come_round(&mut self, occurrence: Occurrence) {
        let opened = occurrence.duty;
        let id = ids::derived("occurrence", &[&opened.pack, &opened.rule, &opened.key]);
        let facts = Facts { unit: opened.unit.clone(), version: 1, ..Facts::default() };
        let mut duty = rules::from_rule(opened, Moment::of_round(id, occurrence.at), facts, self.policy, POLICY, Some(self.directory));
        duty.by_hand = true;
        let key = duty.matter();
        self.settle(&key, vec![duty]);
        self.settle_all();
    }

    /// The duty that is meant: of the rule, of this case where one is named, the one that was opened last.
    fn meant(&self, rule: &str, case: Option<&str>) -> Option<(MatterKey, usize)> {
        let found = self.duties.iter().flat_map(|(key, duties)| duties.iter().enumerate().map(move |(place, duty)| (key, place, duty)));
        let meant = found.filter(|(_, _, duty)| duty.rule == rule && !duty.shadowed && case.is_none_or(|case| self.about(duty) == case));
        meant.max_by_key(|(_, _, duty)| (duty.state.is_open(), duty.opened.at)).map(|(key, place, _)| (key.clone(), place))
    }

    /// Somebody acknowledges the newest alert of a duty that is open.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn acknowledge(&mut self, rule: &str, case: Option<&str>, person: &str) -> Result<(), Problem> {
        let is_meant = |duty: &Duty| duty.rule == rule && case.is_none_or(|case| self.about(duty) == case);
        let open = self.alerts.iter().rev().filter(|alert| alert.state == State::Open);
        let found = open.filter_map(|alert| {
            let mut all =
                self.duties.iter().flat_map(|(key, duties)| duties.iter().enumerate().map(move |(place, duty)| (key, place, duty)));
            let (key, place, duty) = all.find(|(_, _, duty)| duty.id == alert.duty && is_meant(duty))?;
            Some((key.clone(), place, duty.clone(), alert.clone()))
        });
        let (key, place, mut duty, alert) = found.into_iter().next().ok_or_else(Problem::not_found)?;
        let directory = recipients::open_to(self.directory, &duty.facts);
        let now = self.stamp(alert.raised_at);
        acknowledging::permit(&directory, &alert, &duty, person, now)?;
        let is_of_rung = |other: &Alert| other.duty == duty.id && other.run == alert.run && other.rung == alert.rung;
        let (mut rung, rest): (Vec<Alert>, Vec<Alert>) = std::mem::take(&mut self.alerts).into_iter().partition(is_of_rung);
        let by = Acknowledgement { person: person.to_owned(), at: now, link: None };
        let noted = acknowledging::note(&mut rung, alert.id, &by, &directory, &duty.facts.excluded_people);
        for changed in noted.changed.iter().filter_map(|place| rung.get(*place)) {
            let event = telling::of_alert(changed, &duty, "alert.acknowledged", self.stamp(now));
            let says = format!("{} by {person}", which(changed));
            self.line(&event, self.about(&duty), duty.rule.clone(), says);
            self.queue.push_back(event);
        }
        self.alerts = rest;
        self.alerts.extend(rung);
        self.alerts.sort_by_key(|alert| alert.raised_at);
        if noted.is_satisfied && alert.rung > 0 && alert.run == duty.run {
            let calendar = self.calendar_of(&duty);
            climb::acknowledge(&mut duty, alert.rung, now, calendar);
        }
        if let Some(kept) = self.duties.get_mut(&key).and_then(|duties| duties.get_mut(place)) {
            *kept = duty;
        }
        self.settle_all();
        Ok(())
    }

    /// Somebody does something else with a duty than doing it.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn act(&mut self, rule: &str, case: Option<&str>, person: &str, act: &DutyAct) -> Result<(), Problem> {
        let (key, place) = self.meant(rule, case).ok_or_else(Problem::not_found)?;
        let mut duty = self.duties[&key][place].clone();
        let asked = Asked { person, at: self.stamp(duty.opened.at), policy: self.policy, directory: self.directory };
        let (acted, rung) = acts::take(&mut duty, act, &asked)?;
        if matches!(acted.act, What::Extended | What::Resumed) {
            self.close_alerts(&duty);
        }
        self.tell_act(&mut duty, &acted);
        if let Some(rung) = rung {
            self.raise(&duty, &rung, None);
        }
        if let Some(kept) = self.duties.get_mut(&key).and_then(|duties| duties.get_mut(place)) {
            *kept = duty;
        }
        self.settle_all();
        Ok(())
    }

    /// Who owes a duty that no event ends says that it is done.
    ///
    /// # Errors
    /// There is none, an event ends it, or he does not owe it.
    pub fn close(&mut self, rule: &str, case: Option<&str>, person: &str) -> Result<(), Problem> {
        let (key, place) = self.meant(rule, case).ok_or_else(Problem::not_found)?;
        let mut duty = self.duties[&key][place].clone();
        if !duty.by_hand {
            return Err(Problem::refused(
                "closed-by-event",
                "It is closed by what is done, not by hand",
                "该责任事项由业务办理自动了结，不能手工关闭",
            ));
        }
        if !recipients::owes(self.directory, &duty, person, self.now) {
            return Err(Problem::forbidden(both("仅限责任人关闭", "only who owes the duty may close it")));
        }
        let at = self.stamp(duty.opened.at);
        let moment = Moment { event: Uuid::from_u128(1), subject: format!("duty/{}", duty.id), version: duty.version + 1, at };
        let ended = Ended { moment, cancelled: false, by: Some(person.to_owned()), note: None };
        if let Some(closing) = duty.end(&ended) {
            self.tell_change(&mut duty, Change::Closing(closing));
        }
        if let Some(kept) = self.duties.get_mut(&key).and_then(|duties| duties.get_mut(place)) {
            *kept = duty;
        }
        self.settle_all();
        Ok(())
    }
}

/// Which rung an alert is of, and the how manieth time.
fn which(alert: &Alert) -> String {
    let which = match alert.rung {
        ..0 if alert.sort == Sort::Awaited.as_str() => "waited for".to_owned(),
        ..0 => "reminder".to_owned(),
        0 => "urging".to_owned(),
        rung => format!("rung {rung}"),
    };
    if alert.repetition > 0 { format!("{which} again {}", alert.repetition) } else { which }
}

/// Where a case stands after an event.
fn stands(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut says = format!("{} · {} · {}", text("kind"), text("stage"), text("severity"));
    if body.get("unsorted").and_then(Value::as_bool) == Some(true) {
        says.push_str(" · unsorted");
    }
    match body.get("returns").and_then(Value::as_i64) {
        None | Some(0) => {}
        Some(returns) => says.push_str(&format!(" · returned {returns}")),
    }
    if let Some(carries) = body.get("carries").and_then(Value::as_i64).filter(|carries| *carries > 0) {
        says.push_str(&format!(" · carries {carries}"));
    }
    match body.pointer("/step/by").and_then(Value::as_str).unwrap_or_default() {
        "" => says,
        by => format!("{says} · by {by}"),
    }
}
