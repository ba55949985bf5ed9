//! Duties, once and recurring.

use super::super::declaration::Rhythm;
use super::super::duty::{Amount, DutyRule, Pausing, TermSource, Trigger, When};
use super::super::kind::{Actor, Kind};
use super::super::parameter::{self, braced, unknown_parameter, valued};
use super::super::recurring::RecurringRule;
use super::super::template::{Piece, Template};
use super::super::vocabulary::Vocabulary;
use super::closing::{check_can_close, check_keys, check_sorted};
use super::declarations::rhythm;
use super::duty_clock::{may_be_extended, path, pausing, reminders, start};
use super::happening::check_can_open;
use super::kinds::{PEOPLE, actors};
use super::ladders::check_length;
use super::packs::{Context, ids};
use super::periods::check_period;
use super::{CASE_EVENTS, OTHER_EVENTS, RETURNED, unknown};
use crate::Title;
use crate::calendar::{BadDuration, Term};
use crate::source::duty::{DutyText, RecurringText, TriggerText, WithinText};
use crate::source::{Fault, Many, Placed};

/// Both vocabularies: that of cases, and that of all other events.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub cases: &'a Vocabulary,
    pub others: &'a Vocabulary,
}

impl Words<'_> {
    fn of(&self, event: &str) -> &Vocabulary {
        if event.starts_with("case.") { self.cases } else { self.others }
    }
}

pub(super) fn compile(
    context: &Context<'_>,
    kinds: &[Kind],
    cases: &Vocabulary,
    others: &Vocabulary,
    faults: &mut Vec<Fault>,
) -> Vec<DutyRule> {
    let words = Words { cases, others };
    context.file.duty.iter().map(|(id, text)| duty(context, kinds, words, id, text, faults)).collect()
}

fn duty(
    context: &Context<'_>,
    kinds: &[Kind],
    words: Words<'_>,
    id: &Placed<String>,
    text: &DutyText,
    faults: &mut Vec<Fault>,
) -> DutyRule {
    let opens = triggers(&text.opens, kinds, words, faults);
    let closes = triggers(&text.closes, kinds, words, faults);
    check_can_open(kinds, (id, text), &opens, faults);
    check_can_close(kinds, (id, text), &opens, &closes, faults);
    check_sorted(kinds, &text.opens, &opens, faults);
    let opening = opens.first().map_or("case.registered", |trigger| trigger.event.as_str());
    let vocabulary = words.of(opening);
    let key = match &text.key {
        Some(key) => template(key, vocabulary, faults),
        None => Template::parse("case/{case}"),
    };
    let known_by: Vec<&Template> = opens.iter().map(|open| open.key.as_ref().unwrap_or(&key)).collect();
    check_keys(&text.closes, &known_by, faults);
    let link = match &text.link {
        Some(link) => template(link, vocabulary, faults),
        None => Template::parse(if opening.starts_with("case.") { "/cases/{case}" } else { "{link}" }),
    };
    let from = text.from.as_ref().and_then(|member| start(context, kinds, member, vocabulary, faults));
    let within = within(context, &text.within, vocabulary, faults);
    let remind = reminders(context, text.remind.as_ref().unwrap_or(&context.file.defaults.remind), &within, faults);
    DutyRule {
        pack: context.file.pack.id.value.clone(),
        id: id.value.clone(),
        article: text.article.clone(),
        rules: ids(&text.rule),
        title_zh: template(&Placed { value: text.title.zh.clone(), range: text.title.range }, vocabulary, faults),
        title_en: template(&Placed { value: text.title.en.clone(), range: text.title.range }, vocabulary, faults),
        link,
        opens,
        closes,
        cancels: triggers(&text.cancels, kinds, words, faults),
        key,
        owed_by: owed_by(context, id, &text.owed_by, faults),
        owed_to: actors(context, None, &text.owed_to, &PEOPLE, faults),
        within,
        from,
        calendar: calendar(context, text.calendar.as_ref().or(context.file.defaults.calendar.as_ref()), faults),
        remind,
        pause: pausing(context, text.pause.as_ref(), faults),
        may_be_extended: may_be_extended(text.extend.as_ref(), faults),
        ladder: ladder(context, id, text.on_miss.as_ref(), faults),
    }
}

