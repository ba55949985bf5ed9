//! Where one declaration names another thing of its pack.

use super::super::super::kind::Kind;
use super::super::packs::Context;
use super::super::unknown;
use crate::Title;
use crate::source::{Fault, Named, Placed};

/// Without the name of its table in front: `decision.loan` and `loan` are the same, as in `on_miss`.
pub(super) fn short<'a>(name: &'a str, table: &str) -> &'a str {
    name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// Finds it by id or Chinese title.
fn find<'a, T>(things: &'a Named<T>, name: &str, title: impl Fn(&T) -> Option<&Title>) -> Option<&'a str> {
    let found = things.iter().find(|(id, thing)| id.value == name || title(thing).is_some_and(|title| title.zh == name));
    found.map(|(id, _)| id.value.as_str())
}

/// A name of that table, or a fault that says what there is.
fn named<T>(
    things: &Named<T>,
    table: &str,
    name: &Placed<String>,
    title: impl Fn(&T) -> Option<&Title>,
    (what, code): ((&str, &str), &'static str),
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let found = find(things, short(name, table), title).map(str::to_owned);
    if found.is_none() {
        let fault = unknown(name, what, code, things.names());
        faults.push(if things.is_empty() {
            let wanted = short(name, table);
            fault.help(format!("this pack has none: write [{table}.{wanted}]"), format!("本制度包尚未声明：请写 [{table}.{wanted}]"))
        } else {
            fault
        });
    }
    found
}

pub(super) fn decision(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let what = (("decision", "审批"), "unknown-decision");
    named(&context.file.decision, "decision", name?, |decision| Some(&decision.title), what, faults)
}

pub(super) fn message(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let what = (("message", "文案"), "unknown-message");
    named(&context.file.message, "message", name?, |message| message.title.as_ref(), what, faults)
}

pub(super) fn kind(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    named(&context.file.kind, "kind", name?, |kind| Some(&kind.title), (("kind", "事项类别"), "unknown-kind"), faults)
}

/// A recurring duty of the pack, by its id: titles of duties have places.
pub(super) fn recurring(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let what = (("recurring duty", "周期性责任事项"), "unknown-duty");
    named(&context.file.recurring, "recurring", name?, |_| None, what, faults)
}

/// A duty of the pack, recurring or not.
pub(super) fn duty(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let name = name?;
    let (plain, recurring) = (short(name, "duty"), short(name, "recurring"));
    let found = find(&context.file.duty, plain, |_| None).or_else(|| find(&context.file.recurring, recurring, |_| None));
    if found.is_none() {
        let known = context.file.duty.names().chain(context.file.recurring.names());
        faults.push(unknown(name, ("duty", "责任事项"), "unknown-duty", known));
    }
    found.map(str::to_owned)
}

/// What of these tables a name means: `form.card` in that table alone, `card` in the first that has it.
pub(super) fn one_of(
    context: &Context<'_>,
    name: &Placed<String>,
    tables: &[&'static str],
    what: (&str, &str),
    faults: &mut Vec<Fault>,
) -> Option<(&'static str, String)> {
    let file = context.file;
    let in_table = |table: &str, name: &str| match table {
        "kind" => find(&file.kind, name, |kind| Some(&kind.title)),
        "form" => find(&file.form, name, |form| Some(&form.title)),
        "report" => find(&file.report, name, |report| Some(&report.title)),
        _ => find(&file.survey, name, |survey| Some(&survey.title)),
    };
    let named = tables.iter().find(|table| name.strip_prefix(*table).is_some_and(|rest| rest.starts_with('.')));
    let found = match named {
        Some(table) => in_table(table, short(name, table)).map(|id| (*table, id.to_owned())),
        None => tables.iter().find_map(|table| in_table(table, name).map(|id| (*table, id.to_owned()))),
    };
    if found.is_none() {
        let names = |table: &str| -> Vec<String> {
            match table {
                "kind" => file.kind.names().map(str::to_owned).collect(),
                "form" => file.form.names().map(|name| format!("form.{name}")).collect(),
                "report" => file.report.names().map(|name| format!("report.{name}")).collect(),
                _ => file.survey.names().map(|name| format!("survey.{name}")).collect(),
            }
        };
        let known: Vec<String> = tables.iter().flat_map(|table| names(table)).collect();
        faults.push(unknown(name, what, "unknown-name", known.iter().map(String::as_str)));
    }
    found
}

/// A kind as compiled, by its id.
pub(super) fn kind_of<'a>(kinds: &'a [Kind], id: &str) -> Option<&'a Kind> {
    kinds.iter().find(|kind| kind.id == id)
}
