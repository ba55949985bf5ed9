//! Whether what opens can end: closing events that can happen, keys that can meet, periods that can be told.

use super::super::duty::Trigger;
use super::super::kind::Kind;
use super::super::template::Template;
use super::happening::{may_be, may_follow, tells};
use crate::source::duty::{DutyText, TriggerText};
use crate::source::{Fault, Many, Placed};
use std::collections::BTreeSet;

/// A duty must be able to end: one of its closing events must be told by the kinds that open it, from a stage that can be reached.
pub(super) fn check_can_close(
    kinds: &[Kind],
    (id, text): (&Placed<String>, &DutyText),
    opens: &[Trigger],
    closes: &[Trigger],
    faults: &mut Vec<Fault>,
) {
    let texts = &text.closes;
    if texts.is_empty() {
        let en = format!("nothing closes '{}'", id.value);
        let fault = Fault::new(id.range, "never-closes", en, format!("没有事件能办结责任事项“{}”", id.value));
        faults.push(fault.help("write closes = \"case.closed\", or what else ends it", "请写 closes = \"case.closed\" 或其他办结它的事件"));
        return;
    }
    if closes.is_empty() || opens.is_empty() {
        return;
    }
    let concerned: Vec<&Kind> = kinds.iter().filter(|kind| opens.iter().any(|trigger| may_be(trigger.when.as_ref(), kind))).collect();
    let can_happen = |trigger: &Trigger| {
        let Some(word) = trigger.event.strip_prefix("case.") else { return true };
        if opens.iter().all(|open| !open.event.starts_with("case.")) {
            return true;
        }
        // A case is registered once, before anything else happens to it: only another case's registration can close what this one opened.
        let is_own = text.key.is_none() && trigger.key.is_none() && opens.iter().all(|open| open.key.is_none());
        if word == "registered" && is_own {
            return false;
        }
        let follows = |kind: &Kind| !is_own || opens.iter().any(|open| may_follow(kind, open, word));
        concerned.iter().any(|kind| tells(kind, trigger, word) && follows(kind))
    };
    if !closes.iter().any(can_happen) {
        let range = texts.iter().flat_map(|text| text.on.iter()).next().map_or(id.range, |event| event.range);
        let kinds: Vec<&str> = concerned.iter().map(|kind| kind.id.as_str()).collect();
        let en = format!("nothing can close '{}': the kinds that open it ({}) never tell this afterwards", id.value, kinds.join(", "));
        let zh = format!("责任事项“{}”无法办结：引发它的事项类别（{}）此后不会发出此事件", id.value, kinds.join("、"));
        faults.push(
            Fault::new(range, "never-closes", en, zh).help("name an event that one of their steps tells", "请写这些类别的步骤所发出的事件"),
        );
    }
    only_some_close(text, id, &concerned, opens, closes, faults);
}

/// What opens for every case that comes in, and is closed by what one kind alone tells: a condition was forgotten.
fn only_some_close(
    text: &DutyText,
    id: &Placed<String>,
    concerned: &[&Kind],
    opens: &[Trigger],
    closes: &[Trigger],
    faults: &mut Vec<Fault>,
) {
    let comes_in = |trigger: &Trigger| ["case.registered", "case.sorted"].contains(&trigger.event.as_str()) && trigger.when.is_none();
    let is_of_case = |trigger: &Trigger| trigger.event.starts_with("case.") && trigger.key.is_none();
    if text.key.is_some() || !text.cancels.is_empty() || !opens.iter().all(comes_in) || !opens.iter().chain(closes).all(is_of_case) {
        return;
    }
    let ends = |kind: &Kind| closes.iter().any(|close| close.event.strip_prefix("case.").is_some_and(|word| tells(kind, close, word)));
    let never: Vec<&Kind> = concerned.iter().copied().filter(|kind| !kind.unsorted && !ends(kind)).collect();
    if never.is_empty() || never.len() == concerned.len() {
        return;
    }
    let ids = never.iter().map(|kind| kind.id.as_str()).collect::<Vec<_>>().join(", ");
    let titles = never.iter().map(|kind| kind.title.zh.as_str()).collect::<Vec<_>>().join("、");
    let en = format!("cases of these kinds open '{}' and never tell what closes it: {ids}", id.value);
    let zh = format!("下列类别的案件会引发“{}”，却不会发出办结它的事件：{titles}", id.value);
    let help = ("say of which kinds it opens: when = { kind = \"…\" }", "请写明由哪些类别引发：when = { kind = \"…\" }");
    faults.push(Fault::new(id.range, "some-never-close", en, zh).warning().help(help.0, help.1));
}

/// A report that a person sorts into its kind is told as `case.sorted`; who listens to its registration alone misses it.
pub(super) fn check_sorted(kinds: &[Kind], texts: &Many<TriggerText>, triggers: &[Trigger], faults: &mut Vec<Fault>) {
    let Some(registered) = texts.iter().flat_map(|text| text.on.iter()).find(|event| event.value == "case.registered") else { return };
    let on = |event: &'static str| triggers.iter().filter(move |trigger| trigger.event == event);
    let misses = |kind: &&Kind| {
        on("case.registered").any(|trigger| !of_unsorted_alone(trigger) && may_be(trigger.when.as_ref(), kind))
            && !on("case.sorted").any(|trigger| may_be(trigger.when.as_ref(), kind))
    };
    if !kinds.iter().filter(|kind| !kind.unsorted).any(|kind| misses(&kind)) {
        return;
    }
    let (en, zh) = (
        "a report that a person has to sort is told as case.sorted, and is missed here",
        "须人工分拣的来件以 case.sorted 告知，此处会漏掉",
    );
    let help = ("write on = [\"case.registered\", \"case.sorted\"]", "请写 on = [\"case.registered\", \"case.sorted\"]");
    faults.push(Fault::new(registered.range, "misses-sorted", en, zh).warning().help(help.0, help.1));
}

fn of_unsorted_alone(trigger: &Trigger) -> bool {
    // What an expression asks for is not looked into.
    trigger.when.as_ref().is_some_and(|when| when.expression.is_some() || when.tests.iter().any(|test| test.path == ["unsorted"]))
}

/// What closes a duty must be able to name the key that it was opened with.
pub(super) fn check_keys(texts: &Many<TriggerText>, known_by: &[&Template], faults: &mut Vec<Fault>) {
    for written in texts.iter().filter_map(|text| text.key.as_ref()) {
        let key = Template::parse(written);
        if known_by.is_empty() || known_by.iter().any(|known| known.may_equal(&key)) {
            continue;
        }
        let opened: BTreeSet<String> = known_by.iter().map(|known| known.written()).collect();
        let opened = opened.into_iter().collect::<Vec<_>>().join(", ");
        let en = format!("nothing is closed by this: '{}' is never what the duty was opened with ('{opened}')", written.value);
        let fault = Fault::new(
            written.range,
            "never-closes",
            en,
            format!("此键办结不了任何事项：“{}”不会等于产生时的键（“{opened}”）", written.value),
        );
        faults.push(fault.help(
            format!("write it as the duty's own key begins and ends: \"{opened}\""),
            format!("请与产生时的键首尾一致：\"{opened}\""),
        ));
    }
}
