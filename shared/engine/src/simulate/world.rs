//! What stands while a scenario is played: cases, and the duties and alerts that come of them. What intake keeps in tables stands here in maps.

use super::particulars;
use super::timeline::Line;
use crate::case::{Case, Told};
use crate::contacts::Contacts;
use crate::duty::{Duty, Ended};
use crate::moment::Moment;
use crate::playing::{Heard, Of, POLICY, Place, Playing, as_read};
use crate::rehearsing::Past;
use crate::{judging, recipients, telling};
use duban_contracts::alert::Acknowledgement;
use duban_contracts::duty::DutyAct;
use duban_contracts::{NewEvent, Problem, Timestamp, both};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::Occurrence;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

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
    pub cases: Vec<Standing>,
    /// Cases by what they are recognised by: when received, and their place.
    pub known: HashMap<judging::Key, Vec<(Timestamp, usize)>>,
    pub sequences: BTreeMap<String, i64>,
    /// Versions of what is of no case.
    told: BTreeMap<String, i64>,
    duties: Playing<'a>,
    pub lines: Vec<Line>,
    /// What happened that duties come of: events of others, and what people did with duties.
    pub past: Vec<Past>,
}

impl<'a> World<'a> {
    pub fn new(policy: &'a Policy, directory: &'a Directory, start: Timestamp) -> Self {
        Self {
            policy,
            directory,
            contacts: Contacts::of(directory),
            cases: Vec::new(),
            known: HashMap::new(),
            sequences: BTreeMap::new(),
            told: BTreeMap::new(),
            duties: Playing::new(policy, directory, start),
            lines: Vec::new(),
            past: Vec::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.duties.now
    }

    /// Time passes.
    pub fn pass_to(&mut self, at: Timestamp) {
        self.duties.now = self.duties.now.max(at);
    }

    /// As the services' clock does: later than the cause, than now and than any time that was given before.
    pub fn stamp(&self, cause: Timestamp) -> Timestamp {
        self.duties.stamp(cause)
    }

    /// What was told of a case, to be read by what listens, and by who reads the timeline.
    pub fn tell(&mut self, place: usize, told: Vec<Told>) {
        for Told { event, .. } in told {
            let Some(standing) = self.cases.get(place) else { return };
            let says = serde_json::from_slice::<Value>(&event.body).map(|body| particulars::of_case(&body)).unwrap_or_default();
            let (about, what) = (standing.name.clone(), standing.case.number.clone());
            self.line(&event, about, what, says);
            self.hand_on(event);
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
        let event = NewEvent::new("intake", event, about, version, self.stamp(self.now()), &body).with_policy(POLICY);
        self.line(&event, unit.to_owned(), what, String::new());
        self.hand_on(event);
    }

    fn hand_on(&mut self, event: NewEvent) {
        self.past.push(Past::Event(as_read(event.clone())));
        self.duties.tell(event);
    }

    fn line(&mut self, event: &NewEvent, about: String, what: String, says: String) {
        let name = duban_contracts::subjects::event_name(&event.subject).unwrap_or_default().to_owned();
        self.lines.push(Line { at: event.time, event: name, about, what, says });
    }

    /// Lets the duties go on, and writes down what becomes of them.
    fn with_duties<T>(&mut self, go_on: impl FnOnce(&mut Playing<'a>, crate::playing::Hear<'_>) -> T) -> T {
        let Self { duties, lines, cases, policy, .. } = self;
        go_on(duties, &mut |heard| lines.extend(line_of(&heard, cases, policy.zone())))
    }

    /// Handles everything that was told, and what is told of that.
    pub fn settle_all(&mut self) {
        self.with_duties(|duties, hear| duties.settle_all(hear));
    }

    /// When the next duty's timer runs out.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.duties.next_timer()
    }

    /// Raises everything that is due now.
    pub fn tick(&mut self) {
        self.with_duties(|duties, hear| duties.tick(hear));
    }

    /// A recurring duty comes round.
    pub fn come_round(&mut self, occurrence: Occurrence) {
        self.with_duties(|duties, hear| duties.come_round(occurrence, hear));
    }

    fn is_meant(&self, duty: &Duty, rule: &str, case: Option<&str>) -> bool {
        duty.rule == rule && case.is_none_or(|case| about(duty, &self.cases) == case)
    }

    /// The duty that is meant: of the rule, of this case where one is named, the one that was opened last.
    fn meant(&self, rule: &str, case: Option<&str>) -> Option<Place> {
        let meant = self.duties.places().filter(|(_, duty)| !duty.shadowed && self.is_meant(duty, rule, case));
        meant.max_by_key(|(_, duty)| (duty.state.is_open(), duty.opened.at)).map(|(place, _)| place)
    }

    /// Somebody acknowledges the newest alert of a duty that is open.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn acknowledge(&mut self, rule: &str, case: Option<&str>, person: &str) -> Result<(), Problem> {
        let meant = self.duties.places().filter(|(_, duty)| self.is_meant(duty, rule, case));
        let open = meant.flat_map(|(place, duty)| self.duties.open_alerts(duty.id).map(move |alert| (place.clone(), alert)));
        let newest = open.max_by_key(|(_, alert)| alert.raised_at);
        let (place, alert, raised_at) = newest.map(|(place, alert)| (place, alert.id, alert.raised_at)).ok_or_else(Problem::not_found)?;
        let by = Acknowledgement { person: person.to_owned(), at: self.stamp(raised_at), link: None };
        let duty = self.duties.at(&place).ok_or_else(Problem::not_found)?.id;
        self.past.push(Past::Acknowledged { duty, alert, by: by.clone() });
        self.with_duties(|duties, hear| duties.acknowledge(&place, alert, by, hear))
    }

