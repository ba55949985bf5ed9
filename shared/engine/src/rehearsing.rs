//! A rehearsal (推演): a draft of a set of packs over what really happened, and what it makes for posts and people. Pure.
//!
//! Events are played as they happened: kind, stage and unit are those of then, and whoever acted acts again, if the draft has left him anything to
//! act on. The severity of a case is judged by the draft where it was that which the set of then gives by the same facts; where a person set it, or it
//! hung on what events do not carry, it stays. What is counted as real comes from what was kept. Nothing is on trial in a rehearsal: it shows what
//! would be for real.

use crate::alert::Alert;
use crate::duty::{Duty, Ended};
use crate::playing::{Heard, Of, Playing};
use duban_contracts::alert::Acknowledgement;
use duban_contracts::duty::DutyAct;
use duban_contracts::rehearsal::Counts;
use duban_contracts::{Event, Timestamp};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::Occurrence;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// So long after its end a matter may still be opened again as the same.
const ENDED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// So long a close may wait for what it ends: recurring duties are handed in before they come round.
const CLOSED: SignedDuration = SignedDuration::from_hours(45 * 24);
/// Rounds of recurring duties are looked up so far ahead.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Past {
    /// A service told it, escalation excepted.
    Event(Event),
    Acknowledged {
        duty: Uuid,
        alert: Uuid,
        by: Acknowledgement,
    },
    Acted {
        duty: Uuid,
        person: String,
        at: Timestamp,
        act: DutyAct,
    },
    ClosedByHand {
        duty: Uuid,
        ended: Ended,
    },
}

impl Past {
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event(event) => event.time,
            Self::Acknowledged { by, .. } => by.at,
            Self::Acted { at, .. } => *at,
            Self::ClosedByHand { ended, .. } => ended.moment.at,
        }
    }
}

/// Counts by post and person, and by week (its Monday).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub posts: BTreeMap<String, BTreeMap<Date, Counts>>,
    /// Alerts alone: duties are owed by posts.
    pub people: BTreeMap<String, BTreeMap<Date, Counts>>,
    /// Each alert once, however many posts it went to.
    pub in_all: Counts,
}

/// The Monday of an instant's week, by the organisation's wall.
pub fn monday(at: Timestamp, zone: &TimeZone) -> Date {
    let date = zone.to_datetime(at).date();
    date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).unwrap_or(date)
}

/// The set that a case was judged by, by its version.
pub type SetOfThen<'a> = Box<dyn Fn(i64) -> Option<Arc<Policy>> + 'a>;

/// A rehearsal that goes on.
pub struct Rehearsal<'a> {
    playing: Playing<'a>,
    then: SetOfThen<'a>,
    packs: BTreeSet<String>,
    book: Book<'a>,
    /// Rounds of recurring duties that are to come, up to `rounds_until`.
    rounds: VecDeque<Occurrence>,
    rounds_until: Timestamp,
    swept: Timestamp,
    pub played: i64,
    pub left_out: i64,
}

/// What is counted while it goes on.
struct Book<'a> {
    zone: &'a TimeZone,
    duties: HashMap<Uuid, Entry>,
    tally: Tally,
}

struct Entry {
    post: String,
    opened: Date,
    breached: Option<Date>,
}

impl<'a> Rehearsal<'a> {
    /// `packs`: whose rules are played; none: all.
    pub fn new(policy: &'a Policy, directory: &'a Directory, then: SetOfThen<'a>, packs: BTreeSet<String>, since: Timestamp) -> Self {
        let playing = Playing::new(policy, directory, since).for_real();
        Self {
            then,
            playing: if packs.is_empty() { playing } else { playing.of_packs(packs.clone()) },
            packs,
            book: Book { zone: policy.zone(), duties: HashMap::new(), tally: Tally::default() },
            rounds: VecDeque::new(),
            rounds_until: since,
            swept: since,
            played: 0,
            left_out: 0,
        }
    }

