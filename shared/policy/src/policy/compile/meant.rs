//! What is written right and cannot be meant: one title for two things, a duty that breeds itself, numbers that two cases would share.

use super::super::Policy;
use super::super::duty::{DutyRule, Trigger};
use super::super::kind::Kind;
use crate::Title;
use crate::condition::{Check, Condition, Operand};
use crate::organisation::Organisation;
use crate::source::pack::{KindText, PackFile};
use crate::source::{Fault, Named, Placed};
use duban_contracts::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Within a pack a Chinese title is a name: one that two things have means neither.
pub(super) fn check_titles(file: &PackFile, faults: &mut Vec<Fault>) {
    twice(&file.role, |role| &role.title, faults);
    twice(&file.kind, |kind| &kind.title, faults);
    for (_, kind) in file.kind.iter() {
        let KindText { field, severity, stage, .. } = kind;
        twice(field, |field| &field.title, faults);
        twice(severity, |severity| &severity.title, faults);
        twice(stage, |stage| &stage.title, faults);
        for (_, field) in field.iter() {
            twice(&field.choices, |title| title, faults);
        }
    }
}

fn twice<T>(things: &Named<T>, title: impl Fn(&T) -> &Title, faults: &mut Vec<Fault>) {
    let mut known: BTreeMap<&str, &Placed<String>> = BTreeMap::new();
    for (id, thing) in things.iter() {
        let words = title(thing).zh.as_str();
        if let Some(other) = known.insert(words, id) {
            let en = format!("'{}' and '{}' have one title: '{words}' could mean either", other.value, id.value);
            let zh = format!("“{}”与“{}”同名：“{words}”指哪一个？", other.value, id.value);
            faults.push(Fault::new(id.range, "title-twice", en, zh).help("give each a title of its own", "请各取不同的名称"));
        }
    }
}

/// What a duty itself tells, without anybody's doing.
const BY_ITSELF: [&str; 3] = ["duty.opened", "duty.breached", "alert.raised"];

/// No duty may be opened, round some corner, by what it tells itself: each would breed the next for ever.
pub(super) fn check_loops(file: &PackFile, rules: &[DutyRule], faults: &mut Vec<Fault>) {
    let opened_by = |rule: &DutyRule| -> Vec<usize> {
        let triggers: Vec<&Trigger> = rule.opens.iter().filter(|trigger| BY_ITSELF.contains(&trigger.event.as_str())).collect();
        let is_of = |other: &DutyRule| triggers.iter().any(|trigger| may_be_of(trigger.when.as_ref(), &other.id));
        rules.iter().enumerate().filter(|(_, other)| is_of(other)).map(|(place, _)| place).collect()
    };
    let before: Vec<Vec<usize>> = rules.iter().map(opened_by).collect();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for start in 0..rules.len() {
        let Some(way) = way_back(start, &before).filter(|way| way.iter().all(|place| !told.contains(place))) else { continue };
        told.extend(&way);
        // From itself, over what it opens, back to itself.
        let chain = std::iter::once(&start).chain(way.iter().rev()).map(|place| rules[*place].id.as_str()).collect::<Vec<_>>().join(" → ");
        let range = file.duty.iter().find(|(id, _)| id.value == rules[start].id).map_or((0, 0), |(id, _)| id.range);
        let en = format!("'{}' breeds itself without end: {chain}", rules[start].id);
        let zh = format!("责任事项“{}”会无休止地自我引发：{chain}", rules[start].id);
        faults.push(Fault::new(range, "duty-loop", en, zh).help(
            "name in when = { rule = \"…\" } the duties that are to open it, and not itself",
            "请在 when = { rule = \"…\" } 中写明由哪些事项引发，且不包括自身",
        ));
    }
}

/// The way from a duty back to itself over what opens it, the shortest; None where there is none.
fn way_back(start: usize, before: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut ways: std::collections::VecDeque<Vec<usize>> = std::collections::VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in &before[*way.last()?] {
            if *next == start {
                return Some(way);
            }
            if seen.insert(*next) {
                ways.push_back(way.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

/// Whether an event of this rule's duty may fit the condition.
fn may_be_of(when: Option<&Condition>, rule: &str) -> bool {
    let Some(condition) = when else { return true };
    let is_named = |operands: &[Operand]| operands.iter().any(|operand| matches!(operand, Operand::Value { value, .. } if value == rule));
    condition.tests.iter().filter(|test| test.path == ["rule"]).all(|test| match &test.check {
        Check::OneOf(operands) => is_named(operands),
        Check::NotOneOf(operands) => !is_named(operands),
        _ => true,
    })
}

/// Days whose dates look different in every place.
const DAYS: [&str; 2] = ["2026-03-02T04:00:00Z", "2027-11-25T04:00:00Z"];

/// No two cases may get one number: what one kind writes before its sequence must not be another's with digits of its sequence.
pub(super) fn check_numbers(policy: &Policy, organisation: &Organisation, faults: &mut Vec<Fault>) {
    let times: BTreeSet<Timestamp> = policy.bindings.iter().map(|binding| binding.from).collect();
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for day in DAYS.iter().filter_map(|day| day.parse::<Timestamp>().ok()) {
        let mut prefixes: BTreeMap<String, Vec<(&Kind, usize)>> = BTreeMap::new();
        for (code, _) in organisation.file.unit.iter() {
            for pack in times.iter().flat_map(|at| policy.packs_of(code, *at)) {
                for kind in &pack.kinds {
                    let numbered = prefixes.entry(kind.number.prefix(code, day, policy.zone())).or_default();
                    if !numbered.iter().any(|(known, _)| std::ptr::eq(*known, kind)) {
                        numbered.push((kind, kind.number.digits()));
                    }
                }
            }
        }
        for (prefix, longer) in &prefixes {
            let digits = prefix.chars().rev().take_while(char::is_ascii_digit).count();
            for cut in 1..=digits {
                let Some(shorter) = prefixes.get(&prefix[..prefix.len() - cut]) else { continue };
                for ((first, few), (second, many)) in longer.iter().flat_map(|one| shorter.iter().map(move |other| (one, other))) {
                    let is_near = cut + few <= many + 2;
                    let pair = (format!("{}/{}", first.pack, first.id), format!("{}/{}", second.pack, second.id));
                    if is_near && told.insert(pair) {
                        faults.push(clashing(organisation, first, second, prefix));
                    }
                }
            }
        }
    }
}

fn clashing(organisation: &Organisation, first: &Kind, second: &Kind, prefix: &str) -> Fault {
    let bind = organisation.file.bind.iter().flat_map(|bind| bind.pack.iter()).find(|pack| pack.value == first.pack);
    let range = bind.map_or((0, 0), |pack| pack.range);
    let place = |kind: &Kind| format!("{}/kind.{} ({})", kind.pack, kind.id, kind.number.written());
    let (one, other) = (place(first), place(second));
    let en = format!("two cases may get one number: {one} and {other}, both {prefix}…");
    Fault::new(range, "number-clash", en, format!("两类案件的编号可能相同：{one} 与 {other}，均为 {prefix}…"))
        .help("let the numbers begin differently, or end what stands before {seq} with '-'", "请使编号的开头不同，或在 {seq} 之前加“-”")
}