pub(super) fn recurring(
    context: &Context<'_>,
    kinds: &[Kind],
    cases: &Vocabulary,
    others: &Vocabulary,
    faults: &mut Vec<Fault>,
) -> Vec<RecurringRule> {
    let words = Words { cases, others };
    context.file.recurring.iter().filter_map(|(id, text)| one_recurring(context, kinds, words, id, text, faults)).collect()
}

fn one_recurring(
    context: &Context<'_>,
    kinds: &[Kind],
    words: Words<'_>,
    id: &Placed<String>,
    text: &RecurringText,
    faults: &mut Vec<Fault>,
) -> Option<RecurringRule> {
    if context.file.duty.get(id).is_some() {
        let en = format!("a duty is called '{}' too", id.value);
        let fault = Fault::new(id.range, "twice", en, format!("已有同名的责任事项“{}”", id.value));
        faults.push(fault.help("write another name for one of them", "请为其中之一另取名称"));
    }
    let mut closes = triggers(&text.closes, kinds, words, faults);
    let every = rhythm(context, &text.every, faults);
    check_period(id, kinds, &closes, every.as_ref(), faults);
    check_sorted(kinds, &text.closes, &closes, faults);
    for trigger in &mut closes {
        trigger.key.get_or_insert_with(|| Template::parse("period/{unit}/{fields.period}"));
    }
    let key = Template::parse("period/{unit}/{period}");
    check_keys(&text.closes, &[&key], faults);
    let every = every?;
    check_rhythm(context, text, &every, faults);
    let terms = Many(vec![WithinText { within: Some(text.within.clone()), when: None, field: None, before: None }]);
    let within = within(context, &terms, words.cases, faults);
    let remind = reminders(context, text.remind.as_ref().unwrap_or(&context.file.defaults.remind), &within, faults);
    // Its titles and link speak of the period and the unit alone.
    let places = |text: &str, faults: &mut Vec<Fault>| {
        let parsed = Template::parse(text);
        for place in parsed.places().filter(|place| !["period", "unit"].contains(place)) {
            let name = Placed { value: place.to_owned(), range: id.range };
            faults.push(unknown(
                &name,
                ("place in a recurring title", "周期性事项标题占位"),
                "unknown-member",
                ["period", "unit"].into_iter(),
            ));
        }
        parsed
    };
    let rule = DutyRule {
        pack: context.file.pack.id.value.clone(),
        id: id.value.clone(),
        article: text.article.clone(),
        rules: ids(&text.rule),
        title_zh: places(&text.title.zh, faults),
        title_en: places(&text.title.en, faults),
        link: places(text.link.as_ref().map_or("/duties", |link| link.as_str()), faults),
        opens: Vec::new(),
        closes,
        cancels: Vec::new(),
        key,
        owed_by: owed_by_post(context, id, &text.owed_by, faults),
        owed_to: actors(context, None, &text.owed_to, &PEOPLE, faults),
        within,
        from: None,
        calendar: calendar(context, text.calendar.as_ref().or(context.file.defaults.calendar.as_ref()), faults),
        remind,
        pause: Pausing::ByDecision,
        may_be_extended: true,
        ladder: ladder(context, id, text.on_miss.as_ref(), faults),
    };
    Some(RecurringRule { every, rule })
}

fn owed_by(context: &Context<'_>, id: &Placed<String>, text: &Many<crate::source::pack::ActorText>, faults: &mut Vec<Fault>) -> Vec<Actor> {
    if text.is_empty() {
        let (en, zh) = (format!("'{}' is owed by nobody", id.value), format!("责任事项“{}”没有责任人", id.value));
        let fault = Fault::new(id.range, "owed-by-nobody", en, zh);
        faults.push(fault.help("write owed_by = \"handler\" or a role", "请写 owed_by = \"handler\" 或角色"));
    }
    actors(context, None, text, &PEOPLE, faults)
}

