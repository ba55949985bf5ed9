//! Duties: which events open and close them, what they say, by when they are due and who is told.

use super::correction::Ruling;
use super::kind::Actor;
use super::template::Template;
use super::timing::{Counted, basis_of};
use super::{Listening, Pack, Policy, carried, fallen};
use crate::Title;
use crate::calendar::{Calendar, Duration, Term};
use crate::condition::Condition;
use crate::ladder::{Plan, Until, Who};
use duban_contracts::Timestamp;
use duban_contracts::case::MERGED;
use serde_json::Value;

/// A rule that makes a duty, compiled.
#[derive(Debug, Clone)]
pub struct DutyRule {
    pub pack: String,
    pub id: String,
    pub article: String,
    /// Rule ids of regulations.md that it carries.
    pub rules: Vec<String>,
    pub title_zh: Template,
    pub title_en: Template,
    pub link: Template,
    pub opens: Vec<Trigger>,
    pub closes: Vec<Trigger>,
    /// Cancels without having been done.
    pub cancels: Vec<Trigger>,
    pub key: Template,
    /// In order of preference: the first that somebody can be found for owes it.
    pub owed_by: Vec<Actor>,
    pub owed_to: Vec<Actor>,
    pub within: Vec<When>,
    /// Event member with the instant from which time counts, or the date whose end it is; None: the event's own time.
    pub from: Option<Start>,
    /// Overrides the unit's calendar.
    pub calendar: Option<String>,
    pub remind: Vec<Reminder>,
    pub pause: Pausing,
    /// Whether who decides over the unit may grant more time.
    pub may_be_extended: bool,
    pub ladder: Option<String>,
}

impl DutyRule {
    /// Whether the close of a case is what it waits for: its due time is what the public is told of the case.
    pub fn is_closed_by_closing(&self) -> bool {
        self.closes.iter().any(|trigger| trigger.event == "case.closed")
    }
}

/// Who may stop a duty's clock.
#[derive(Debug, Clone)]
pub enum Pausing {
    /// Who decides over the unit.
    ByDecision,
    /// Also who owes it, so long in all.
    Within(Amount),
    Never,
    /// A parameter that says which: `5wd`, `never`, `by decision`.
    Parameter(String),
}

/// An event that starts or ends something, where its condition holds.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub event: String,
    pub when: Option<Condition>,
    /// Also sees events of cases that are under other packs.
    pub any_pack: bool,
    /// Key of its own, where the closing event names the matter otherwise.
    pub key: Option<Template>,
}

/// A term, where its condition holds; the first that holds counts.
#[derive(Debug, Clone)]
pub struct When {
    pub when: Option<Condition>,
    pub term: TermSource,
}

/// A duration as written, or a parameter that holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    Fixed(Duration),
    Parameter(String),
}

/// From when a duty's time counts, where that is not simply the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A member of the event.
    Member(String),
    /// A parameter that names one, or the event itself: `received_at`, `event`.
    Parameter(String),
}

/// What a parameter says that lets time count from the event itself.
pub(super) const EVENT: &str = "event";

/// Where a term comes from.
#[derive(Debug, Clone)]
pub enum TermSource {
    Fixed(Term),
    /// A parameter of the pack; the organisation may override it, also per unit.
    Parameter(String),
    /// The event's field holds the date (its end) or instant; otherwise the term.
    Field {
        field: String,
        /// So long before that.
        before: Option<Amount>,
        otherwise: Box<TermSource>,
    },
}

#[derive(Debug, Clone)]
pub enum Reminder {
    /// So long before due.
    Before(Amount),
    /// After so many hundredths of the period.
    Share(u8),
    /// A parameter that says either: `80%`, `12h before`.
    Parameter(String),
}

/// The words for what nobody may, and for what only who decides over the unit may.
pub(super) const NEVER: &str = "never";
pub(super) const BY_DECISION: &str = "by decision";

impl Reminder {
    /// As written without parameters: `80%`, `12h before`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hundredths = |share: &str| share.parse::<u8>().ok().filter(|share| (1..=99).contains(share));
        match (text.strip_suffix('%'), text.strip_suffix(" before")) {
            (Some(share), _) => hundredths(share).map(Self::Share),
            (None, Some(span)) => span.parse().ok().map(|span| Self::Before(Amount::Fixed(span))),
            (None, None) => None,
        }
    }
}

