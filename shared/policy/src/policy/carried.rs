//! What a case owes again that no longer is carried by a master case (主案).
//!
//! While it was attached it owed nothing: that was the master's. Now it owes what it owed when it was attached, told by what had happened to it
//! until then: of each rule whichever came last, what opens it or what ends it. Anew, from the detaching on: whoever has it now has the
//! whole time for it, and none of the time in which it was not his counts against him.

use super::duty::{DutyRule, EventFacts, OpenedDuty, Trigger};
use super::fallen::{ends_by_return, keys_of_the_case, sees};
use super::kind::StepSort;
use super::{Pack, Policy};
use serde_json::Value;

/// The event by which a case stands for itself again.
pub(super) const DETACHED: &str = "case.detached";

/// A case that was detached.
struct Standing<'a> {
    pack: &'a str,
    kind: &'a str,
    unit: &'a str,
    facts: &'a Value,
    /// What had happened to it, in the order of when it last did.
    happened: Vec<&'a str>,
}

impl Policy {
    /// The duties that a case gets back by being detached from its master.
    pub(super) fn given_back(&self, event: &EventFacts<'_>) -> Vec<OpenedDuty> {
        if event.name != DETACHED {
            return Vec::new();
        }
        let text = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let happened = event.facts.get("happened").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let case =
            Standing { pack: text("pack"), kind: text("kind"), unit: text("unit"), facts: event.facts, happened: happened.collect() };
        let mut given_back = Vec::new();
        for pack in self.packs() {
            for rule in &pack.duties {
                if let Some(trigger) = self.owed(pack, rule, &case) {
                    let template = trigger.key.as_ref().unwrap_or(&rule.key);
                    // What it shares with other cases was not taken from it.
                    if keys_of_the_case(pack, rule).contains(&template) {
                        let key = template.fill(event.facts);
                        given_back.push(self.opened_as_ruled(pack, rule, key, event.time, event));
                    }
                }
            }
        }
        given_back
    }

    /// By which of its triggers the case owed a duty of this rule; None if it owed none.
    fn owed<'r>(&self, pack: &Pack, rule: &'r DutyRule, case: &Standing<'_>) -> Option<&'r Trigger> {
        let figures = |name: &str| self.figure(&pack.id, name, case.unit);
        let holds = |trigger: &Trigger| trigger.when.as_ref().is_none_or(|when| when.holds(case.facts, &figures));
        let is_by = |trigger: &Trigger, word: &str| {
            trigger.event.strip_prefix("case.") == Some(word) && sees(pack, trigger, case.pack) && holds(trigger)
        };
        let last = |triggers: &[Trigger]| case.happened.iter().rposition(|word| triggers.iter().any(|trigger| is_by(trigger, word)));
        let opened = last(&rule.opens)?;
        let ended = last(&rule.closes).max(last(&rule.cancels)).max(self.last_return_from(pack, rule, case));
        if ended.is_some_and(|ended| ended >= opened) {
            return None;
        }
        rule.opens.iter().find(|trigger| is_by(trigger, case.happened[opened]))
    }

    /// When a return last ended what this rule had opened.
    fn last_return_from(&self, pack: &Pack, rule: &DutyRule, case: &Standing<'_>) -> Option<usize> {
        let kind = self.kind(case.pack, case.kind)?;
        let mut returns = kind.steps.iter().filter(|step| step.sort == StepSort::Return);
        let ends = returns.any(|step| ends_by_return(pack, rule, kind, step));
        case.happened.iter().rposition(|word| ends && *word == super::compile::RETURNED)
    }
}
