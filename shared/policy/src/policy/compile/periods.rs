//! Whether what closes a round says of which period it is, in the form in which rounds are called.

use super::super::declaration::Rhythm;
use super::super::duty::Trigger;
use super::super::kind::{Field, FieldSort, Kind};
use super::super::recurring::{Every, RecurringRule};
use super::happening::tells;
use crate::source::{Fault, Placed};

/// What closes a round says of which period it is: by its own key, or by the field `period` of the kind that tells it.
pub(super) fn check_period(id: &Placed<String>, kinds: &[Kind], closes: &[Trigger], every: Option<&Rhythm>, faults: &mut Vec<Fault>) {
    for trigger in closes.iter().filter(|trigger| !trigger.any_pack) {
        let Some(word) = trigger.event.strip_prefix("case.") else { continue };
        let telling: Vec<&Kind> = kinds.iter().filter(|kind| tells(kind, trigger, word)).collect();
        let named = named_by_key(trigger);
        let mut naming = telling.iter().filter_map(|kind| Some((*kind, kind.field(named.unwrap_or(PERIOD))?))).peekable();
        if naming.peek().is_some() {
            faults.extend(naming.filter_map(|(kind, field)| misread(id, kind, field, every)));
            continue;
        }
        // A key of its own may name the period by something that every case has.
        if trigger.key.is_some() {
            continue;
        }
        let en = format!("nothing can close a round of '{}': no kind that tells {} has a field 'period'", id.value, trigger.event);
        let zh = format!("“{}”的任何一期都无法办结：发出 {} 的事项类别没有“period”字段", id.value, trigger.event);
        let fault = Fault::new(id.range, "never-closes", en, zh);
        faults.push(fault.help(
            "give the kind a field 'period' (2026-03, 2026-W14, 2026-Q1, 2026), or write a key of its own",
            "请为该类别设字段 period（如 2026-03、2026-W14、2026-Q1、2026），或写明 key",
        ));
        // What is wrong with one event is so with the next.
        break;
    }
}

const PERIOD: &str = "period";

/// The field that stands last in the trigger's own key.
fn named_by_key(trigger: &Trigger) -> Option<&str> {
    let key = trigger.key.as_ref()?;
    key.places().last()?.strip_prefix("fields.")
}

/// Why what is written into the field may close no round, or may be missing.
fn misread(id: &Placed<String>, kind: &Kind, field: &Field, every: Option<&Rhythm>) -> Option<Fault> {
    let is_daily = matches!(every, Some(Rhythm::Fixed(Every::Day | Every::WorkingDay)));
    let (name, round) = (&field.id, &id.value);
    match field.sort {
        FieldSort::Period => {}
        FieldSort::Date if is_daily => {}
        FieldSort::Text => {
            let en = format!("the field '{name}' of '{}' takes any text: written as 2026年3月 it closes no round of '{round}'", kind.id);
            let zh = format!("“{}”的字段 {name} 可填任意文字：写作“2026年3月”时，不会办结“{round}”的任何一期", kind.id);
            let fault = Fault::new(id.range, "period-is-text", en, zh).warning();
            return Some(fault.help("write type = \"period\"", "请写 type = \"period\""));
        }
        _ => {
            let sort = field.sort.as_str();
            let en = format!("the field '{name}' of '{}' is a {sort}, and no round of '{round}' is called so", kind.id);
            let zh = format!("“{}”的字段 {name} 类型为 {sort}，与“{round}”任何一期的名称都不相符", kind.id);
            let fault = Fault::new(id.range, "no-period", en, zh).warning();
            return Some(fault.help("write type = \"period\"", "请写 type = \"period\""));
        }
    }
    if field.required_when.is_some() {
        return None;
    }
    let en = format!("the field '{name}' of '{}' may be left out: then no round of '{round}' is closed", kind.id);
    let zh = format!("“{}”的字段 {name} 可以不填：不填时不会办结“{round}”的任何一期", kind.id);
    Some(Fault::new(id.range, "no-period", en, zh).warning().help("write required = true", "请写 required = true"))
}

/// A kind by which rounds are closed takes no period of another length: it would be taken, and the round would go on waiting.
pub(super) fn narrow(kinds: &mut [Kind], recurring: &[RecurringRule]) {
    for kind in kinds {
        let lengths = lengths(kind, recurring);
        let period = kind.fields.iter_mut().find(|field| field.id == PERIOD && field.sort == FieldSort::Period);
        if let (Some(field), Some(lengths)) = (period, lengths) {
            field.periods = lengths;
        }
    }
}

/// How long the rounds are that a kind closes by its field `period`; None where a parameter says it, which may differ by unit.
fn lengths(kind: &Kind, recurring: &[RecurringRule]) -> Option<Vec<Every>> {
    let names_period = |trigger: &Trigger| trigger.key.as_ref().is_some_and(|key| key.places().last() == Some("fields.period"));
    let closes = |trigger: &Trigger| trigger.event.strip_prefix("case.").is_some_and(|word| tells(kind, trigger, word));
    let mut lengths: Vec<Every> = Vec::new();
    for RecurringRule { every, rule } in recurring {
        if rule.closes.iter().any(|trigger| names_period(trigger) && closes(trigger)) {
            match every {
                Rhythm::Fixed(every) if lengths.contains(every) => {}
                Rhythm::Fixed(every) => lengths.push(*every),
                Rhythm::Parameter(_) => return None,
            }
        }
    }
    Some(lengths)
}
