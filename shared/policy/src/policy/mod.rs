//! A compiled policy set: every pack, calendar and binding of one version, checked, ready to be asked.

pub mod approval;
mod carried;
mod compile;
mod correctable;
mod correctable_kind;
pub mod correction;
mod coverage;
pub mod declaration;
mod describe;
mod diff;
mod duty;
mod explain;
mod expression;
pub mod extent;
mod fallen;
mod field;
mod hand_in;
mod judge;
mod kind;
mod number;
pub mod paper;
mod parameter;
mod period;
mod players;
mod recount;
mod recurring;
mod retiming;
mod step;
mod template;
mod timing;
pub mod trial;
mod vocabulary;
mod without;
mod worded;

pub use compile::comes_from_others;
pub use coverage::Covered;
pub use diff::Change;
pub use duty::{Amount, ClosedDuty, DutyRule, EventFacts, Ladder, OpenedDuty, Pausing, Reminder, Rung, RungAt, TermSource, Trigger, When};
pub use field::{BadField, check_fields};
pub use hand_in::HandIn;
pub use judge::{Judgement, ReportFacts};
pub use kind::{Actor, Choice, Field, FieldSort, FollowsClosed, Kind, Limit, Repeats, Returning, Severity, Stage, Step, StepSort};
pub use number::NumberPattern;
pub use recount::{Recount, Recounted};
pub use recurring::{Every, Occurrence, RecurringRule};
pub use retiming::{Retimed, Timed};
pub use step::{CaseFacts, Permitted, Refusal};
pub use template::Template;
pub use timing::basis_of;

use crate::calendar::Calendar;
use crate::directory::Directory;
use crate::{Diagnostic, Title};
use declaration::{Declarations, Phrase};
use duban_contracts::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A pack, compiled.
#[derive(Debug, Clone)]
pub struct Pack {
    pub id: String,
    pub title: Title,
    /// `R13`, where it carries one of the seventeen.
    pub regulation: Option<String>,
    pub purpose: Option<Title>,
    pub scope: Option<Title>,
    pub in_force: Option<Title>,
    pub interpretation: Option<Phrase>,
    /// Rules that are metadata alone.
    pub rules: Vec<String>,
    pub parameters: BTreeMap<String, Parameter>,
    /// Titles by role id.
    pub roles: BTreeMap<String, Title>,
    pub kinds: Vec<Kind>,
    pub duties: Vec<DutyRule>,
    pub recurring: Vec<RecurringRule>,
    pub ladders: BTreeMap<String, Ladder>,
    /// What is checked and explained, and runs with later engines.
    pub declarations: Declarations,
    /// Rules that a later version runs, or that have nothing to run.
    pub set_aside: Vec<Set>,
}

impl Pack {
    /// Every rule that owes something, the recurring ones too.
    pub fn duty_rules(&self) -> impl Iterator<Item = &DutyRule> {
        self.duties.iter().chain(self.recurring.iter().map(|recurring| &recurring.rule))
    }
}

/// A figure that the source leaves open, or words.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub title: Title,
    /// The pack's default; the organisation may override it. A figure is the same in both languages.
    pub value: Title,
    pub article: Option<String>,
    pub note: Option<Title>,
    pub rules: Vec<String>,
    /// Whether something that runs uses it, and not declarations alone.
    pub runs: bool,
}

/// Rules set aside.
#[derive(Debug, Clone)]
pub struct Set {
    pub rules: Vec<String>,
    pub article: String,
    /// What will carry them (`decision`, `survey` …), or why nothing does (`exhortation`, `metadata`).
    pub with: String,
    pub says: Title,
    /// A later version of Duban runs them.
    pub later: bool,
}

/// The organisation's own figures by pack and parameter: unit (None: everywhere) and value.
type Overrides = BTreeMap<(String, String), Vec<(Option<String>, Title)>>;

/// Which rules listen to an event, by its name.
type Listeners = BTreeMap<String, Vec<Place>>;