impl Pausing {
    /// As written without parameters: `5wd`, `never`, `by decision`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            NEVER => Some(Self::Never),
            BY_DECISION => Some(Self::ByDecision),
            span => span.parse().ok().map(|span| Self::Within(Amount::Fixed(span))),
        }
    }
}

/// A ladder, compiled.
#[derive(Debug, Clone)]
pub struct Ladder {
    pub id: String,
    pub title: Title,
    pub article: String,
    pub rules: Vec<String>,
    pub rungs: Vec<Rung>,
}

#[derive(Debug, Clone)]
pub struct Rung {
    pub at: RungAt,
    pub tell: Vec<Actor>,
    pub until: Until,
    pub repeat: Option<Amount>,
    pub hold: Amount,
    pub urgent: bool,
    /// Until working hours.
    pub held: bool,
    pub when: Option<Condition>,
}

#[derive(Debug, Clone)]
pub enum RungAt {
    Opened,
    Due,
    After(Amount),
    Before(Amount),
}

/// An event as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct EventFacts<'a> {
    /// `case.registered`.
    pub name: &'a str,
    /// `ce-time`.
    pub time: Timestamp,
    /// The event's body. Members `pack` and `unit` decide whose rules see it.
    pub facts: &'a Value,
}

/// A duty to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedDuty {
    pub pack: String,
    pub rule: String,
    pub article: String,
    pub key: String,
    pub title: Title,
    pub link: String,
    pub unit: String,
    /// In order of preference; the first resolves or the next counts.
    pub owed_by: Vec<Who>,
    pub owed_to: Vec<Who>,
    /// From when its time counts.
    pub from: Timestamp,
    pub due: Timestamp,
    /// What `due` was counted by; None for a date in a field.
    pub term: Option<Term>,
    /// Name of the calendar that its plan counts in.
    pub calendar: String,
    pub plan: Plan,
}

/// A duty to be closed (or cancelled): all open ones of this rule and key that were opened before the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedDuty {
    pub pack: String,
    pub rule: String,
    pub key: String,
    /// Not done but fallen away.
    pub cancelled: bool,
}

impl Policy {
    /// The duties that an event opens, with due times, reminders and rungs.
    pub fn duties_opened(&self, event: &EventFacts<'_>) -> Vec<OpenedDuty> {
        let mut opened = Vec::new();
        // A case that was merged is dealt with in the other: its close opens nothing.
        if event.name.starts_with("case.") && event.facts.get("outcome").and_then(Value::as_str) == Some(MERGED) {
            return opened;
        }
        // Nor does one that its master stands for owe anything itself.
        if event.name.starts_with("case.") && event.facts.get("carried_by").is_some_and(Value::is_string) {
            return opened;
        }
        opened.extend(self.given_back(event));
        for (pack, rule, trigger) in self.seen_by(event, &self.listening.openers, |rule| &rule.opens) {
            let key = trigger.key.as_ref().unwrap_or(&rule.key).fill(event.facts);
            let calendar = self.calendar_for(rule, unit_of(event.facts));
            let from = self.start(pack, rule, event.facts, calendar).unwrap_or(event.time);
            let duty = self.opened_as_ruled(pack, rule, key, from, event);
            if !opened.iter().any(|other: &OpenedDuty| other.rule == duty.rule && other.pack == duty.pack && other.key == duty.key) {
                opened.push(duty);
            }
        }
        opened
    }