/// What comes round is of no case: only a post can owe it.
fn owed_by_post(
    context: &Context<'_>,
    id: &Placed<String>,
    text: &Many<crate::source::pack::ActorText>,
    faults: &mut Vec<Fault>,
) -> Vec<Actor> {
    let owing = owed_by(context, id, text, faults);
    if !owing.is_empty() && !owing.iter().any(|actor| matches!(actor, Actor::Role(_))) {
        let en = format!("'{}' comes round without a case, and so without a handler: nobody would owe it", id.value);
        let zh = format!("“{}”不属于任何案件，没有承办人，永远无人负责", id.value);
        faults.push(Fault::new(id.range, "owed-by-nobody", en, zh).help("write owed_by = a role", "请在 owed_by 中写角色"));
    }
    owing
}

/// A day of the month is no term for what comes round more often than months do.
fn check_rhythm(context: &Context<'_>, text: &RecurringText, every: &Rhythm, faults: &mut Vec<Fault>) {
    let Rhythm::Fixed(fixed) = every else { return };
    let term = match braced(&text.within) {
        Some(name) => context.parameters.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok()),
        None => text.within.parse().ok(),
    };
    let is_of_month = matches!(term, Some(Term::MonthDay { .. } | Term::LastWorkingDay));
    if is_of_month && !fixed.ends_month() {
        let words = fixed.words();
        let en = format!(
            "'{}' cannot be meant of what comes round {}: the rounds of a month would all be due on one day",
            text.within.value, words.en
        );
        let zh = format!("{}一次的事项不能以“{}”为期限：一个月内的各期会在同一天到期", words.zh, text.within.value);
        faults.push(
            Fault::new(text.within.range, "bad-duration", en, zh)
                .warning()
                .help("write e.g. \"12h\" or \"2wd\"", "例如写 \"12h\" 或 \"2wd\""),
        );
    }
}

/// Of a pack's own events no more are listed where none is near.
const MOST_TOLD: usize = 12;

pub(super) fn triggers(texts: &Many<TriggerText>, kinds: &[Kind], words: Words<'_>, faults: &mut Vec<Fault>) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    for text in texts.iter() {
        for event in text.on.iter() {
            if !is_known(event, kinds, text.any_pack) {
                let mut own: Vec<String> = kinds.iter().flat_map(|kind| &kind.steps).map(|step| format!("case.{}", step.event)).collect();
                own.sort_unstable();
                own.dedup();
                // A return is told where a kind has one; else it is no word that was meant.
                let returns = own.iter().any(|event| event.ends_with(RETURNED)) || text.any_pack;
                let known: Vec<String> = CASE_EVENTS
                    .iter()
                    .filter(|word| returns || **word != RETURNED)
                    .map(|word| format!("case.{word}"))
                    .chain(own.iter().cloned())
                    .chain(OTHER_EVENTS.map(str::to_owned))
                    .collect();
                let told: Vec<&str> = own.iter().map(String::as_str).take(MOST_TOLD).chain(["case.registered", "case.closed"]).collect();
                let en = format!("nothing ever tells '{}'", event.value);
                let fault = Fault::new(event.range, "unknown-event", en, format!("没有任何步骤会发出事件“{}”", event.value))
                    .help(format!("write e.g. {}", told.join(", ")), format!("可写例如 {}", told.join("、")));
                faults.push(fault.suggest(event, known.iter().map(String::as_str)));
                continue;
            }
            let vocabulary = words.of(event);
            triggers.push(Trigger {
                event: event.value.clone(),
                when: text.when.as_ref().map(|when| vocabulary.condition(when, faults)),
                any_pack: text.any_pack,
                key: text.key.as_ref().map(|key| template(key, vocabulary, faults)),
            });
        }
    }
    triggers
}

