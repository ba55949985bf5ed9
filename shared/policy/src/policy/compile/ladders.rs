//! Ladders.

use super::super::duty::{Amount, Ladder, Rung, RungAt};
use super::super::parameter;
use super::super::vocabulary::Vocabulary;
use super::kinds::actors;
use super::packs::{Context, ids};
use crate::calendar::{Basis, Duration, Measure};
use crate::ladder::Until;
use crate::source::duty::RungText;
use crate::source::{Fault, Placed};
use std::collections::BTreeMap;

/// How long an acknowledgement stops the climb where the ladder says nothing.
const HOLD: Duration = Duration::new(24, Measure::Hour);

const HELD: &str = "until working hours";

const TOLD: [&str; 4] = ["handler", "owner", "superior", "owed_to"];

pub(super) fn compile(context: &Context<'_>, cases: &Vocabulary, faults: &mut Vec<Fault>) -> BTreeMap<String, Ladder> {
    let mut ladders = BTreeMap::new();
    for (id, text) in context.file.ladder.iter() {
        let rungs: Vec<Rung> = text.rungs.iter().filter_map(|rung| self::rung(context, rung, cases, faults)).collect();
        check_order(context, id, &text.rungs, &rungs, faults);
        let title = text.title.clone().unwrap_or_else(|| crate::Title::new(&id.value, &id.value));
        ladders
            .insert(id.value.clone(), Ladder { id: id.value.clone(), title, article: text.article.clone(), rules: ids(&text.rule), rungs });
    }
    ladders
}

fn rung(context: &Context<'_>, text: &RungText, cases: &Vocabulary, faults: &mut Vec<Fault>) -> Option<Rung> {
    let tell = actors(context, None, &text.tell, &TOLD, faults);
    let until = match text.until.as_deref().map(String::as_str) {
        None | Some("acknowledged") => Until::Any,
        Some("acknowledged by all") => Until::All,
        Some(_) => {
            let until = text.until.as_ref()?;
            faults.push(super::unknown(
                until,
                ("end of a rung", "终止条件"),
                "unknown-word",
                ["acknowledged", "acknowledged by all"].into_iter(),
            ));
            Until::Any
        }
    };
    if text.tell.is_empty() {
        let fault = Fault::new(text.at.range, "ladder-gap", "this rung tells nobody", "这一级没有通知任何人");
        faults.push(fault.help("write tell = \"superior\", \"owner\" or a role", "请写 tell = \"superior\"、\"owner\" 或角色"));
    }
    let repeat = text.repeat.as_ref().and_then(|repeat| amount(context, repeat, repeat, faults));
    let hold = text.hold.as_ref().and_then(|hold| amount(context, hold, hold, faults));
    for (place, amount, least) in [(&text.repeat, &repeat, REPEATED), (&text.hold, &hold, 0)] {
        if let Some((place, amount)) = place.as_ref().zip(amount.as_ref()) {
            check_length(context, place, amount, (least, LONGEST), faults);
        }
    }
    Some(Rung {
        at: at(context, &text.at, faults)?,
        tell,
        until,
        repeat,
        hold: hold.unwrap_or(Amount::Fixed(HOLD)),
        urgent: text.urgent,
        held: held(text, faults),
        when: text.when.as_ref().map(|when| cases.condition(when, faults)),
    })
}

/// Whether a rung waits for working hours. What goes out in quiet hours too cannot.
fn held(text: &RungText, faults: &mut Vec<Fault>) -> bool {
    let Some(held) = &text.held else { return false };
    if held.value != HELD {
        faults.push(super::unknown(held, ("time until which a rung is held", "顺延时点"), "unknown-word", [HELD].into_iter()));
        return false;
    }
    if text.urgent {
        let (en, zh) = ("an urgent rung goes out at any hour and cannot be held", "加急的一级任何时候都发出，不能顺延");
        let help = ("take out urgent = true, or held", "请去掉 urgent = true 或 held");
        faults.push(Fault::new(held.range, "held-urgent", en, zh).help(help.0, help.1));
    }
    true
}