    /// The duties that an event closes, and those that fall away by it.
    pub fn duties_closed(&self, event: &EventFacts<'_>) -> Vec<ClosedDuty> {
        let mut closed: Vec<ClosedDuty> = Vec::new();
        let closing: fn(&DutyRule) -> &[Trigger] = |rule| &rule.closes;
        let cancelling: fn(&DutyRule) -> &[Trigger] = |rule| &rule.cancels;
        for (cancelled, listeners, triggers) in [(false, &self.listening.closers, closing), (true, &self.listening.cancellers, cancelling)]
        {
            for (pack, rule, trigger) in self.seen_by(event, listeners, triggers) {
                let key = trigger.key.as_ref().unwrap_or(&rule.key).fill(event.facts);
                let duty = ClosedDuty { pack: pack.id.clone(), rule: rule.id.clone(), key, cancelled };
                if !closed.contains(&duty) {
                    closed.push(duty);
                }
            }
        }
        let fallen = self.fallen_away(event);
        // What the event ends as done has not fallen away.
        let is_new = |fallen: &ClosedDuty| {
            !closed.iter().any(|other| other.pack == fallen.pack && other.rule == fallen.rule && other.key == fallen.key)
        };
        let fallen: Vec<ClosedDuty> = fallen.into_iter().filter(is_new).collect();
        closed.extend(fallen);
        closed
    }

    /// True if no rule listens to this event, and nothing falls away or is given back by it: nothing to do for escalation.
    pub fn ignores(&self, event: &str) -> bool {
        let Listening { openers, closers, cancellers } = &*self.listening;
        !fallen::MAY_END_DUTIES.contains(&event)
            && event != carried::DETACHED
            && ![openers, closers, cancellers].into_iter().any(|listeners| listeners.contains_key(event))
    }

    pub fn duty_rule(&self, pack: &str, rule: &str) -> Option<&DutyRule> {
        self.pack(pack)?.duty_rules().find(|duty| duty.id == rule)
    }

    /// How long in all who owes a duty of this rule may stop its clock.
    pub fn pause_allowed(&self, pack: &str, rule: &str, unit: &str) -> Option<Duration> {
        let Ruling { policy, pack, rule } = self.ruling(pack, rule)?;
        match policy.pausing(pack, &rule.pause, unit) {
            Pausing::Within(amount) => policy.amount(pack, &amount, unit),
            Pausing::ByDecision | Pausing::Never | Pausing::Parameter(_) => None,
        }
    }

    /// With its parameter looked up. Every parameter was checked when the set was compiled; without it nobody might.
    pub(super) fn pausing(&self, pack: &Pack, pausing: &Pausing, unit: &str) -> Pausing {
        let Pausing::Parameter(name) = pausing else { return pausing.clone() };
        self.figure(&pack.id, name, unit).and_then(|value| Pausing::parse(&value)).unwrap_or(Pausing::Never)
    }

    /// Whether anybody may stop the clock of a duty of this rule.
    pub fn may_be_paused(&self, pack: &str, rule: &str, unit: &str) -> bool {
        self.ruling(pack, rule).is_none_or(|ruling| !matches!(ruling.policy.pausing(ruling.pack, &ruling.rule.pause, unit), Pausing::Never))
    }

    /// Whether anybody may grant more time for a duty of this rule.
    pub fn may_be_extended(&self, pack: &str, rule: &str) -> bool {
        self.ruling(pack, rule).is_none_or(|ruling| ruling.rule.may_be_extended)
    }

