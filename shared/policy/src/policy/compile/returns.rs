//! Returns (退回): where from and where to, the reason, how often, and who decides then.

use super::super::kind::{Kind, Limit, Returning, Step, StepSort};
use super::super::parameter::{braced, unknown_parameter};
use super::super::vocabulary::Vocabulary;
use super::RETURNED;
use super::kinds::{PEOPLE, actors, fields, stages};
use super::packs::{Context, ids};
use crate::source::pack::{KindText, ReturnText};
use crate::source::{Fault, Placed};

/// More often nobody means.
const MOST: i64 = 99;

pub(super) fn compile(context: &Context<'_>, kind: &Kind, text: &KindText, words: &Vocabulary, faults: &mut Vec<Fault>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, written) in text.returns.iter() {
        if text.moves.get(id).is_some() || text.act.get(id).is_some() {
            let en = format!("a move or act is called '{}' too", id.value);
            let fault = Fault::new(id.range, "twice", en, format!("已有同名的步骤“{}”", id.value));
            faults.push(fault.help("write another name for one of them", "请为其中之一另取名称"));
        }
        steps.push(Step {
            id: id.value.clone(),
            sort: StepSort::Return,
            title: written.title.clone(),
            article: written.article.clone(),
            rules: ids(&written.rule),
            from: stages(&written.from, &text.stage, faults),
            to: written.to.as_ref().and_then(|to| stages(std::slice::from_ref(to), &text.stage, faults).pop()),
            by: actors(context, Some(kind), &written.by, &PEOPLE, faults),
            requires: fields(&written.requires, kind, faults),
            asks: fields(&written.asks, kind, faults),
            when: written.when.as_ref().map(|when| words.condition(when, faults)),
            event: RETURNED.to_owned(),
            outcome: None,
            once: false,
            returning: Some(returning(context, kind, id, written, faults)),
        });
    }
    steps
}

fn returning(context: &Context<'_>, kind: &Kind, id: &Placed<String>, text: &ReturnText, faults: &mut Vec<Fault>) -> Returning {
    if text.requires.is_empty() {
        let (en, zh) = (format!("'{}' asks for no reason", id.value), format!("退回步骤“{}”没有要求写明理由", text.title.zh));
        let fault = Fault::new(id.range, "no-reason", en, zh);
        faults.push(fault.help("write requires = \"…\", the field that holds the reason", "请写 requires = \"…\"，即填写退回理由的字段"));
    }
    if text.decided_by.is_empty() {
        let en = format!("nobody decides when '{}' may be done no more", id.value);
        let fault = Fault::new(id.range, "no-decision", en, format!("退回步骤“{}”达到次数上限后没有人裁定", text.title.zh));
        faults.push(fault.help("write decided_by = \"…\", a role", "请写 decided_by = \"…\"（角色）"));
    }
    Returning {
        limit: limit(context, &text.limit, faults),
        decided_by: actors(context, Some(kind), &text.decided_by, &[], faults),
        clears: fields(&text.clears, kind, faults),
    }
}

fn limit(context: &Context<'_>, text: &Placed<crate::source::declaration::FigureText>, faults: &mut Vec<Fault>) -> Limit {
    let written = text.value.0.trim();
    let named = braced(written);
    let value = match named {
        None => written,
        Some(name) => match context.parameters.iter().find(|(known, _)| known == name) {
            Some((_, value)) => value.as_str(),
            None => {
                faults.push(unknown_parameter(name, text.range, context.parameters.iter().map(|(name, _)| name.as_str())));
                return Limit::Fixed(1);
            }
        },
    };
    let Some(figure) = whole(value) else {
        let (en, zh) = (format!("'{value}' is no number of returns"), format!("“{value}”不是退回次数"));
        let fault = Fault::new(text.range, "bad-limit", en, zh);
        faults.push(fault.help("write a whole number from 1 to 99: limit = 2", "请写1至99的整数：limit = 2"));
        return Limit::Fixed(1);
    };
    named.map_or(Limit::Fixed(figure), |name| Limit::Parameter(name.to_owned()))
}

/// How often, if it is a figure that can be meant.
pub(in super::super) fn whole(value: &str) -> Option<i64> {
    value.trim().parse().ok().filter(|figure| (1..=MOST).contains(figure))
}

/// A return leads back: from where it ends the case comes, by moves, to where it was returned from. Nothing that has ended is returned.
pub(super) fn check(kind: &Kind, text: &KindText, faults: &mut Vec<Fault>) {
    for (id, written) in text.returns.iter() {
        let Some(step) = kind.steps.iter().find(|step| step.id == id.value && step.sort == StepSort::Return) else { continue };
        for (stage, named) in step.from.iter().zip(written.from.iter()) {
            if kind.is_terminal(stage) {
                let (en, zh) =
                    (format!("a case that has ended at '{stage}' cannot be returned"), format!("案件在“{stage}”环节已办结，不能退回"));
                let fault = Fault::new(named.range, "returns-nowhere", en, zh);
                faults.push(fault.help("name stages in which the case is open", "请写案件尚未办结的环节"));
            }
        }
        // Where a move leads nowhere, that is told already.
        let leads_nowhere = kind.steps.iter().any(|step| step.sort == StepSort::Move && step.to.is_none());
        let (Some(to), Some(named), false) = (&step.to, &written.to, leads_nowhere) else { continue };
        let onwards = kind.onwards(to, |step| step.sort != StepSort::Return);
        if kind.is_terminal(to) || step.from.iter().any(|from| from == to || !onwards.contains(&from.as_str())) {
            let en = format!("'{to}' is no stage from which the case comes to where '{}' returns it from", id.value);
            let zh = format!("从环节“{to}”出发，案件到不了“{}”所在的环节，不是退回", step.title.zh);
            let fault = Fault::new(named.range, "returns-nowhere", en, zh);
            faults.push(fault.help("name the earlier stage in which the case is given to somebody", "请写此前分派案件的环节"));
        }
    }
}