    /// Plays what happened, each later than what was played before.
    pub fn take(&mut self, past: Past) {
        // What is done at the very time at which it is due is done in time.
        let at = past.at();
        self.take_at(past, Timestamp::from_microsecond(at.as_microsecond() - 1).unwrap_or(at));
    }

    /// The same, by a clock that shows this time while it happens.
    fn take_at(&mut self, past: Past, now: Timestamp) {
        self.pass_to(now);
        self.played += 1;
        let past = match past {
            Past::Event(event) if event.name().starts_with("case.") => Past::Event(self.judged_anew(event)),
            other => other,
        };
        let Self { playing, book, .. } = self;
        let hear = &mut |heard: Heard<'_>| book.hear(&heard);
        let is_of_use = match past {
            Past::Event(event) => {
                playing.handle(&event, hear);
                playing.settle_all(hear);
                true
            }
            Past::Acknowledged { duty, alert, by } => {
                let open: Vec<Uuid> = playing.open_alerts(duty).map(|alert| alert.id).collect();
                // He took notice of the matter: where the draft asks by another alert, that is the one.
                let meant = open.iter().find(|open| **open == alert).or(open.last()).copied();
                let place = playing.place_of(duty);
                meant.zip(place).is_some_and(|(alert, place)| playing.acknowledge(&place, alert, by, hear).is_ok())
            }
            Past::Acted { duty, person, at, act } => {
                playing.place_of(duty).is_some_and(|place| playing.act(&place, (&person, at), &act, hear).is_ok())
            }
            Past::ClosedByHand { duty, ended } => {
                let place = playing.place_of(duty).filter(|place| playing.at(place).is_some_and(|duty| duty.state.is_open()));
                place.map(|place| playing.close_by_hand(&place, &ended, hear)).is_some()
            }
        };
        self.left_out += i64::from(!is_of_use);
    }

    /// A case as severe as the draft judges it.
    fn judged_anew(&self, mut event: Event) -> Event {
        let severity = || {
            let facts: Value = event.parse().ok()?;
            let named = |member: &str| facts.get(member).and_then(Value::as_str);
            let (pack, kind, severity) = (named("pack")?, named("kind")?, named("severity")?);
            let (then, draft) = ((self.then)(event.policy)?, self.playing.policy);
            let by_then = then.severity_of(then.kind(pack, kind)?, &facts).0;
            let by_draft = draft.severity_of(draft.kind(pack, kind)?, &facts).0;
            (by_then == severity && by_draft != severity).then_some((facts, by_draft))
        };
        if let Some((mut facts, by_draft)) = severity() {
            facts["severity"] = by_draft.into();
            event.body = facts.to_string().into_bytes();
        }
        event
    }

    /// Lets time pass: duties come round and fall due, each at its time.
    pub fn pass_to(&mut self, until: Timestamp) {
        loop {
            self.look_ahead(until);
            let Self { playing, book, rounds, .. } = self;
            let hear = &mut |heard: Heard<'_>| book.hear(&heard);
            let timer = playing.next_timer().filter(|at| *at <= until);
            let round = rounds.front().map(|round| round.at).filter(|at| *at <= until);
            match (timer, round) {
                (timer, Some(at)) if timer.is_none_or(|timer| at <= timer) => {
                    playing.now = playing.now.max(at);
                    if let Some(round) = rounds.pop_front() {
                        playing.come_round(round, hear);
                    }
                }
                (Some(at), _) => {
                    playing.now = playing.now.max(at);
                    playing.tick(hear);
                }
                (None, _) if self.rounds_until >= until => break,
                (None, _) => {}
            }
        }
        self.playing.now = self.playing.now.max(until);
        if until.duration_since(self.swept) > DAY {
            self.swept = until;
            let before = |long: SignedDuration| until.saturating_sub(long).unwrap_or(until);
            self.playing.forget(before(ENDED), before(CLOSED));
        }
    }

