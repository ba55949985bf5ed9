//! Whether what a rule listens to can happen at all: which kinds tell an event, in which stages, and what a condition rules out by name.

use super::super::duty::Trigger;
use super::super::kind::{Kind, Step, StepSort};
use super::kinds::reachable;
use super::{CASE_EVENTS, RETURNED};
use crate::condition::{Check, Condition, Operand};
use crate::source::duty::DutyText;
use crate::source::{Fault, Placed};

/// A duty must be able to begin: one of the pack's kinds tells one of its opening events as the condition asks.
pub(super) fn check_can_open(kinds: &[Kind], (id, text): (&Placed<String>, &DutyText), opens: &[Trigger], faults: &mut Vec<Fault>) {
    let of_own_cases = |trigger: &Trigger| trigger.event.starts_with("case.") && !trigger.any_pack;
    if opens.is_empty() || !opens.iter().all(of_own_cases) {
        return;
    }
    let can_happen = |trigger: &Trigger| {
        let word = trigger.event.strip_prefix("case.").unwrap_or_default();
        kinds.iter().any(|kind| tells(kind, trigger, word))
    };
    if opens.iter().any(can_happen) {
        return;
    }
    let range = text.opens.iter().flat_map(|text| text.on.iter()).next().map_or(id.range, |event| event.range);
    let en = format!("'{}' never opens: no case tells this as the condition asks", id.value);
    let zh = format!("责任事项“{}”永远不会产生：没有案件会按此条件发出该事件", id.value);
    let help = (
        "look at the kind, stage and severity that 'when' asks for: the stage is that in which the step leaves the case",
        "请核对 when 中的事项类别、环节和严重程度：环节指步骤完成之后所处的环节",
    );
    faults.push(Fault::new(range, "never-opens", en, zh).warning().help(help.0, help.1));
}

/// Whether a kind tells the event, in a stage in which its condition may hold.
pub(super) fn tells(kind: &Kind, trigger: &Trigger, word: &str) -> bool {
    may_be(trigger.when.as_ref(), kind) && may_stand_in(trigger.when.as_ref(), &stages_after(kind, word))
}

/// The stages in which a case of the kind may be once it has told the event; none where it never tells it.
fn stages_after<'k>(kind: &'k Kind, word: &str) -> Vec<&'k str> {
    let reached = reachable(kind);
    let mut stages: Vec<&str> = match word {
        "registered" => reached.first().copied().into_iter().collect(),
        "closed" => reached.iter().copied().filter(|stage| kind.is_terminal(stage)).collect(),
        word if CASE_EVENTS.contains(&word) => reached.clone(),
        _ => Vec::new(),
    };
    for step in kind.steps.iter().filter(|step| step.event == word) {
        let from = step.from.iter().map(String::as_str).filter(|from| reached.contains(from));
        match (&step.sort, step.to.as_deref()) {
            (_, Some(to)) => stages.extend(from.map(|_| to)),
            (StepSort::Act, None) => stages.extend(from),
            // What is returned to nowhere in particular begins anew.
            (StepSort::Return | StepSort::Move, None) => stages.extend(reached.first()),
        }
    }
    stages
}

/// Whether a case of the kind can still tell the event once it has told the one that opens: from a stage to which it can come from there.
pub(super) fn may_follow(kind: &Kind, open: &Trigger, word: &str) -> bool {
    let Some(opening) = open.event.strip_prefix("case.") else { return true };
    let after = stages_after(kind, opening);
    let onwards: Vec<&str> = after.iter().flat_map(|stage| kind.onwards(stage, |_| true)).collect();
    let leads_on = |step: &&Step| step.from.iter().any(|from| onwards.contains(&from.as_str()));
    let mut steps = kind.steps.iter().filter(leads_on);
    match word {
        "closed" => steps.any(|step| step.event == word || step.to.as_ref().is_some_and(|to| kind.is_terminal(to))),
        RETURNED => steps.any(|step| step.event == word),
        word if CASE_EVENTS.contains(&word) => true,
        word => steps.any(|step| step.event == word),
    }
}

/// False if the condition asks for other stages than these.
fn may_stand_in(when: Option<&Condition>, stages: &[&str]) -> bool {
    let asked = |stage: &str| when.is_none_or(|condition| allows(condition, "stage", &[stage]));
    stages.iter().any(|stage| asked(stage))
}

/// False if the condition rules this kind out by name, or asks for a severity that it does not have.
pub(super) fn may_be(when: Option<&Condition>, kind: &Kind) -> bool {
    let severities: Vec<&str> = kind.severities.iter().map(|severity| severity.id.as_str()).collect();
    when.is_none_or(|condition| allows(condition, "kind", &[&kind.id]) && allows(condition, "severity", &severities))
}

/// Whether a member that has one of these values can fulfil what is asked of it by name; what expressions ask is not looked into.
fn allows(condition: &Condition, member: &str, values: &[&str]) -> bool {
    let named =
        |operands: &[Operand], word: &str| operands.iter().any(|operand| matches!(operand, Operand::Value { value, .. } if value == word));
    condition.tests.iter().filter(|test| test.path == [member]).all(|test| match &test.check {
        Check::OneOf(operands) => {
            operands.iter().any(|operand| matches!(operand, Operand::Parameter(_))) || values.iter().any(|value| named(operands, value))
        }
        Check::NotOneOf(operands) => values.iter().any(|value| !named(operands, value)),
        Check::Compare(..) | Check::Present | Check::Absent | Check::YesNo(_) | Check::Count { .. } => true,
    })
}
