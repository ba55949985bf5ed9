//! How a duty reminds, whether its clock may be stopped, and from when it counts: as written, or by a parameter.

use super::super::duty::{EVENT, NEVER, Pausing, Reminder, Start, TermSource, When};
use super::super::kind::Kind;
use super::super::parameter::{braced, unknown_parameter, valued};
use super::super::vocabulary::{Holds, Vocabulary};
use super::super::worded::instant;
use super::ladders::{amount, check_length, fixed, in_seconds, roughly};
use super::packs::Context;
use super::unknown;
use crate::calendar::{Duration, Measure, Term};
use crate::source::{Fault, Many, Placed};

/// Seconds of a year and a day: what pauses longer was forgotten.
const LONGEST_PAUSE: i64 = 366 * 86_400;

pub(super) fn pausing(context: &Context<'_>, text: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Pausing {
    match text {
        None => Pausing::ByDecision,
        Some(text) if text.trim() == NEVER => Pausing::Never,
        Some(text) if braced(text).is_some() => {
            let wanted = ("no pause", "不是暂停时长", "5wd");
            worded(context, text, |value| Pausing::parse(value).is_some(), wanted, faults).map_or(Pausing::ByDecision, Pausing::Parameter)
        }
        Some(text) => {
            let allowed = amount(context, text, text, faults);
            if let Some(allowed) = &allowed {
                check_length(context, text, allowed, (0, LONGEST_PAUSE), faults);
            }
            allowed.map_or(Pausing::ByDecision, Pausing::Within)
        }
    }
}

/// The parameter that stands there, if it is there and what it says fits; `wanted`: what is wrong else, in both languages, and what to write.
fn worded(
    context: &Context<'_>,
    text: &Placed<String>,
    fits: impl Fn(&str) -> bool,
    wanted: (&str, &str, &str),
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let name = braced(text)?;
    let Some((_, value)) = context.parameters.iter().find(|(known, _)| known == name) else {
        faults.push(unknown_parameter(name, text.range, context.parameters.iter().map(|(name, _)| name.as_str())));
        return None;
    };
    if !fits(value) {
        let (en, zh, example) = wanted;
        let help = valued(name, example);
        let fault = Fault::new(
            text.range,
            "wrong-type",
            format!("parameter '{name}' is '{value}': {en}"),
            format!("参数“{name}”的值为“{value}”：{zh}"),
        );
        faults.push(fault.help(help.0, help.1));
    }
    Some(name.to_owned())
}

pub(super) fn start(
    context: &Context<'_>,
    kinds: &[Kind],
    text: &Placed<String>,
    vocabulary: &Vocabulary,
    faults: &mut Vec<Fault>,
) -> Option<Start> {
    if braced(text).is_none() {
        return path(text, vocabulary, faults).map(Start::Member);
    }
    let fits = |value: &str| value == EVENT || instant(kinds, value).is_some();
    worded(context, text, fits, ("no beginning", "不是起算时间", "received_at"), faults).map(Start::Parameter)
}

pub(super) fn may_be_extended(text: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> bool {
    let Some(text) = text else { return true };
    if text.trim() != NEVER {
        let fault = unknown(text, ("extension", "延期"), "unknown-word", [NEVER].into_iter());
        faults.push(fault);
    }
    false
}

pub(super) fn reminders(context: &Context<'_>, texts: &Many<Placed<String>>, within: &[When], faults: &mut Vec<Fault>) -> Vec<Reminder> {
    let mut reminders = Vec::new();
    for text in texts.iter() {
        if braced(text).is_some() {
            let wanted = ("no reminder", "不是提醒时间", "80%");
            reminders.extend(worded(context, text, |value| Reminder::parse(value).is_some(), wanted, faults).map(Reminder::Parameter));
            continue;
        }
        if let Some(Reminder::Share(share)) = Reminder::parse(text) {
            reminders.push(Reminder::Share(share));
            continue;
        }
        let Some(span) = text.strip_suffix(" before") else {
            let en = format!("'{}' is no reminder", text.value);
            let fault = Fault::new(text.range, "bad-reminder", en, format!("“{}”不是提醒时间", text.value));
            faults.push(fault.help("write \"12h before\", or \"80%\" of the period", "请写 \"12h before\"，或期限的百分比 \"80%\""));
            continue;
        };
        let Some(amount) = amount(context, text, span, faults) else { continue };
        if fixed(context, &amount).is_some_and(|before| lies_before(context, before, within)) {
            let en = format!("'{}' lies before the duty opens", text.value);
            let fault = Fault::new(text.range, "bad-reminder", en, format!("提醒时间“{}”早于责任事项产生之时", text.value));
            faults.push(fault.help("write less than the period, e.g. \"80%\" of it", "请写短于期限的时长，或期限的百分比，例如 \"80%\""));
        }
        reminders.push(Reminder::Before(amount));
    }
    reminders
}

/// Whether that long before its end every one of these terms has not yet begun. Of several the longest counts: before a shorter one a reminder is
/// simply not sent.
fn lies_before(context: &Context<'_>, before: Duration, within: &[When]) -> bool {
    let term = |when: &When| match &when.term {
        TermSource::Fixed(Term::Within(duration)) => Some(*duration),
        TermSource::Parameter(name) => context.parameters.iter().find(|(known, _)| known == name)?.1.parse().ok(),
        _ => None,
    };
    // Hours worked are compared with hours worked: a day of work has as many as its calendar gives it.
    let is_no_shorter = |term: Duration| {
        let (before, term) = roughly(before).zip(roughly(term)).or_else(|| worked(before).zip(worked(term)))?;
        Some(before >= term)
    };
    !within.is_empty() && within.iter().all(|when| term(when).and_then(is_no_shorter) == Some(true))
}

/// Seconds of a length in working hours.
fn worked(duration: Duration) -> Option<i64> {
    let is_of_hours = matches!(duration.measure, Measure::WorkingSecond | Measure::WorkingMinute | Measure::WorkingHour);
    is_of_hours.then(|| in_seconds(duration)).flatten()
}

/// The member of the event that a name means, as a path: one that holds a date or a time.
pub(super) fn path(name: &Placed<String>, vocabulary: &Vocabulary, faults: &mut Vec<Fault>) -> Option<String> {
    let member = vocabulary.member(name);
    if member.is_some_and(|member| !matches!(member.holds, Holds::Date)) {
        let (en, zh) =
            (format!("'{}' holds no date, from which time could count", name.value), format!("“{}”不是日期，不能据以计时", name.value));
        let help = ("name a field of type date or datetime, or received_at", "请写类型为 date、datetime 的字段，或 received_at");
        faults.push(Fault::new(name.range, "wrong-type", en, zh).help(help.0, help.1));
        return None;
    }
    let found = member.map(|member| member.path.join("."));
    if found.is_none() {
        let en = format!("the event has nothing called '{}'", name.value);
        let known = vocabulary.nameable();
        let fault = Fault::new(name.range, "unknown-member", en, format!("事件中没有“{}”", name.value))
            .help(format!("write e.g. {}", known.join(", ")), format!("可写例如 {}", known.join("、")));
        faults.push(fault.suggest(name, vocabulary.names()));
    }
    found
}
