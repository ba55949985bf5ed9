//! Duties that fall away because the case that they were opened for is no longer what it was taken for, or no longer with whom it was.
//!
//! A case that is merged into another owes nothing any longer, nor does one that is attached to a master, for as long as it is. One whose kind or severity is put right owes what it would have owed had it
//! been taken for that from the beginning: what was opened for the old kind or severity alone falls away, what stands for both goes on with
//! its time. (That what was done already is not asked for again is seen to where duties are kept.)
//!
//! One that is returned (退回) owes no more what those owed who had it: of a return to an earlier stage, whatever only the steps from there on
//! open; of a return to whoever sorts, whatever its kind owes. What only the close of the case ends was promised to who reported it, and goes on.

use super::duty::{ClosedDuty, DutyRule, EventFacts, Trigger};
use super::kind::{Kind, Step, StepSort};
use super::template::Template;
use super::{Pack, Policy};
use serde_json::Value;

/// Events by which duties can fall away that no rule names.
pub(super) const MAY_END_DUTIES: [&str; 6] =
    ["case.merged", "case.attached", "case.sorted", "case.classified", "case.corrected", "case.returned"];

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
        let is_anothers = matches!(event.name, "case.merged" | "case.attached");
        let is_returned = event.name == "case.returned";
        let Some(now) = self.taken_now(event.facts) else { return Vec::new() };
        let before = self.taken_before(event.facts);
        let mut fallen = Vec::new();
        for pack in self.packs() {
            for rule in &pack.duties {
                let gone = match &before {
                    _ if is_anothers => rule.opens.iter().any(|trigger| sees(pack, trigger, now.pack)),
                    _ if is_returned => hung_on_who_returned(pack, rule, &now),
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
pub(super) fn keys_of_the_case<'a>(pack: &Pack, rule: &'a DutyRule) -> Vec<&'a Template> {
    let openers = rule.opens.iter().filter(|trigger| sees(pack, trigger, &pack.id));
    let mut keys: Vec<&Template> = openers.map(|trigger| trigger.key.as_ref().unwrap_or(&rule.key)).collect();
    keys.retain(|key| key.places().any(|place| matches!(place, "case" | "number")));
    keys.dedup();
    keys
}

/// Whether the rule's duties were owed because the case was with those who have returned it.
fn hung_on_who_returned(pack: &Pack, rule: &DutyRule, now: &Taken<'_>) -> bool {
    let name = now.facts.pointer("/step/name").and_then(Value::as_str).unwrap_or_default();
    now.kind.is_some_and(|kind| kind.step(name).is_some_and(|step| ends_by_return(pack, rule, kind, step)))
}

/// Whether a return of this kind's cases ends the rule's duties.
pub(super) fn ends_by_return(pack: &Pack, rule: &DutyRule, kind: &Kind, step: &Step) -> bool {
    if kind.pack != pack.id || step.sort != StepSort::Return {
        return false;
    }
    // The return opens it: it begins.
    if rule.opens.iter().any(|trigger| trigger.event == "case.returned") {
        return false;
    }
    let Some(to) = &step.to else {
        return !rule.closes.iter().all(|trigger| trigger.event == "case.closed");
    };
    // From the end of a case steps lead anywhere: taking it up again is no way onwards.
    let onwards = kind.onwards(to, |step| step.sort != StepSort::Return && !step.from.iter().all(|from| kind.is_terminal(from)));
    let comes_after = |trigger: &Trigger| {
        let Some(word) = trigger.event.strip_prefix("case.") else { return false };
        let mut steps = kind.steps.iter().filter(|step| step.event == word).peekable();
        let from_there_on = |step: &Step| step.from.iter().all(|from| onwards.contains(&from.as_str()));
        steps.peek().is_some() && steps.all(from_there_on)
    };
    let mut openers = rule.opens.iter().filter(|trigger| tells(pack, trigger, &kind.pack, Some(kind))).peekable();
    openers.peek().is_some() && openers.all(comes_after)
}

/// Whether a rule's trigger looks at cases under this pack.
pub(super) fn sees(pack: &Pack, trigger: &Trigger, under: &str) -> bool {
    trigger.event.starts_with("case.") && (pack.id == under || trigger.any_pack)
}

/// Whether the event can happen to such a case: one that every case has, or of a step of its kind.
fn can_happen(pack: &Pack, trigger: &Trigger, taken: &Taken<'_>) -> bool {
    tells(pack, trigger, taken.pack, taken.kind)
}

fn tells(pack: &Pack, trigger: &Trigger, under: &str, kind: Option<&Kind>) -> bool {
    let Some(word) = trigger.event.strip_prefix("case.").filter(|_| sees(pack, trigger, under)) else { return false };
    let always = super::compile::CASE_EVENTS.contains(&word) && word != super::compile::RETURNED;
    always || kind.is_some_and(|kind| kind.steps.iter().any(|step| step.event == word))
}