    /// Somebody does something else with a duty than doing it.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn act(&mut self, rule: &str, case: Option<&str>, person: &str, act: &DutyAct) -> Result<(), Problem> {
        let place = self.meant(rule, case).ok_or_else(Problem::not_found)?;
        let duty = self.duties.at(&place).ok_or_else(Problem::not_found)?;
        let (duty, at) = (duty.id, self.stamp(duty.opened.at));
        self.past.push(Past::Acted { duty, person: person.to_owned(), at, act: act.clone() });
        self.with_duties(|duties, hear| duties.act(&place, (person, at), act, hear))
    }

    /// Who owes a duty that no event ends says that it is done.
    ///
    /// # Errors
    /// There is none, an event ends it, or he does not owe it.
    pub fn close(&mut self, rule: &str, case: Option<&str>, person: &str) -> Result<(), Problem> {
        let place = self.meant(rule, case).ok_or_else(Problem::not_found)?;
        let duty = self.duties.at(&place).ok_or_else(Problem::not_found)?;
        if !duty.by_hand {
            return Err(Problem::refused(
                "closed-by-event",
                "It is closed by what is done, not by hand",
                "该责任事项由业务办理自动了结，不能手工关闭",
            ));
        }
        if !recipients::owes(self.directory, duty, person, self.now()) {
            return Err(Problem::forbidden(both("仅限责任人关闭", "only who owes the duty may close it")));
        }
        let at = self.stamp(duty.opened.at);
        let moment = Moment { event: Uuid::from_u128(1), subject: format!("duty/{}", duty.id), version: duty.version + 1, at };
        let ended = Ended { moment, cancelled: false, by: Some(person.to_owned()), note: None };
        self.past.push(Past::ClosedByHand { duty: duty.id, ended: ended.clone() });
        self.with_duties(|duties, hear| duties.close_by_hand(&place, &ended, hear));
        Ok(())
    }
}

/// What the timeline says of what became of a duty.
fn line_of(heard: &Heard<'_>, cases: &[Standing], zone: &TimeZone) -> Option<Line> {
    let duty = heard.duty;
    let says = match &heard.of {
        Of::Moved => return None,
        Of::Duty => particulars::of_duty(heard.event, &duty.told(), zone),
        Of::Act(acted) => particulars::of_duty(heard.event, &telling::acted(duty, acted), zone),
        Of::Alert(alert) => particulars::of_alert(&alert.told(duty)),
        Of::Acknowledged(alert, person) => particulars::acknowledged(&alert.told(duty), Some(person)),
    };
    Some(Line { at: heard.at, event: heard.event.to_owned(), about: about(duty, cases), what: duty.rule.clone(), says })
}

fn about(duty: &Duty, cases: &[Standing]) -> String {
    let of_case = duty.case.and_then(|id| cases.iter().find(|standing| standing.case.id == id));
    of_case.map_or_else(|| duty.facts.unit.clone(), |standing| standing.name.clone())
}