fn is_known(event: &str, kinds: &[Kind], any_pack: bool) -> bool {
    match event.strip_prefix("case.") {
        // Kinds of other packs may have returns where none of this one's has.
        Some(RETURNED) if !any_pack => kinds.iter().flat_map(|kind| &kind.steps).any(|step| step.event == RETURNED),
        Some(word) => CASE_EVENTS.contains(&word) || kinds.iter().flat_map(|kind| &kind.steps).any(|step| step.event == word),
        None => OTHER_EVENTS.contains(&event),
    }
}

/// A template whose places are all known and none personal; fields get their full path.
pub(super) fn template(text: &Placed<String>, vocabulary: &Vocabulary, faults: &mut Vec<Fault>) -> Template {
    let mut parsed = Template::parse(text);
    for piece in &mut parsed.pieces {
        let Piece::Place(place) = piece else { continue };
        match vocabulary.member(place) {
            Some(member) if member.personal => {
                let en = format!("'{{{place}}}' is personal and must not stand in a title, link, key or message");
                let zh = format!("“{{{place}}}”属于个人信息，不得出现在标题、链接、识别键或文案中");
                faults.push(
                    Fault::new(text.range, "personal", en, zh).help(
                        "use {number}: who may see the case finds the rest there",
                        "请改用 {number}，有权查看者可在案件中看到其余内容",
                    ),
                );
            }
            Some(member) => *place = member.path.join("."),
            None => {
                let en = format!("the event has nothing called '{place}'");
                let known: Vec<String> = vocabulary.nameable().into_iter().map(|name| format!("{{{name}}}")).collect();
                let fault = Fault::new(text.range, "unknown-member", en, format!("事件中没有“{place}”"))
                    .help(format!("write e.g. {}", known.join(", ")), format!("可写例如 {}", known.join("、")));
                faults.push(fault.suggest(place, vocabulary.names()));
            }
        }
    }
    parsed
}

fn within(context: &Context<'_>, texts: &Many<WithinText>, vocabulary: &Vocabulary, faults: &mut Vec<Fault>) -> Vec<When> {
    let mut terms = Vec::new();
    for text in texts.iter() {
        let written = text.within.as_ref().and_then(|within| term(context, within, faults));
        let term = match (&text.field, written) {
            (Some(field), Some(otherwise)) => {
                let before = text.before.as_ref().and_then(|before| parameter::amount(&context.parameters, before, faults));
                path(field, vocabulary, faults).map(|field| TermSource::Field { field, before, otherwise: Box::new(otherwise) })
            }
            (Some(field), None) => {
                let fault = Fault::new(
                    field.range,
                    "missing-key",
                    "'within' is missing: what counts while the field is empty?",
                    "缺少“within”：字段为空时按什么计算？",
                );
                faults.push(fault.help(
                    format!("write e.g. {{ field = \"{}\", within = \"3wd\" }}", field.value),
                    format!("例如写 {{ field = \"{}\", within = \"3wd\" }}", field.value),
                ));
                None
            }
            (None, written) => {
                if let Some(before) = &text.before {
                    let (en, zh) = ("'before' is written beside a field whose date it is before", "“before”须与日期字段（field）一起写");
                    let fault = Fault::new(before.range, "missing-key", en, zh);
                    faults.push(fault.help(
                        "write e.g. { field = \"arrives_on\", before = \"30m\", within = \"1d\" }",
                        "例如写 { field = \"arrives_on\", before = \"30m\", within = \"1d\" }",
                    ));
                }
                written
            }
        };
        let when = text.when.as_ref().map(|when| vocabulary.condition(when, faults));
        terms.extend(term.map(|term| When { when, term }));
    }
    check_choice(texts, faults);
    terms
}

