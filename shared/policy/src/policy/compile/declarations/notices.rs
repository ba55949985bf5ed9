//! Notices, messages and surveys: what is sent to whom, on what.

use super::super::super::declaration::{Channel, DeclarationSort, Message, Notice, Occasion, Survey};
use super::super::super::template::Template;
use super::super::super::vocabulary::Vocabulary;
use super::super::closing::check_sorted;
use super::super::packs::Context;
use super::super::{duties, kinds, unknown};
use super::{Known, figure, people, phrase, references, rhythm, stated};
use crate::Title;
use crate::source::declaration::{MessageText, NoticeText, SurveyText};
use crate::source::duty::{PlacedTitle, TriggerText};
use crate::source::{Fault, Many, Placed};

/// Who may be told besides roles.
const TOLD: [&str; 5] = ["handler", "reporter", "owner", "superior", "owed_to"];

pub(super) fn notices(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Vec<Notice> {
    context.file.notice.iter().map(|(id, text)| notice(context, known, id, text, faults)).collect()
}

fn notice(context: &Context<'_>, known: &Known<'_>, id: &Placed<String>, text: &NoticeText, faults: &mut Vec<Fault>) -> Notice {
    if text.to.is_empty() && !text.public {
        let fault =
            Fault::new(id.range, "tells-nobody", format!("'{}' tells nobody", id.value), format!("通知“{}”没有通知对象", text.title.zh));
        faults.push(fault.help("write to = \"…\", or public = true for what is posted up", "请写 to = \"…\"；张贴公布的写 public = true"));
    }
    if text.on.is_empty() && text.occasion.is_none() {
        let fault =
            Fault::new(id.range, "no-occasion", format!("nothing sets '{}' off", id.value), format!("通知“{}”没有触发时机", text.title.zh));
        faults.push(fault.help("write on = \"case.…\", or occasion = \"…\" where no event tells of it", OCCASION_ZH));
    }
    Notice {
        stated: stated(DeclarationSort::Notice, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        on: occasion(context, &text.on, text.occasion.as_ref(), known, faults),
        to: people(context, &text.to, &TOLD, faults),
        public: text.public,
        by: channels(&text.by, faults),
        within: text.within.as_ref().and_then(|within| duties::term(context, within, faults)),
        receipt: text.receipt,
        message: references::message(context, text.message.as_ref(), faults),
    }
}

const OCCASION_ZH: &str = "请写 on = \"case.…\"；尚无事件可用时写 occasion = \"…\"";

fn occasion(
    context: &Context<'_>,
    on: &Many<TriggerText>,
    otherwise: Option<&PlacedTitle>,
    known: &Known<'_>,
    faults: &mut Vec<Fault>,
) -> Occasion {
    let words = duties::Words { cases: known.cases, others: known.others };
    let events = duties::triggers(on, known.kinds, words, faults);
    check_sorted(known.kinds, on, &events, faults);
    Occasion { events, otherwise: otherwise.map(|text| phrase(context, text, faults)) }
}

fn channels(texts: &Many<Placed<String>>, faults: &mut Vec<Fault>) -> Vec<Channel> {
    let mut channels = Vec::new();
    for text in texts.iter() {
        match Channel::read(text) {
            Some(channel) => channels.push(channel),
            None => faults.push(unknown(
                text,
                ("way of telling people", "通知方式"),
                "unknown-channel",
                Channel::ALL.into_iter().map(|(_, word, _)| word),
            )),
        }
    }
    channels
}

pub(super) fn messages(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Vec<Message> {
    context.file.message.iter().map(|(id, text)| message(context, known, id, text, faults)).collect()
}

fn message(context: &Context<'_>, known: &Known<'_>, id: &Placed<String>, text: &MessageText, faults: &mut Vec<Fault>) -> Message {
    let uses = uses(context, id, text);
    if uses.is_empty() {
        let en = format!("nothing sends the message '{}'", id.value);
        let fault = Fault::new(id.range, "unused", en, format!("文案“{}”没有被使用", id.value)).warning();
        faults.push(fault.help(
            format!("write message = \"{}\" in a notice or survey, or take it out", id.value),
            format!("请在通知或调查中写 message = \"{}\"，或将其删去", id.value),
        ));
    }
    let words = words(context, known, &uses);
    let title = text.title.clone().or_else(|| text.subject.as_ref().map(|subject| subject.value.clone()));
    let title = title.unwrap_or_else(|| Title::new(&id.value, &id.value));
    let mut both = |written: &PlacedTitle| -> (Template, Template) {
        let mut one = |text: &str| duties::template(&Placed { value: text.to_owned(), range: written.range }, &words, faults);
        (one(&written.zh), one(&written.en))
    };
    Message {
        subject: text.subject.as_ref().map(&mut both),
        body: both(&text.body),
        stated: stated(DeclarationSort::Message, id, &title, &text.article, &text.rule, text.note.as_ref()),
    }
}

/// The triggers of each notice and survey that sends it.
fn uses<'a>(context: &Context<'a>, id: &Placed<String>, text: &MessageText) -> Vec<&'a Many<TriggerText>> {
    let is_meant = |name: Option<&Placed<String>>| {
        let name = name.map(|name| references::short(name, "message"));
        name.is_some_and(|name| name == id.value || text.title.as_ref().is_some_and(|title| title.zh == name))
    };
    let file = context.file;
    let notices = file.notice.iter().filter(|(_, notice)| is_meant(notice.message.as_ref())).map(|(_, notice)| &notice.on);
    let surveys = file.survey.iter().filter(|(_, survey)| is_meant(survey.message.as_ref())).map(|(_, survey)| &survey.on);
    notices.chain(surveys).collect()
}

/// What its places may name: members of the events on which it is sent; where no event tells of the occasion yet, those of cases and
/// what the pack's forms and decisions state.
fn words(context: &Context<'_>, known: &Known<'_>, uses: &[&Many<TriggerText>]) -> Vocabulary {
    let mut events = uses.iter().flat_map(|on| on.iter()).flat_map(|trigger| trigger.on.iter()).peekable();
    if events.peek().is_some() && events.all(|event| !event.starts_with("case.")) {
        return known.others.clone();
    }
    let mut words = known.cases.clone();
    if uses.iter().any(|on| on.is_empty()) {
        words.add_period();
        let forms = context.file.form.iter().map(|(_, form)| &form.field);
        let stated = context.file.decision.iter().map(|(_, decision)| &decision.field).chain(forms);
        let fields = stated.flat_map(|fields| fields.iter()).map(|(id, text)| kinds::field(id, text, &mut Vec::new()));
        words.add_fields(fields.collect::<Vec<_>>().iter());
    }
    words
}

pub(super) fn surveys(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Vec<Survey> {
    context.file.survey.iter().map(|(id, text)| survey(context, known, id, text, faults)).collect()
}

fn survey(context: &Context<'_>, known: &Known<'_>, id: &Placed<String>, text: &SurveyText, faults: &mut Vec<Fault>) -> Survey {
    if text.to.is_empty() && !text.public {
        let fault =
            Fault::new(id.range, "tells-nobody", format!("'{}' asks nobody", id.value), format!("调查“{}”没有调查对象", text.title.zh));
        faults.push(fault.help("write to = \"…\", or public = true", "请写 to = \"…\" 或 public = true"));
    }
    if text.on.is_empty() && text.occasion.is_none() && text.every.is_none() {
        let fault =
            Fault::new(id.range, "no-occasion", format!("nothing sets '{}' off", id.value), format!("调查“{}”没有触发时机", text.title.zh));
        faults.push(
            fault.help(
                "write on = \"case.…\", every = \"…\", or occasion = \"…\"",
                "请写 on = \"case.…\"、every = \"…\" 或 occasion = \"…\"",
            ),
        );
    }
    if let [only] = &text.grades.0[..] {
        let en = format!("a survey with one grade, '{}', asks nothing", only.en);
        let fault = Fault::new(id.range, "one-grade", en, format!("只有“{}”一个等级的调查没有意义", only.zh));
        faults.push(fault.help("write two or more: grades = [\"…\", \"…\"]", "请写两个以上的等级：grades = [\"…\", \"…\"]"));
    }
    Survey {
        stated: stated(DeclarationSort::Survey, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        on: occasion(context, &text.on, text.occasion.as_ref(), known, faults),
        every: text.every.as_ref().and_then(|every| rhythm(context, every, faults)),
        within: text.within.as_ref().and_then(|within| duties::term(context, within, faults)),
        from: people(context, &text.from, &kinds::PEOPLE, faults),
        to: people(context, &text.to, &TOLD, faults),
        public: text.public,
        by: channels(&text.by, faults),
        questions: text.questions.iter().map(|text| phrase(context, text, faults)).collect(),
        grades: text.grades.iter().map(|text| phrase(context, text, faults)).collect(),
        from_share: figure(context, text.from_share.as_ref(), faults),
        message: references::message(context, text.message.as_ref(), faults),
    }
}
