//! Duties that fall away because the case that they were opened for is no longer what it was taken for.
//!
//! A case that is merged into another owes nothing any longer. One whose kind or severity is put right owes what it would have owed had it
//! been taken for that from the beginning: what was opened for the old kind or severity alone falls away, what stands for both goes on with
//! its time. (That what was done already is not asked for again is seen to where duties are kept.)

use super::duty::{ClosedDuty, DutyRule, EventFacts, Trigger};
use super::kind::Kind;
use super::template::Template;
use super::{Pack, Policy};
use serde_json::Value;

/// Events by which duties can fall away that no rule names.
pub(super) const MAY_END_DUTIES: [&str; 4] = ["case.merged", "case.sorted", "case.classified", "case.corrected"];

/// What a case is, or was, taken for.
struct Taken<'a> {
    pack: &'a str,
    kind: Option<&'a Kind>,
    facts: Value,
}

impl Policy {
    /// The duties that end by this event without any rule saying so.
    pub(super) fn fallen_away(&self, event: &EventFacts<'_>) -> Vec<ClosedDuty> {
        if !MAY_END_DUTIES.contains(&event.name) {
            return Vec::new();
        }
        let is_merged = event.name == "case.merged";
        let Some(now) = self.taken_now(event.facts) else { return Vec::new() };
        let before = self.taken_before(event.facts);
        let mut fallen = Vec::new();
        for pack in self.packs() {
            for rule in &pack.duties {
                let gone = match &before {
                    _ if is_merged => rule.opens.iter().any(|trigger| sees(pack, trigger, now.pack)),
                    Some(before) => self.hung_on(pack, rule, before, &now),
                    None => false,
                };
                if gone {
                    let keys = keys_of_the_case(pack, rule).into_iter().map(|key| key.fill(event.facts));
                    fallen.extend(keys.map(|key| ClosedDuty { pack: pack.id.clone(), rule: rule.id.clone(), key, cancelled: true }));
                }
            }
        }
        fallen
    }

    /// Whether the rule applied to what the case was taken for, and does not to what it is.
    fn hung_on(&self, pack: &Pack, rule: &DutyRule, before: &Taken<'_>, now: &Taken<'_>) -> bool {
        let could = |taken: &Taken<'_>| rule.opens.iter().any(|trigger| can_happen(pack, trigger, taken));
        let opens = |taken: &Taken<'_>| rule.opens.iter().any(|trigger| self.opens_for(pack, trigger, taken));
        // Conditions on what only the opening event said hold neither before nor now: then it is asked whether it can happen at all.
        could(before) && (!could(now) || (opens(before) && !opens(now)))
    }

    fn opens_for(&self, pack: &Pack, trigger: &Trigger, taken: &Taken<'_>) -> bool {
        let unit = taken.facts.get("unit").and_then(Value::as_str).unwrap_or_default();
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        can_happen(pack, trigger, taken) && trigger.when.as_ref().is_none_or(|when| when.holds(&taken.facts, &figures))
    }

    fn taken_now<'a>(&'a self, facts: &'a Value) -> Option<Taken<'a>> {
        let pack = facts.get("pack")?.as_str()?;
        Some(Taken { pack, kind: facts.get("kind").and_then(Value::as_str).and_then(|kind| self.kind(pack, kind)), facts: facts.clone() })
    }

    fn taken_before<'a>(&'a self, facts: &'a Value) -> Option<Taken<'a>> {
        let before = facts.get("before")?;
        let pack = before.get("pack")?.as_str()?;
        let kind = self.kind(pack, before.get("kind")?.as_str()?);
        let mut then = facts.clone();
        for (member, value) in before.as_object()? {
            then[member] = value.clone();
        }
        Some(Taken { pack, kind, facts: then })
    }
}

/// The keys under which the rule opens duties of one case. What it shares with other cases (a unit's round, a project's deadline) does not fall
/// away with one of them.
fn keys_of_the_case<'a>(pack: &Pack, rule: &'a DutyRule) -> Vec<&'a Template> {
    let openers = rule.opens.iter().filter(|trigger| sees(pack, trigger, &pack.id));
    let mut keys: Vec<&Template> = openers.map(|trigger| trigger.key.as_ref().unwrap_or(&rule.key)).collect();
    keys.retain(|key| key.places().any(|place| matches!(place, "case" | "number")));
    keys.dedup();
    keys
}

/// Whether a rule's trigger looks at cases under this pack.
fn sees(pack: &Pack, trigger: &Trigger, under: &str) -> bool {
    trigger.event.starts_with("case.") && (pack.id == under || trigger.any_pack)
}

/// Whether the event can happen to such a case: one that every case has, or of a step of its kind.
fn can_happen(pack: &Pack, trigger: &Trigger, taken: &Taken<'_>) -> bool {
    let Some(word) = trigger.event.strip_prefix("case.").filter(|_| sees(pack, trigger, taken.pack)) else { return false };
    super::compile::CASE_EVENTS.contains(&word) || taken.kind.is_some_and(|kind| kind.steps.iter().any(|step| step.event == word))
}