    /// The rules that see this event, with the trigger that lets them: those of the event's own pack, those that look at every pack, and
    /// for events without a pack those of all packs that bind the unit.
    fn seen_by<'a>(
        &'a self,
        event: &EventFacts<'_>,
        listeners: &'a super::Listeners,
        triggers: fn(&DutyRule) -> &[Trigger],
    ) -> Vec<(&'a Pack, &'a DutyRule, &'a Trigger)> {
        let facts = event.facts;
        let own = facts.get("pack").and_then(Value::as_str);
        let unit = unit_of(facts);
        let listening = listeners.get(event.name).into_iter().flatten();
        let concerned = listening.filter(|place| own.is_none_or(|own| own == &*place.pack || place.any_pack));
        let found = concerned.filter_map(|place| {
            let (pack, rule, trigger) = self.at(place, triggers)?;
            let concerned = own.is_some() || self.packs_of(unit, event.time).iter().any(|bound| bound.id == pack.id);
            let figures = |name: &str| self.figure(&pack.id, name, unit);
            let holds = concerned && trigger.when.as_ref().is_none_or(|when| when.holds(facts, &figures));
            holds.then_some((pack, rule, trigger))
        });
        found.collect()
    }

    /// A duty as its rule has it, or as a later version corrects it.
    pub(super) fn opened_as_ruled(&self, pack: &Pack, rule: &DutyRule, key: String, from: Timestamp, event: &EventFacts<'_>) -> OpenedDuty {
        match self.ruled_by(&pack.id, &rule.id).and_then(|later| later.ruling(&pack.id, &rule.id)) {
            Some(later) => later.policy.opened(later.pack, later.rule, key, from, event.time, event.facts),
            None => self.opened(pack, rule, key, from, event.time, event.facts),
        }
    }

    pub(super) fn opened(
        &self,
        pack: &Pack,
        rule: &DutyRule,
        key: String,
        from: Timestamp,
        opened: Timestamp,
        facts: &Value,
    ) -> OpenedDuty {
        let unit = unit_of(facts).to_owned();
        let calendar = self.calendar_for(rule, &unit);
        let Counted { due, term } = self.due(pack, rule, from, facts, &unit, calendar);
        let basis = basis_of(term);
        let who = |actors: &[Actor]| actors.iter().filter_map(|actor| self.who(pack, rule, actor, &unit, facts)).collect::<Vec<_>>();
        let mut plan = Plan { reminders: self.reminders(pack, rule, from, due, basis, &unit, calendar), rungs: Vec::new() };
        plan.reminders.retain(|at| *at > opened);
        if let Some(ladder) = rule.ladder.as_deref().and_then(|ladder| pack.ladders.get(ladder)) {
            plan.rungs = self.rungs(pack, rule, ladder, due, opened, facts, &unit, calendar);
        }
        OpenedDuty {
            pack: pack.id.clone(),
            rule: rule.id.clone(),
            article: rule.article.clone(),
            key,
            title: Title::new(rule.title_zh.fill(facts), rule.title_en.fill(facts)),
            link: rule.link.fill(facts),
            owed_by: who(&rule.owed_by),
            owed_to: who(&rule.owed_to),
            from,
            due,
            term,
            calendar: calendar.name.clone(),
            plan,
            unit,
        }
    }

    pub(super) fn calendar_for(&self, rule: &DutyRule, unit: &str) -> &Calendar {
        rule.calendar.as_deref().and_then(|name| self.calendar(name)).unwrap_or_else(|| self.calendar_of(unit))
    }

    /// Ladders name the duty's own people by what they are to it.
    pub(super) fn told(&self, pack: &Pack, rule: &DutyRule, actor: &Actor, unit: &str, facts: &Value) -> Vec<Who> {
        let all = |actors: &[Actor]| actors.iter().filter_map(|actor| self.who(pack, rule, actor, unit, facts)).collect::<Vec<_>>();
        match actor {
            Actor::Owner => all(&rule.owed_by).into_iter().take(1).collect(),
            Actor::OwedTo => all(&rule.owed_to),
            actor => self.who(pack, rule, actor, unit, facts).into_iter().collect(),
        }
    }

    pub(super) fn who(&self, pack: &Pack, rule: &DutyRule, actor: &Actor, unit: &str, facts: &Value) -> Option<Who> {
        let first_post = || {
            let role = rule.owed_by.iter().find_map(|actor| if let Actor::Role(role) = actor { Some(role) } else { None });
            role.map(|role| self.post_for(&pack.id, role, unit))
        };
        match actor {
            Actor::Role(role) => Some(Who::Post(self.post_for(&pack.id, role, unit))),
            // Nobody assigned, and no role named beside: whoever heads the unit.
            Actor::Handler => Some(Who::Handler { otherwise: first_post().unwrap_or_else(|| self.head_of(unit)) }),
            Actor::Field(field) => {
                facts.get("fields")?.get(field)?.as_str().filter(|id| !id.is_empty()).map(|id| Who::Person(id.to_owned()))
            }
            Actor::Superior => Some(Who::Superior(first_post().unwrap_or_else(|| self.head_of(unit)))),
            Actor::Reporter => None,
            Actor::Owner | Actor::OwedTo => None,
        }
    }
}

pub(super) fn unit_of(facts: &Value) -> &str {
    facts.get("unit").and_then(Value::as_str).unwrap_or_default()
}
