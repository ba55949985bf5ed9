//! Returning (退回): what becomes of a case that those to whom it was given hand back as not theirs. How often, and who may, the pack says.

use crate::case::{Case, Words};
use crate::judging;
use duban_policy::directory::Directory;
use duban_policy::policy::{Kind, Permitted, Returning, Step};
use serde_json::{Map, Value};

/// Nobody handles it, and what named those who had it is empty. Back to whoever sorts it waits to be sorted, in the unit that it came from.
/// Gives the fields that are to be emptied: those that are not given with the return itself.
pub fn hand_back<'r>(
    directory: &Directory,
    kind: &Kind,
    case: &mut Case,
    permitted: &Permitted<'_>,
    returned: &'r Returning,
) -> Vec<&'r String> {
    case.returns += 1;
    case.handler = None;
    let cleared: Vec<&String> = returned.clears.iter().filter(|field| !permitted.fields.contains_key(*field)).collect();
    for field in &cleared {
        case.fields.remove(*field);
    }
    if permitted.to.is_none() {
        case.unsorted = true;
        if let Some(unit) = case.came_from.take() {
            case.unit = unit;
            (case.title, case.title_zh) = judging::title(directory, kind, &case.unit);
        }
    }
    cleared
}

/// What the timeline says of it: the how manieth time it is, and the reason, which is free text of a person.
pub fn say(words: &mut Words, kind: &Kind, step: &Step, given: &Map<String, Value>, returns: i64, most: i64) {
    words.text = format!("{} (return {returns}, {most} at most)", words.text);
    words.text_zh = format!("{}（第{returns}次退回，最多{most}次）", words.text_zh);
    let reasons = step.requires.iter().filter_map(|field| Some(in_words(kind, field, given.get(field)?)));
    let reasons: Vec<String> = reasons.chain(words.note.take()).collect();
    words.note = Some(reasons.join("；")).filter(|reason| !reason.is_empty());
}

/// A choice by its title, anything else as it was given.
fn in_words(kind: &Kind, field: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let choice = kind.field(field).and_then(|field| field.choices.iter().find(|choice| choice.value == text));
    choice.map_or(text, |choice| choice.title.zh.clone())
}
