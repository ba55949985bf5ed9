//! Corrections: what a version changes for open matters too. A calendar whose days were wrong, rules and kinds that are named.
//!
//! Open duties keep the version that they were opened under, as corrected: the old set, in which the days of corrected calendars are those of
//! the correcting version, and corrected rules say what they say there. So what opens under the old version later follows the correction too,
//! and every service reckons the same from the same versions, in whatever order it hears of them.

use super::Policy;
use super::duty::DutyRule;
use super::{Pack, correctable};
use crate::calendar::Calendar;
use duban_contracts::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use correctable::Wrong;

/// What a version declares to correct.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrects {
    calendars: BTreeSet<String>,
    /// Pack and rule.
    rules: BTreeSet<(String, String)>,
    /// Pack and kind: by which steps open cases go on, and which fields they have.
    kinds: BTreeSet<(String, String)>,
}

impl Corrects {
    /// From places that were checked ([`Policy::correctable`]): `calendar.cn`, `store-complaints/answer`, `store-complaints/kind.complaint_case`.
    /// What is none of these is passed over.
    pub fn read(places: &[String]) -> Self {
        let mut corrects = Self::default();
        for place in places {
            match (place.strip_prefix(CALENDAR), place.split_once('/')) {
                (Some(calendar), _) => corrects.add_calendar(calendar),
                (None, Some((pack, rule))) => match rule.strip_prefix(KIND) {
                    Some(kind) => corrects.add_kind(pack, kind),
                    None => corrects.add_rule(pack, rule),
                },
                (None, None) => {}
            }
        }
        corrects
    }

    pub fn is_empty(&self) -> bool {
        self.calendars.is_empty() && self.rules.is_empty() && self.kinds.is_empty()
    }

    /// As they are written.
    pub fn places(&self) -> Vec<String> {
        let rules = self.rules.iter().map(|(pack, rule)| format!("{pack}/{rule}"));
        let kinds = self.kinds.iter().map(|(pack, kind)| format!("{pack}/{KIND}{kind}"));
        self.calendars.iter().map(|calendar| format!("{CALENDAR}{calendar}")).chain(rules).chain(kinds).collect()
    }

    pub fn calendars(&self) -> impl Iterator<Item = &str> {
        self.calendars.iter().map(String::as_str)
    }

    /// (pack, rule)
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|(pack, rule)| (pack.as_str(), rule.as_str()))
    }

    /// Which of it concerns a duty, as written; None: nothing.
    pub fn concerning(&self, pack: &str, rule: &str, calendar: &str) -> Option<String> {
        if self.has_rule(pack, rule) {
            return Some(format!("{pack}/{rule}"));
        }
        self.calendars.contains(calendar).then(|| format!("{CALENDAR}{calendar}"))
    }

    pub(super) fn has_rule(&self, pack: &str, rule: &str) -> bool {
        self.rules.iter().any(|(of, named)| of == pack && named == rule)
    }

    pub(super) fn has_calendar(&self, calendar: &str) -> bool {
        self.calendars.contains(calendar)
    }

    pub(super) fn add_calendar(&mut self, calendar: &str) {
        self.calendars.insert(calendar.to_owned());
    }

    pub(super) fn add_kind(&mut self, pack: &str, kind: &str) {
        self.kinds.insert((pack.to_owned(), kind.to_owned()));
    }

    pub(super) fn add_rule(&mut self, pack: &str, rule: &str) {
        self.rules.insert((pack.to_owned(), rule.to_owned()));
    }
}

pub(super) const CALENDAR: &str = "calendar.";
pub(super) const KIND: &str = "kind.";

/// A version in force that corrects earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub version: i64,
    /// Since when it is in force.
    pub since: Timestamp,
    pub corrects: Corrects,
    /// Who approved it.
    pub approved_by: Option<String>,
}

/// A set as it was compiled, with the order in which it came into force.
#[derive(Debug, Clone)]
pub struct Version {
    pub since: Timestamp,
    pub policy: Arc<Policy>,
}