/// All that listens: by what opens, closes and cancels.
#[derive(Debug, Default)]
struct Listening {
    openers: Listeners,
    closers: Listeners,
    cancellers: Listeners,
}

/// A trigger's place: pack, number of the rule (duties, then recurring ones), number of the trigger.
#[derive(Debug, Clone)]
struct Place {
    pack: Arc<str>,
    /// As the trigger says: kept here too, since of seventeen regulations' rules an event concerns those of one.
    any_pack: bool,
    rule: usize,
    trigger: usize,
}

/// A pack binds a unit and those below it.
#[derive(Debug, Clone)]
struct Binding {
    pack: String,
    unit: String,
    from: Timestamp,
    until: Option<Timestamp>,
    instead_of: Vec<String>,
}

/// Posts that play a pack's roles, everywhere or in a unit and below.
#[derive(Debug, Clone)]
struct Plays {
    pack: String,
    unit: Option<String>,
    /// Of several posts the first that the unit has.
    roles: BTreeMap<String, Vec<String>>,
}

/// A whole policy set, compiled. Cheap to ask, shared behind an `Arc`.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Shared between sets that differ in one of them, as is what stands behind `Arc` below.
    packs: BTreeMap<String, Arc<Pack>>,
    calendars: Arc<BTreeMap<String, Calendar>>,
    /// Of units that name none.
    calendar: Arc<Calendar>,
    zone: TimeZone,
    /// Units and posts, without people.
    tree: Arc<Directory>,
    root: String,
    bindings: Vec<Binding>,
    plays: Vec<Plays>,
    overrides: Overrides,
    approvals: Vec<approval::Approval>,
    trials: Vec<trial::Trial>,
    channels: Vec<Choice>,
    remarks: Vec<Diagnostic>,
    listening: Arc<Listening>,
    /// Rules (by pack and rule) that a later version corrects, each with that version: see [`correction`].
    ruled: Arc<BTreeMap<(String, String), Arc<Policy>>>,
    corrections: usize,
}

