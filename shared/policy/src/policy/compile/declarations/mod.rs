//! Declarations: every name that they use is looked up, every figure read, though nothing runs them yet.

mod decisions;
mod notices;
mod papers;
mod references;
mod standards;

use super::super::declaration::{DeclarationSort, Declarations, Figure, Phrase, Rhythm, Stated};
use super::super::kind::{Actor, Field, Kind};
use super::super::parameter::{braced, unknown_parameter, valued};
use super::super::recurring::Every;
use super::super::vocabulary::Vocabulary;
use super::kinds;
use super::packs::{Context, ids};
use super::unknown;
use crate::Title;
use crate::source::declaration::FigureText;
use crate::source::duty::PlacedTitle;
use crate::source::pack::{ActorText, FieldText, PackFile};
use crate::source::{Fault, Many, Named, Placed};

/// What declarations may speak of.
pub(super) struct Known<'a> {
    pub kinds: &'a [Kind],
    pub channels: &'a [(String, Title)],
    pub cases: &'a Vocabulary,
    pub others: &'a Vocabulary,
}

pub(super) fn compile(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Declarations {
    Declarations {
        decisions: decisions::compile(context, known, faults),
        forms: papers::forms(context, faults),
        reports: papers::reports(context, faults),
        records: papers::records(context, faults),
        notices: notices::notices(context, known, faults),
        messages: notices::messages(context, known, faults),
        surveys: notices::surveys(context, known, faults),
        quotas: standards::quotas(context, known, faults),
        conducts: standards::conducts(context, faults),
    }
}

/// Rule ids that declarations cite, fields' own included.
pub(super) fn rules(file: &PackFile) -> impl Iterator<Item = &Placed<String>> {
    let forms = file.form.iter().map(|(_, form)| &form.field);
    let records = file.record.iter().map(|(_, record)| &record.field);
    let decisions = file.decision.iter().map(|(_, decision)| &decision.field);
    let fields = decisions.chain(forms).chain(records).flat_map(|fields| fields.iter()).flat_map(|(_, field)| field.rule.iter());
    let decisions = file.decision.iter().flat_map(|(_, decision)| decision.rule.iter());
    decisions
        .chain(file.form.iter().flat_map(|(_, form)| form.rule.iter()))
        .chain(file.report.iter().flat_map(|(_, report)| report.rule.iter()))
        .chain(file.record.iter().flat_map(|(_, record)| record.rule.iter()))
        .chain(file.notice.iter().flat_map(|(_, notice)| notice.rule.iter()))
        .chain(file.message.iter().flat_map(|(_, message)| message.rule.iter()))
        .chain(file.survey.iter().flat_map(|(_, survey)| survey.rule.iter()))
        .chain(file.quota.iter().flat_map(|(_, quota)| quota.rule.iter()))
        .chain(file.conduct.iter().flat_map(|(_, conduct)| conduct.rule.iter()))
        .chain(fields)
}

fn stated(
    sort: DeclarationSort,
    id: &Placed<String>,
    title: &Title,
    article: &str,
    rule: &Many<Placed<String>>,
    note: Option<&Title>,
) -> Stated {
    Stated { sort, id: id.value.clone(), title: title.clone(), article: article.to_owned(), rules: ids(rule), note: note.cloned() }
}

/// Roles and words for people; fields are not looked for here.
fn people(context: &Context<'_>, texts: &Many<ActorText>, words: &[&str], faults: &mut Vec<Fault>) -> Vec<Actor> {
    people_or_fields(context, texts, words, &[], faults)
}

/// Roles, words for people, and fields of these that name a person.
fn people_or_fields(
    context: &Context<'_>,
    texts: &Many<ActorText>,
    words: &[&str],
    fields: &[&Field],
    faults: &mut Vec<Fault>,
) -> Vec<Actor> {
    let mut actors = Vec::new();
    for text in texts.iter() {
        let Some(name) = text.field.as_ref().filter(|_| text.role.is_none()) else {
            actors.extend(kinds::actors(context, None, &Many(vec![text.clone()]), words, faults));
            continue;
        };
        let persons = || fields.iter().filter(|field| field.sort == super::super::kind::FieldSort::Person);
        match persons().find(|field| field.id == name.value || field.title.zh == name.value) {
            Some(field) => actors.push(Actor::Field(field.id.clone())),
            None => {
                let known: Vec<&str> = persons().map(|field| field.id.as_str()).collect();
                faults.push(unknown(name, ("field of type person", "人员字段"), "unknown-field", known.into_iter()));
            }
        }
    }
    actors
}

/// Fields of a declaration, whose conditions may look at each other.
fn fields(context: &Context<'_>, texts: &Named<FieldText>, faults: &mut Vec<Fault>) -> Vec<Field> {
    let mut fields: Vec<Field> = texts.iter().map(|(id, text)| kinds::field(id, text, faults)).collect();
    let words = Vocabulary::of_fields(&fields, context.parameters.clone());
    for (field, (_, text)) in fields.iter_mut().zip(texts.iter()) {
        field.required_when = match &text.required_when {
            Some(condition) => Some(words.condition(condition, faults)),
            None => text.required.then(Default::default),
        };
    }
    fields
}

/// Looks a parameter up and checks that its value can stand here: `fits` says whether, `what` what it should be, with an example.
fn parameter(
    context: &Context<'_>,
    name: &str,
    at: &Placed<String>,
    what: (&str, &str, &str),
    fits: impl Fn(&str) -> bool,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let Some((_, value)) = context.parameters.iter().find(|(known, _)| known == name) else {
        faults.push(unknown_parameter(name, at.range, context.parameters.iter().map(|(name, _)| name.as_str())));
        return None;
    };
    if !fits(value) {
        let en = format!("parameter '{name}' is '{value}', and this is {}", what.0);
        let help = valued(name, what.2);
        let fault = Fault::new(at.range, "wrong-type", en, format!("参数“{name}”的值为“{value}”，而此处应为{}", what.1));
        faults.push(fault.help(help.0, help.1));
    }
    Some(name.to_owned())
}

/// How often something comes round, as written or as a parameter has it.
pub(super) fn rhythm(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Rhythm> {
    if let Some(name) = braced(text) {
        let name = parameter(context, name, text, ("a period", "周期", "month"), |value| Every::read(value).is_some(), faults);
        return name.map(Rhythm::Parameter);
    }
    let every = Every::read(text);
    if every.is_none() {
        faults.push(unknown(text, ("period", "周期"), "unknown-word", Every::ALL.into_iter().map(|(_, word)| word)));
    }
    every.map(Rhythm::Fixed)
}

/// Words as written, or a parameter that holds them: any words will do.
pub(super) fn phrase(context: &Context<'_>, text: &PlacedTitle, faults: &mut Vec<Fault>) -> Phrase {
    let Some(name) = braced(&text.zh) else { return Phrase::Words(text.value.clone()) };
    let written = Placed { value: text.zh.clone(), range: text.range };
    let found = parameter(context, name, &written, ("words", "文字", "…"), |_| true, faults);
    found.map_or_else(|| Phrase::Words(text.value.clone()), Phrase::Parameter)
}

fn figure(context: &Context<'_>, text: Option<&Placed<FigureText>>, faults: &mut Vec<Fault>) -> Option<Figure> {
    let text = text?;
    let written = Placed { value: text.value.0.clone(), range: text.range };
    if let Some(name) = braced(&written) {
        let what = ("a number or a share", "数字或百分比", "100%");
        return parameter(context, name, &written, what, Figure::reads, faults).map(Figure::Parameter);
    }
    if !Figure::reads(&written) {
        let en = format!("'{}' is neither a number nor a share", written.value);
        let fault = Fault::new(written.range, "bad-figure", en, format!("“{}”既不是数字也不是百分比", written.value));
        faults.push(fault.help("write 2, \"100%\" or \"{parameter}\"", "请写 2、\"100%\" 或 \"{参数}\""));
        return None;
    }
    Some(Figure::Fixed(written.value))
}