/// What rules a duty: the set that its rule is taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruling<'a> {
    pub policy: &'a Policy,
    pub pack: &'a Pack,
    pub rule: &'a DutyRule,
}

impl Policy {
    /// This set as a later one corrects it.
    pub fn corrected(&self, later: &Arc<Policy>, corrects: &Corrects) -> Policy {
        let mut policy = self.clone();
        let replaced = |calendar: &Calendar| later.calendar(&calendar.name).filter(|found| corrects.has_calendar(&found.name));
        if self.calendars().any(|calendar| replaced(calendar).is_some()) {
            let mut calendars = BTreeMap::clone(&self.calendars);
            for calendar in calendars.values_mut() {
                if let Some(right) = replaced(calendar) {
                    *calendar = right.clone();
                }
            }
            policy.calendars = Arc::new(calendars);
            if let Some(right) = replaced(&self.calendar) {
                policy.calendar = Arc::new(right.clone());
            }
        }
        for (pack, kind) in &corrects.kinds {
            let (Some(known), Some(right)) = (policy.packs.get(pack), later.kind(pack, kind)) else { continue };
            let mut changed = Pack::clone(known);
            if let Some(found) = changed.kinds.iter_mut().find(|known| known.id == *kind) {
                *found = right.clone();
                policy.packs.insert(pack.clone(), Arc::new(changed));
            }
        }
        let known = corrects.rules.iter().filter(|(pack, rule)| later.duty_rule(pack, rule).is_some());
        let known: Vec<_> = known.map(|place| (place.clone(), later.clone())).collect();
        // What an earlier correction took from another set has its calendars from there.
        if !known.is_empty() {
            let mut ruled = BTreeMap::clone(&self.ruled);
            ruled.extend(known);
            policy.ruled = Arc::new(ruled);
        }
        policy.corrections += 1;
        policy
    }

    /// How many corrections this set has taken in: those that had been made when it was reckoned, whether or not they concern it.
    pub fn corrections(&self) -> usize {
        self.corrections
    }

    /// The rule that counts for duties of a rule: this set's, or that of a set that corrects it.
    pub(super) fn ruling(&self, pack: &str, rule: &str) -> Option<Ruling<'_>> {
        let policy = self.ruled_by(pack, rule).unwrap_or(self);
        Some(Ruling { policy, pack: policy.pack(pack)?, rule: policy.duty_rule(pack, rule)? })
    }

    /// The set that corrects a rule.
    pub(super) fn ruled_by(&self, pack: &str, rule: &str) -> Option<&Policy> {
        if self.ruled.is_empty() {
            return None;
        }
        self.ruled.get(&(pack.to_owned(), rule.to_owned())).map(Arc::as_ref)
    }

    /// The calendar in which a duty of a rule counts: the one that it names, else its unit's.
    pub fn calendar_of_duty(&self, pack: &str, rule: &str, calendar: &str, unit: &str) -> &Calendar {
        let policy = self.ruled_by(pack, rule).unwrap_or(self);
        policy.calendar(calendar).unwrap_or_else(|| policy.calendar_of(unit))
    }
}

/// A version as the first `count` of these corrections make it: those that came into force after it. None: it, or one of them, is not known.
///
/// Corrections are in the order in which they came into force. A rule that one of them corrects is taken from that version as those after it
/// correct it in turn.
pub fn as_corrected(versions: &BTreeMap<i64, Version>, corrections: &[Correction], version: i64, count: usize) -> Option<Arc<Policy>> {
    let known = versions.get(&version)?;
    let made = corrections.get(..count)?;
    if made.is_empty() {
        return Some(known.policy.clone());
    }
    let mut policy = Policy::clone(&known.policy);
    for correction in made.iter().filter(|correction| (correction.since, correction.version) > (known.since, version)) {
        let later = as_corrected(versions, corrections, correction.version, count)?;
        policy = policy.corrected(&later, &correction.corrects);
    }
    policy.corrections = count;
    Some(Arc::new(policy))
}
