//! Decisions: who asks, who signs, and whether anybody but the asker can.

use super::super::super::declaration::{Decision, DecisionStep, DeclarationSort, Subject};
use super::super::super::kind::{Actor, Field};
use super::super::super::vocabulary::Vocabulary;
use super::super::packs::Context;
use super::super::{duties, kinds};
use super::{Known, fields, people_or_fields, references, stated};
use crate::source::declaration::{DecisionStepText, DecisionText};
use crate::source::{Fault, Placed};

/// Who may be named in a decision besides roles.
const SIGNERS: [&str; 3] = ["handler", "reporter", "superior"];

pub(super) fn compile(context: &Context<'_>, known: &Known<'_>, faults: &mut Vec<Fault>) -> Vec<Decision> {
    context.file.decision.iter().map(|(id, text)| decision(context, known, id, text, faults)).collect()
}

fn decision(context: &Context<'_>, known: &Known<'_>, id: &Placed<String>, text: &DecisionText, faults: &mut Vec<Fault>) -> Decision {
    let of = text.of.as_ref().and_then(|of| subject(context, of, faults));
    let fields = fields(context, &text.field, faults);
    let theirs = fields_of(context, known, of.as_ref());
    for (name, field) in text.field.iter().filter(|(name, _)| theirs.iter().any(|field| field.id == name.value)) {
        let en = format!("what the decision is about has a field '{}' already", name.value);
        let zh = format!("决定对象已有字段“{}”，申请中不能再有“{}”", name.value, field.title.zh);
        faults.push(Fault::new(name.range, "twice", en, zh).help("take it out: conditions may name it", "请删去：条件可以直接使用该字段"));
    }
    let all: Vec<&Field> = fields.iter().chain(&theirs).collect();
    // Where what it is about is unknown, so is what conditions may name.
    let words = (text.of.is_none() || of.is_some()).then(|| vocabulary(context, known, of.as_ref(), &all));
    let asked_by = people_or_fields(context, &text.asked_by, &SIGNERS, &all, faults);
    let not_by = people_or_fields(context, &text.not_by, &SIGNERS, &all, faults);
    if text.steps.is_empty() {
        let fault =
            Fault::new(id.range, "no-steps", format!("nobody signs '{}'", id.value), format!("审批“{}”没有签署步骤", text.title.zh));
        faults.push(fault.help("write steps = [{ by = \"…\" }]", "请写 steps = [{ by = \"…\" }]"));
    }
    let before = faults.len();
    let steps: Vec<DecisionStep> = text.steps.iter().map(|step| self::step(context, step, &all, words.as_ref(), faults)).collect();
    // Where a signer is unknown already, nothing is said of who is left.
    if faults.len() == before {
        let chain = Chain { asked_by: &asked_by, not_by: &not_by, self_approval: text.self_approval };
        chain.check(&steps, &text.steps, faults);
    }
    Decision {
        stated: stated(DeclarationSort::Decision, id, &text.title, &text.article, &text.rule, text.note.as_ref()),
        of,
        asked_by,
        fields,
        steps,
        self_approval: text.self_approval,
        not_by,
    }
}

fn subject(context: &Context<'_>, name: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Subject> {
    let (table, id) = references::one_of(context, name, &["kind", "form"], ("kind or form", "事项类别或表单"), faults)?;
    Some(if table == "kind" { Subject::Kind(id) } else { Subject::Form(id) })
}

/// Fields of what it decides on. Those of a form are read anew: what is wrong with them is told where they stand.
fn fields_of(context: &Context<'_>, known: &Known<'_>, of: Option<&Subject>) -> Vec<Field> {
    match of {
        None => Vec::new(),
        Some(Subject::Kind(id)) => references::kind_of(known.kinds, id).map(|kind| kind.fields.clone()).unwrap_or_default(),
        Some(Subject::Form(id)) => {
            let form = context.file.form.get(id);
            form.into_iter().flat_map(|form| form.field.iter()).map(|(id, text)| kinds::field(id, text, &mut Vec::new())).collect()
        }
    }
}

/// What its conditions may name: members of the case and the fields of both, or the fields alone.
fn vocabulary(context: &Context<'_>, known: &Known<'_>, of: Option<&Subject>, fields: &[&Field]) -> Vocabulary {
    let pack = &context.file.pack;
    let mut words = match of {
        Some(Subject::Kind(id)) => {
            let kind = references::kind_of(known.kinds, id).map(std::slice::from_ref).unwrap_or_default();
            Vocabulary::of_cases(kind, known.channels, (&pack.id, &pack.title), context.parameters.clone())
        }
        _ => Vocabulary::of_fields(&[], context.parameters.clone()),
    };
    words.add_fields(fields.iter().copied());
    words.without_personal()
}