/// Of several terms the first whose condition holds counts: what comes after one without a condition never does, and where none holds one without
/// a condition must.
fn check_choice(texts: &Many<WithinText>, faults: &mut Vec<Fault>) {
    let place = |text: &WithinText| text.within.as_ref().or(text.field.as_ref()).map_or((0, 0), |written| written.range);
    let (en, zh) = (
        "write { when = { … }, within = \"1d\" } first, and last { within = \"7d\" }",
        "请先写 { when = { … }, within = \"1d\" }，最后写 { within = \"7d\" }",
    );
    let always = texts.iter().position(|text| text.when.is_none());
    match (always, texts.last()) {
        (None, Some(last)) => {
            let fault = Fault::new(
                place(last),
                "no-default",
                "which term counts where none of these conditions holds?",
                "各条件均不成立时，按哪个期限？",
            );
            faults.push(fault.help(en, zh));
        }
        (Some(first), _) => faults.extend(texts.iter().skip(first + 1).map(|never| {
            let fault = Fault::new(
                place(never),
                "never-counts",
                "this term never counts: one without a condition stands before it",
                "此期限不会生效：其前已有无条件的期限",
            );
            fault.help(en, zh)
        })),
        (None, None) => {}
    }
}

/// What terms there are besides durations.
const TERMS: (&str, &str) = (
    "write a duration, end of next working day, 10:00 next day, by the 10th or \"{parameter}\"",
    "请写时长、\"end of day\"（当日24时）、\"10:00 next day\"（次日10时）、\"by the 10th\"（10日前）或 \"{参数}\"",
);

pub(super) fn term(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<TermSource> {
    if let Some(name) = braced(text) {
        let Some((_, value)) = context.parameters.iter().find(|(known, _)| known == name) else {
            faults.push(unknown_parameter(name, text.range, context.parameters.iter().map(|(name, _)| name.as_str())));
            return None;
        };
        if let Err(bad) = value.parse::<Term>() {
            let en = format!("parameter '{name}' is no term: {bad}");
            let help = valued(name, "3wd");
            faults.push(Fault::new(text.range, "bad-duration", en, format!("参数“{name}”不是期限：{}", bad.zh())).help(help.0, help.1));
        }
        return Some(TermSource::Parameter(name.to_owned()));
    }
    match text.parse::<Term>() {
        Ok(term) => {
            if let Term::Within(duration) = term {
                check_length(context, text, &Amount::Fixed(duration), (0, LATEST), faults);
            }
            Some(TermSource::Fixed(term))
        }
        Err(bad) => {
            let help = if matches!(bad, BadDuration::Unreadable(_)) { TERMS } else { bad.help() };
            faults.push(Fault::new(text.range, "bad-duration", bad.to_string(), bad.zh()).help(help.0, help.1));
            None
        }
    }
}

/// Seconds of thirty years: nobody owes anything later.
const LATEST: i64 = 30 * 366 * 86_400;

fn calendar(context: &Context<'_>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let name = name?;
    if !context.calendars.contains_key(&name.value) {
        let fault = unknown(name, ("calendar", "日历"), "unknown-calendar", context.calendars.keys().map(String::as_str));
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    Some(name.value.clone())
}

fn ladder(context: &Context<'_>, id: &Placed<String>, name: Option<&Placed<String>>, faults: &mut Vec<Fault>) -> Option<String> {
    let Some(name) = name.or(context.file.defaults.on_miss.as_ref()) else {
        let en = format!("nobody hears of it when '{}' is missed", id.value);
        let fault = Fault::new(id.range, "no-ladder", en, format!("责任事项“{}”逾期时没有人会知道", id.value));
        faults.push(fault.help("write on_miss = \"ladder.…\", here or in [defaults]", "请在此处或 [defaults] 中写 on_miss = \"ladder.…\""));
        return None;
    };
    let short = name.strip_prefix("ladder.").unwrap_or(name);
    let known = super::find(&context.file.ladder, short, |ladder| ladder.title.as_ref().unwrap_or(&NOWHERE));
    if known.is_none() {
        let fault = unknown(
            &Placed { value: short.to_owned(), range: name.range },
            ("ladder", "阶梯"),
            "unknown-ladder",
            context.file.ladder.names(),
        );
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    known.map(str::to_owned)
}

static NOWHERE: Title = Title { zh: String::new(), en: String::new() };
