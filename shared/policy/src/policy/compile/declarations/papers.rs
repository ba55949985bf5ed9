//! Forms, reports and classes of records.

use super::super::super::declaration::{DeclarationSort, Form, Grade, GradeSource, Handling, Held, Kept, KeptSource, Record, Report};
use super::super::super::parameter::braced;
use super::super::packs::Context;
use super::super::{duties, kinds, ladders, unknown};
use super::{fields, parameter, people, phrase, references, rhythm, stated};
use crate::source::declaration::{FormText, HandlingText, RecordText, ReportText};
use crate::source::{Fault, Placed};

pub(super) fn forms(context: &Context<'_>, faults: &mut Vec<Fault>) -> Vec<Form> {
    context.file.form.iter().map(|(id, text)| form(context, id, text, faults)).collect()
}

fn form(context: &Context<'_>, id: &Placed<String>, text: &FormText, faults: &mut Vec<Fault>) -> Form {
    if let Some(copies) = text.copies.as_ref().filter(|copies| copies.value == 0) {
        let fault = Fault::new(copies.range, "bad-value", "no copies at all is no form", "表单不能是零份");
        faults.push(fault.help("write e.g. copies = 2, or leave it out", "例如写 copies = 2，或不写"));
    }
    Form {
        stated: stated(DeclarationSort::Form, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        register: text.register,
        filled_by: people(context, &text.filled_by, &kinds::PEOPLE, faults),
        kept_by: people(context, &text.kept_by, &kinds::PEOPLE, faults),
        copies: text.copies.as_ref().map(|copies| copies.value),
        fields: fields(context, &text.field, faults),
        decision: references::decision(context, text.decision.as_ref(), faults),
    }
}

pub(super) fn reports(context: &Context<'_>, faults: &mut Vec<Fault>) -> Vec<Report> {
    context.file.report.iter().map(|(id, text)| report(context, id, text, faults)).collect()
}

fn report(context: &Context<'_>, id: &Placed<String>, text: &ReportText, faults: &mut Vec<Fault>) -> Report {
    if text.from.is_empty() {
        let en = format!("nobody makes '{}'", id.value);
        let fault = Fault::new(id.range, "made-by-nobody", en, format!("报表“{}”没有编制人", text.title.zh));
        faults.push(fault.help("write from = \"…\", a role", "请写 from = \"…\"（角色）"));
    }
    Report {
        stated: stated(DeclarationSort::Report, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        every: text.every.as_ref().and_then(|every| rhythm(context, every, faults)),
        within: text.within.as_ref().and_then(|within| duties::term(context, within, faults)),
        from: people(context, &text.from, &kinds::PEOPLE, faults),
        to: people(context, &text.to, &["handler", "reporter", "superior"], faults),
        figures: text.figures.iter().map(|text| phrase(context, text, faults)).collect(),
        release: references::decision(context, text.release.as_ref(), faults),
        duty: references::recurring(context, text.duty.as_ref(), faults),
    }
}

pub(super) fn records(context: &Context<'_>, faults: &mut Vec<Fault>) -> Vec<Record> {
    context.file.record.iter().map(|(id, text)| record(context, id, text, faults)).collect()
}

fn record(context: &Context<'_>, id: &Placed<String>, text: &RecordText, faults: &mut Vec<Fault>) -> Record {
    let holds = text.holds.iter().filter_map(|name| held(context, name, faults)).collect();
    if let (Some(from), None) = (&text.kept_from, &text.kept) {
        let en = format!("'kept' is missing: how long is it kept {}?", from.en);
        let fault = Fault::new(id.range, "missing-key", en, format!("缺少“kept”：{}保管多久？", from.zh));
        faults.push(
            fault.help("write kept = \"10y\", \"{parameter}\" or \"for good\"", "请写 kept = \"10y\"、\"{参数}\" 或 \"for good\"（永久）"),
        );
    }
    Record {
        stated: stated(DeclarationSort::Record, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        grade: text.grade.as_ref().and_then(|grade| self::grade(context, grade, faults)).unwrap_or(GradeSource::Fixed(Grade::Internal)),
        custodian: people(context, &text.custodian, &kinds::PEOPLE, faults),
        holds,
        index: text.index.as_ref().map(|index| kinds::number(index, faults)),
        kept: text.kept.as_ref().and_then(|kept| self::kept(context, kept, faults)),
        kept_from: text.kept_from.as_ref().map(|text| phrase(context, text, faults)),
        access: handling(context, text.access.as_ref(), faults),
        loan: handling(context, text.loan.as_ref(), faults),
        copy: handling(context, text.copy.as_ref(), faults),
        disclosure: handling(context, text.disclosure.as_ref(), faults),
        disposal: handling(context, text.disposal.as_ref(), faults),
        inspected: text.inspected.as_ref().and_then(|inspected| rhythm(context, inspected, faults)),
        fields: fields(context, &text.field, faults),
    }
}

fn held(context: &Context<'_>, name: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Held> {
    let what = ("kind, form, report or survey", "事项类别、表单、报表或调查");
    let (table, id) = references::one_of(context, name, &["kind", "form", "report", "survey"], what, faults)?;
    Some(match table {
        "kind" => Held::Kind(id),
        "form" => Held::Form(id),
        "report" => Held::Report(id),
        _ => Held::Survey(id),
    })
}

fn grade(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<GradeSource> {
    if let Some(name) = braced(text) {
        let name = parameter(context, name, text, ("a grade", "密级", "internal"), |value| Grade::read(value).is_some(), faults);
        return name.map(GradeSource::Parameter);
    }
    let grade = Grade::read(text);
    if grade.is_none() {
        faults.push(unknown(text, ("grade", "密级"), "unknown-grade", Grade::ALL.into_iter().map(|(_, word, _)| word)));
    }
    grade.map(GradeSource::Fixed)
}

fn kept(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<KeptSource> {
    if let Some(name) = braced(text) {
        let what = ("how long something is kept", "保管期限", "10y");
        return parameter(context, name, text, what, |value| Kept::read(value).is_some(), faults).map(KeptSource::Parameter);
    }
    let kept = Kept::read(text);
    if kept.is_none() {
        let en = format!("'{}' is no time to keep something", text.value);
        let fault = Fault::new(text.range, "bad-duration", en, format!("“{}”不是保管期限", text.value));
        faults.push(fault.help("write 30d, 6mon, 10y, {parameter} or \"for good\"", "请写 30d、6mon、10y、{参数} 或 \"for good\"（永久）"));
    }
    kept.map(KeptSource::Fixed)
}

fn handling(context: &Context<'_>, text: Option<&HandlingText>, faults: &mut Vec<Fault>) -> Option<Handling> {
    let text = text?;
    if let Some(decision) = text.decision.as_ref().filter(|_| text.never) {
        let fault = Fault::new(decision.range, "never-and-by", "it is forbidden and decided on at once", "既写禁止，又写审批");
        faults.push(fault.help("write never = true alone, or take it out", "请只写 never = true，或将其删去"));
    }
    Some(Handling {
        decision: references::decision(context, text.decision.as_ref(), faults),
        by: people(context, &text.by, &kinds::PEOPLE, faults),
        span: text.span.as_ref().and_then(|span| ladders::amount(context, span, span, faults)),
        never: text.never,
        says: text.says.as_ref().map(|text| phrase(context, text, faults)),
    })
}