fn step(
    context: &Context<'_>,
    text: &Placed<DecisionStepText>,
    fields: &[&Field],
    words: Option<&Vocabulary>,
    faults: &mut Vec<Fault>,
) -> DecisionStep {
    if text.by.is_empty() == text.by_all.is_empty() {
        let (en, zh) = if text.by.is_empty() {
            ("nobody signs this step", "这一步没有签署人")
        } else {
            ("a step is signed by any one of 'by' or by all of 'by_all', not both", "一步只能写“by”（任一人）或“by_all”（全体）之一")
        };
        let fault = Fault::new(text.range, "bad-step", en, zh);
        faults.push(fault.help("write by = \"…\", or by_all = [\"…\", \"…\"]", "请写 by = \"…\" 或 by_all = [\"…\", \"…\"]"));
    }
    let all = text.by.is_empty();
    DecisionStep {
        title: text.title.clone(),
        by: people_or_fields(context, if all { &text.by_all } else { &text.by }, &SIGNERS, fields, faults),
        all,
        within: text.within.as_ref().and_then(|within| duties::term(context, within, faults)),
        when: text.when.as_ref().zip(words).map(|(when, words)| words.condition(when, faults)),
    }
}

/// Who is out, whichever step it is.
struct Chain<'a> {
    asked_by: &'a [Actor],
    not_by: &'a [Actor],
    self_approval: bool,
}

impl Chain<'_> {
    /// Every step must have somebody left to sign it: not one of `not_by`, and, unless they may, not who asked nor who signed before.
    /// Each role is taken for one person: that is how it is in most units.
    fn check(&self, steps: &[DecisionStep], texts: &[Placed<DecisionStepText>], faults: &mut Vec<Fault>) {
        let mut certain: Vec<Vec<&Actor>> = Vec::new();
        for (step, text) in steps.iter().zip(texts) {
            match self.signatures(step) {
                Err(why) => faults.push(unsignable(text, why)),
                Ok(_) if self.self_approval => {}
                Ok(signatures) => {
                    let so_far = certain.len();
                    certain.extend(signatures);
                    if !can_all_sign(&certain) {
                        faults.push(unsignable(text, Why::Before));
                        certain.truncate(so_far);
                    } else if step.when.is_some() {
                        // Steps with conditions may exclude each other: each is looked at beside those that always come.
                        certain.truncate(so_far);
                    }
                }
            }
        }
    }

    /// For each signature that a step wants, who may give it.
    fn signatures<'s>(&self, step: &'s DecisionStep) -> Result<Vec<Vec<&'s Actor>>, Why> {
        let allowed = |actor: &&Actor| !self.not_by.contains(actor);
        let sole_asker = match self.asked_by {
            [one] if !self.self_approval => Some(one),
            _ => None,
        };
        let left = |actors: &[&'s Actor]| -> Result<Vec<&'s Actor>, Why> {
            let may: Vec<&Actor> = actors.iter().copied().filter(allowed).collect();
            if may.is_empty() && !actors.is_empty() {
                return Err(Why::Excluded);
            }
            let others: Vec<&Actor> = may.into_iter().filter(|actor| Some(*actor) != sole_asker).collect();
            if others.is_empty() && !actors.is_empty() { Err(Why::Asker) } else { Ok(others) }
        };
        if step.all {
            return step.by.iter().map(|actor| left(&[actor])).collect();
        }
        left(&step.by.iter().collect::<Vec<_>>()).map(|one| vec![one])
    }
}

#[derive(Clone, Copy)]
enum Why {
    Excluded,
    Asker,
    Before,
}

fn unsignable(text: &Placed<DecisionStepText>, why: Why) -> Fault {
    let (en, zh) = match why {
        Why::Excluded => ("nobody is left to sign this step: 'not_by' rules them out", "这一步无人可签：签署人均被“not_by”排除"),
        Why::Asker => ("nobody but who asks could sign this step", "这一步除申请人外无人可签"),
        Why::Before => ("whoever may sign this step has asked for it or signed before", "这一步的签署人都已在前面签署过"),
    };
    let fault = Fault::new(text.range, "unsignable", en, zh);
    match why {
        Why::Excluded => fault.help("name somebody else", "请另写签署人"),
        _ => fault.help("name somebody else, or write self_approval = true", "请另写签署人，或写 self_approval = true"),
    }
}

/// Whether each signature can be given by a person of its own: an assignment is looked for by augmenting paths.
fn can_all_sign(signatures: &[Vec<&Actor>]) -> bool {
    let mut given: Vec<(&Actor, usize)> = Vec::new();
    (0..signatures.len()).all(|signature| give(signatures, signature, &mut Vec::new(), &mut given))
}

fn give<'a>(signatures: &[Vec<&'a Actor>], signature: usize, tried: &mut Vec<&'a Actor>, given: &mut Vec<(&'a Actor, usize)>) -> bool {
    for actor in signatures[signature].iter().copied() {
        if tried.contains(&actor) {
            continue;
        }
        tried.push(actor);
        let held = given.iter().find(|(known, _)| *known == actor).map(|(_, other)| *other);
        if held.is_none_or(|other| give(signatures, other, tried, given)) {
            given.retain(|(known, _)| *known != actor);
            given.push((actor, signature));
            return true;
        }
    }
    false
}