    /// Looks up the rounds of the next day once those of the last have come.
    fn look_ahead(&mut self, until: Timestamp) {
        if !self.rounds.is_empty() || self.rounds_until >= until {
            return;
        }
        let next = self.rounds_until.saturating_add(DAY).map_or(until, |next| next.min(until.max(self.rounds_until)));
        let packs = &self.packs;
        let is_played = |pack: &duban_policy::policy::Pack| packs.is_empty() || packs.contains(&pack.id);
        self.rounds = self.playing.policy.recurring_of(self.rounds_until, next, |pack, _| is_played(pack)).into();
        self.rounds_until = next;
    }

    /// Lets the rest of the time pass, and gives what it made. None: it was left before the end, which is asked for each day.
    pub fn finish_at(mut self, until: Timestamp, goes_on: impl Fn() -> bool) -> Option<Tally> {
        while self.playing.now < until {
            if !goes_on() {
                return None;
            }
            let tomorrow = self.playing.now.saturating_add(DAY).unwrap_or(until);
            self.pass_to(tomorrow.min(until));
        }
        Some(self.book.close())
    }
}

impl Book<'_> {
    fn hear(&mut self, heard: &Heard<'_>) {
        match heard.of {
            Of::Alert(alert) => self.raised(alert),
            Of::Acknowledged(..) => {}
            Of::Duty if heard.event == "duty.opened" => self.open(heard.duty),
            Of::Duty | Of::Moved | Of::Act(_) => self.change(heard),
        }
    }

    fn open(&mut self, duty: &Duty) {
        let opened = monday(duty.opened.at, self.zone);
        self.duties.insert(duty.id, Entry { post: duty.owed_by.clone(), opened, breached: None });
    }

    fn change(&mut self, heard: &Heard<'_>) {
        if heard.duty.shadowed {
            self.duties.remove(&heard.duty.id);
            return;
        }
        let Some(entry) = self.duties.get_mut(&heard.duty.id) else { return };
        // As it stands: withdrawn, or given more time, it was not missed after all.
        let missed = heard.duty.breached_at.filter(|_| heard.duty.withdrawn_at.is_none());
        entry.breached = missed.map(|at| monday(at, self.zone));
        if entry.post != heard.duty.owed_by {
            entry.post.clone_from(&heard.duty.owed_by);
        }
    }

    fn raised(&mut self, alert: &Alert) {
        let week = monday(alert.raised_at, self.zone);
        self.tally.in_all.alerts += 1;
        let posts: BTreeSet<&str> = alert.recipients.iter().map(|recipient| recipient.post.as_str()).collect();
        let people: BTreeSet<&str> = alert.recipients.iter().map(|recipient| recipient.person.as_str()).collect();
        for post in posts {
            self.tally.posts.entry(post.to_owned()).or_default().entry(week).or_default().alerts += 1;
        }
        for person in people {
            self.tally.people.entry(person.to_owned()).or_default().entry(week).or_default().alerts += 1;
        }
    }

    fn close(mut self) -> Tally {
        for entry in self.duties.into_values() {
            let weeks = self.tally.posts.entry(entry.post).or_default();
            weeks.entry(entry.opened).or_default().duties += 1;
            self.tally.in_all.duties += 1;
            if let Some(breached) = entry.breached {
                weeks.entry(breached).or_default().breaches += 1;
                self.tally.in_all.breaches += 1;
            }
        }
        self.tally
    }
}

impl Tally {
    /// By people: the alerts that came to them, and the duties of the posts that they hold at this time.
    pub fn of_people(&self, directory: &Directory, at: Timestamp) -> BTreeMap<String, BTreeMap<Date, Counts>> {
        let mut people = self.people.clone();
        for (post, weeks) in &self.posts {
            let holders = directory.post(post).map(|post| directory.holders(post, at)).unwrap_or_default();
            for (person, (week, counts)) in holders.iter().flat_map(|person| weeks.iter().map(move |week| (person, week))) {
                people.entry(person.id.clone()).or_default().entry(*week).or_default().add(Counts { alerts: 0, ..*counts });
            }
        }
        people
    }
}

#[cfg(test)]
mod tests;