fn at(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<RungAt> {
    let at = match text.trim() {
        "opened" => RungAt::Opened,
        "due" => RungAt::Due,
        words => match (words.strip_suffix(" after"), words.strip_suffix(" before")) {
            (Some(span), _) => {
                let after = amount(context, text, span, faults)?;
                check_length(context, text, &after, (0, LONGEST), faults);
                RungAt::After(after)
            }
            (None, Some(span)) => RungAt::Before(amount(context, text, span, faults)?),
            (None, None) => {
                let en = format!("'{words}' is no place on a ladder");
                let fault = Fault::new(text.range, "bad-rung", en, format!("“{words}”不是阶梯上的位置"));
                faults.push(
                    fault.help("write opened, due, \"2h after\" or \"12h before\"", "请写 opened、due、\"2h after\" 或 \"12h before\""),
                );
                return None;
            }
        },
    };
    Some(at)
}

/// Seconds within which a rung is never repeated: who is told so often hears nothing any more.
const REPEATED: i64 = 300;
/// Seconds of a year and a day: nothing on a ladder is longer.
const LONGEST: i64 = 366 * 86_400;

/// That a length can be meant: not shorter than this, nor longer than that, in seconds.
pub(super) fn check_length(
    context: &Context<'_>,
    place: &Placed<String>,
    amount: &Amount,
    (least, most): (i64, i64),
    faults: &mut Vec<Fault>,
) {
    let Some(seconds) = fixed(context, amount).and_then(in_seconds) else { return };
    if (least..=most).contains(&seconds) {
        return;
    }
    let (en, zh, help) = if seconds < least {
        (
            "shorter than can be meant here",
            "过短，不可能是本意",
            (format!("at least {}m", least / 60), format!("不少于 {} 分钟", least / 60)),
        )
    } else {
        (
            "longer than can be meant here",
            "过长，不可能是本意",
            (format!("at most {}d", most / 86_400), format!("不超过 {} 天", most / 86_400)),
        )
    };
    let fault = Fault::new(place.range, "bad-duration", format!("'{}' is {en}", place.value), format!("“{}”{zh}", place.value));
    if !faults.contains(&fault) {
        faults.push(fault.help(help.0, help.1));
    }
}

/// Length in seconds at least, working time as if all of it were worked.
pub(super) fn in_seconds(duration: Duration) -> Option<i64> {
    let unit = match duration.measure {
        Measure::WorkingSecond => 1,
        Measure::WorkingMinute => 60,
        Measure::WorkingHour => 3_600,
        _ => return roughly(duration),
    };
    i64::from(duration.amount).checked_mul(unit)
}

/// A duration or `{parameter}` that holds one.
pub(super) fn amount(context: &Context<'_>, place: &Placed<String>, text: &str, faults: &mut Vec<Fault>) -> Option<Amount> {
    let placed = Placed { value: text.trim().to_owned(), range: place.range };
    parameter::amount(&context.parameters, &placed, faults)
}

/// Rungs ascend, and one stands at due: nobody should hear of a miss only later.
fn check_order(context: &Context<'_>, id: &Placed<String>, texts: &[RungText], rungs: &[Rung], faults: &mut Vec<Fault>) {
    if rungs.len() != texts.len() {
        return;
    }
    if !rungs.iter().any(|rung| matches!(rung.at, RungAt::Due) && rung.when.is_none()) {
        let en = format!("the ladder '{}' tells nobody when the duty falls due", id.value);
        faults.push(
            Fault::new(id.range, "ladder-gap", en, format!("阶梯“{}”在到期时没有通知任何人", id.value))
                .help("write a rung with at = \"due\"", "请增加 at = \"due\" 的一级"),
        );
    }
    for pair in rungs.iter().zip(texts).collect::<Vec<_>>().windows(2) {
        let ((lower, _), (higher, text)) = (pair[0], pair[1]);
        if let (Some(first), Some(second)) = (place(context, &lower.at), place(context, &higher.at))
            && first > second
        {
            let en = format!("'{}' comes before the rung above it in the list", text.at.value);
            let fault = Fault::new(text.at.range, "ladder-order", en, format!("“{}”早于它前面的一级", text.at.value));
            faults.push(fault.help("put the rungs in order of time", "请按时间先后排列各级"));
        }
    }
}

/// Seconds from due, roughly; None where two are not comparable (working against calendar time).
fn place(context: &Context<'_>, at: &RungAt) -> Option<i64> {
    match at {
        RungAt::Opened => Some(i64::MIN),
        RungAt::Due => Some(0),
        RungAt::After(amount) => roughly(fixed(context, amount)?),
        RungAt::Before(amount) => roughly(fixed(context, amount)?).map(|seconds| -seconds),
    }
}

pub(super) fn fixed(context: &Context<'_>, amount: &Amount) -> Option<Duration> {
    match amount {
        Amount::Fixed(duration) => Some(*duration),
        Amount::Parameter(name) => context.parameters.iter().find(|(known, _)| known == name)?.1.parse().ok(),
    }
}

/// Length in seconds, with a working day as a calendar day.
pub(super) fn roughly(duration: Duration) -> Option<i64> {
    let unit = match duration.measure {
        Measure::Second | Measure::WorkingSecond => 1,
        Measure::Minute | Measure::WorkingMinute => 60,
        Measure::Hour | Measure::WorkingHour => 3_600,
        Measure::Day | Measure::WorkingDay => 86_400,
        Measure::Week => 604_800,
        Measure::Month => 2_592_000,
    };
    // Eight working hours are a day's work: not comparable with elapsed hours.
    let comparable = duration.basis() == Basis::Calendar || duration.measure == Measure::WorkingDay;
    comparable.then(|| i64::from(duration.amount) * unit)
}