impl Policy {
    /// What is worth saying though the set compiles: roles that no post plays in a unit where the pack is bound, and the like.
    pub fn remarks(&self) -> &[Diagnostic] {
        &self.remarks
    }

    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values().map(Arc::as_ref)
    }

    pub fn pack(&self, id: &str) -> Option<&Pack> {
        self.packs.get(id).map(Arc::as_ref)
    }

    pub fn kind(&self, pack: &str, kind: &str) -> Option<&Kind> {
        self.pack(pack)?.kinds.iter().find(|candidate| candidate.id == kind)
    }

    /// Units and posts as the organisation file of this set has them, without people.
    pub fn tree(&self) -> &Directory {
        &self.tree
    }

    /// Code of the unit above all others.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Zone of the organisation's dates.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The packs bound to a unit at this time, directly or from above. An unknown unit has those of the root.
    pub fn packs_of(&self, unit: &str, at: Timestamp) -> Vec<&Pack> {
        let mut bound: Vec<&Pack> = Vec::new();
        let mut replaced: Vec<&str> = Vec::new();
        for unit in self.path(unit) {
            let here = self
                .bindings
                .iter()
                .filter(|binding| binding.unit == unit && binding.from <= at && binding.until.is_none_or(|until| at < until));
            let mut dropped: Vec<&str> = Vec::new();
            for binding in here {
                dropped.extend(binding.instead_of.iter().map(String::as_str));
                let pack = self.pack(&binding.pack).filter(|pack| !replaced.contains(&pack.id.as_str()));
                if let Some(pack) = pack.filter(|pack| !bound.iter().any(|known| known.id == pack.id)) {
                    bound.push(pack);
                }
            }
            replaced.extend(dropped);
        }
        bound
    }

    /// Kinds that a report for this unit may have; for forms.
    pub fn kinds_of(&self, unit: &str, at: Timestamp) -> Vec<&Kind> {
        self.packs_of(unit, at).into_iter().flat_map(|pack| &pack.kinds).collect()
    }

    /// The kind for what cannot be sorted, of whichever pack has one.
    pub fn unsorted(&self) -> Option<&Kind> {
        self.packs().flat_map(|pack| &pack.kinds).find(|kind| kind.unsorted)
    }

    /// The post that plays a pack's role as seen from a unit, for `Directory::resolve_post`: a role to be looked for from the unit
    /// upwards, or a certain post (`GROUP/legal-counsel`).
    pub fn post_for(&self, pack: &str, role: &str, unit: &str) -> String {
        let said = |scope: Option<&str>| {
            let mut plays = self.plays.iter().filter(|plays| plays.pack == pack && plays.unit.as_deref() == scope);
            let posts = plays.find_map(|plays| plays.roles.get(role))?;
            posts.iter().find(|post| self.tree.find_post(post, unit).is_some()).or(posts.first()).cloned()
        };
        let nearest = self.path(unit).into_iter().find_map(|unit| said(Some(unit)));
        nearest.or_else(|| said(None)).unwrap_or_else(|| role.to_owned())
    }

    /// A parameter's figure as it holds in a unit: the organisation's nearest, else the pack's default.
    pub fn figure(&self, pack: &str, parameter: &str, unit: &str) -> Option<String> {
        self.parameter(pack, parameter, unit).map(|value| value.zh.clone())
    }

    /// As [`Policy::figure`]; of words, in both languages.
    fn parameter(&self, pack: &str, parameter: &str, unit: &str) -> Option<&Title> {
        let default = &self.pack(pack)?.parameters.get(parameter)?.value;
        let Some(overrides) = self.overrides.get(&(pack.to_owned(), parameter.to_owned())) else { return Some(default) };
        let said = |scope: Option<&str>| overrides.iter().rev().find(|(unit, _)| unit.as_deref() == scope).map(|(_, value)| value);
        let nearest = self.path(unit).into_iter().find_map(|unit| said(Some(unit)));
        nearest.or_else(|| said(None)).or(Some(default))
    }

    /// The words, a parameter's as they are in a unit.
    fn phrase(&self, pack: &Pack, phrase: &Phrase, unit: &str) -> Title {
        match phrase {
            Phrase::Words(words) => words.clone(),
            Phrase::Parameter(name) => self.parameter(&pack.id, name, unit).cloned().unwrap_or_default(),
        }
    }

    /// The calendar of a unit (its own or the nearest above); unknown units have the root's.
    pub fn calendar_of(&self, unit: &str) -> &Calendar {
        let path = self.path(unit);
        let mut named = path.iter().filter_map(|unit| self.tree.unit(unit)?.calendar.as_deref());
        named.find_map(|name| self.calendars.get(name)).unwrap_or(&self.calendar)
    }

    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    pub fn calendars(&self) -> impl Iterator<Item = &Calendar> {
        self.calendars.values()
    }

    /// Declared channels (`phone`, `web` …) with titles.
    pub fn channels(&self) -> &[Choice] {
        &self.channels
    }

    /// The unit and all above it; of an unknown unit, the root.
    fn path(&self, unit: &str) -> Vec<&str> {
        let path = self.tree.unit_and_above(unit);
        if path.is_empty() { vec![self.root.as_str()] } else { path.into_iter().map(|unit| unit.code.as_str()).collect() }
    }

    /// The post that heads the unit, or the one nearest above.
    fn head_of(&self, unit: &str) -> String {
        let headed = self.path(unit).into_iter().find_map(|code| Some(format!("{code}/{}", self.tree.unit(code)?.head.as_deref()?)));
        headed.unwrap_or_default()
    }

    fn at(&self, place: &Place, triggers: fn(&DutyRule) -> &[Trigger]) -> Option<(&Pack, &DutyRule, &Trigger)> {
        let pack = self.pack(&place.pack)?;
        let rule = match pack.duties.get(place.rule) {
            Some(rule) => rule,
            None => &pack.recurring.get(place.rule.checked_sub(pack.duties.len())?)?.rule,
        };
        Some((pack, rule, triggers(rule).get(place.trigger)?))
    }
}
