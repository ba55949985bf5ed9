//! Quotas and rules of conduct: what is expected of people.

use super::super::super::declaration::{Conduct, DeclarationSort, Demand, Phrase, Quota};
use super::super::closing::check_sorted;
use super::super::packs::Context;
use super::super::{duties, kinds};
use super::{Known, figure, people, phrase, references, rhythm, stated};
use crate::Title;
use crate::source::declaration::{ConductText, QuotaText};
use crate::source::{Fault, Placed};

pub(super) fn quotas(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Vec<Quota> {
    context.file.quota.iter().map(|(id, text)| quota(context, known, id, text, faults)).collect()
}

fn quota(context: &Context<'_>, known: &Known<'_>, id: &Placed<String>, text: &QuotaText, faults: &mut Vec<Fault>) -> Quota {
    if text.at_least.is_none() && text.at_most.is_none() {
        let en = format!("'{}' says neither how much at least nor how much at most", id.value);
        let fault = Fault::new(id.range, "no-figure", en, format!("指标“{}”既没有下限也没有上限", text.title.zh));
        faults.push(fault.help("write at_least = 2, \"100%\" or \"{parameter}\"", "请写 at_least = 2、\"100%\" 或 \"{参数}\""));
    }
    let words = duties::Words { cases: known.cases, others: known.others };
    let counts = duties::triggers(&text.counts, known.kinds, words, faults);
    check_sorted(known.kinds, &text.counts, &counts, faults);
    Quota {
        stated: stated(DeclarationSort::Quota, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        every: text.every.as_ref().and_then(|every| rhythm(context, every, faults)),
        of: text.of.clone(),
        at_least: figure(context, text.at_least.as_ref(), faults),
        at_most: figure(context, text.at_most.as_ref(), faults),
        per: people(context, &text.per, &kinds::PEOPLE, faults),
        counts,
        duty: references::duty(context, text.duty.as_ref(), faults),
    }
}

pub(super) fn conducts(context: &Context<'_>, faults: &mut Vec<Fault>) -> Vec<Conduct> {
    context.file.conduct.iter().map(|(id, text)| conduct(context, id, text, faults)).collect()
}

fn conduct(context: &Context<'_>, id: &Placed<String>, text: &ConductText, faults: &mut Vec<Fault>) -> Conduct {
    let demand = match (&text.forbids, &text.requires) {
        (Some(what), None) => Demand::Forbids(phrase(context, what, faults)),
        (None, Some(what)) => Demand::Requires(phrase(context, what, faults)),
        (both, _) => {
            let (en, zh) = if both.is_some() {
                ("it forbids and requires at once: write two rules of conduct", "同时写了禁止和要求：请分成两条行为规范")
            } else {
                ("it neither forbids nor requires anything", "既没有写禁止什么，也没有写要求什么")
            };
            let fault = Fault::new(id.range, "bad-conduct", en, zh);
            faults.push(fault.help("write forbids = { … } or requires = { … }", "请写 forbids = { … } 或 requires = { … }"));
            Demand::Requires(Phrase::Words(Title::default()))
        }
    };
    Conduct {
        stated: stated(DeclarationSort::Conduct, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        demand,
        applies_to: people(context, &text.applies_to, &kinds::PEOPLE, faults),
        consequence: text.consequence.as_ref().map(|text| phrase(context, text, faults)),
        kind: references::kind(context, text.kind.as_ref(), faults),
    }
}
