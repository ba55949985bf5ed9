//! Which reminders and rungs, yet to come, a correction puts at another time, adds, takes away, or lets be told otherwise. Pure.

use crate::duty::Duty;
use duban_contracts::Timestamp;
use duban_contracts::policy::ForeseenStage;
use duban_policy::ladder::{TimedRung, Who};
use std::collections::{BTreeMap, BTreeSet};

/// Of a duty before and after its correction. What was told is told, and is not listed.
pub fn stages(before: &Duty, after: &Duty) -> Vec<ForeseenStage> {
    let mut found = reminders(reminders_to_come(before), reminders_to_come(after));
    let (old, new) = (rungs_to_come(before), rungs_to_come(after));
    let numbers: BTreeSet<i32> = old.keys().chain(new.keys()).copied().collect();
    for number in numbers {
        let (old, new) = (old.get(&number).copied(), new.get(&number).copied());
        if old == new {
            continue;
        }
        found.push(ForeseenStage {
            rung: Some(number),
            at_before: old.map(|rung| rung.at),
            at_after: new.map(|rung| rung.at),
            told_before: old.map(told).unwrap_or_default(),
            told_after: new.map(told).unwrap_or_default(),
        });
    }
    found
}

/// Those of before and after, the last with the last, since they are counted from the due time for the most part.
fn reminders(old: &[Timestamp], new: &[Timestamp]) -> Vec<ForeseenStage> {
    let most = old.len().max(new.len());
    let nth_of = |of: &[Timestamp], nth: usize| (nth + of.len()).checked_sub(most).and_then(|nth| of.get(nth).copied());
    let stage = |nth| ForeseenStage {
        rung: None,
        at_before: nth_of(old, nth),
        at_after: nth_of(new, nth),
        told_before: Vec::new(),
        told_after: Vec::new(),
    };
    (0..most).map(stage).filter(|stage| stage.at_before != stage.at_after).collect()
}

fn reminders_to_come(duty: &Duty) -> &[Timestamp] {
    duty.terms.plan.reminders.get(duty.progress.reminders..).unwrap_or_default()
}

fn rungs_to_come(duty: &Duty) -> BTreeMap<i32, &TimedRung> {
    let last = duty.progress.last.map_or(0, |last| last.rung);
    duty.terms.plan.rungs.iter().filter(|rung| rung.rung > last).map(|rung| (rung.rung, rung)).collect()
}

/// As packs name them.
fn told(rung: &TimedRung) -> Vec<String> {
    let name = |who: &Who| match who {
        Who::Post(post) => post.clone(),
        Who::Person(person) => person.clone(),
        Who::Handler { .. } => "handler".to_owned(),
        Who::Superior(_) => "superior".to_owned(),
    };
    rung.tell.iter().map(name).collect()
}
