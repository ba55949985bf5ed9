//! Decisions (审批): who may ask, who signs, in which order.

use super::super::describe::Thing;
use super::super::duty::TermSource;
use super::super::kind::{Actor, Field};
use super::{Declaration, Stated, Words};
use crate::Title;
use crate::condition::Condition;

/// A chain of approvals, compiled.
#[derive(Debug, Clone)]
pub struct Decision {
    pub stated: Stated,
    pub of: Option<Subject>,
    /// Empty: whoever may see the matter.
    pub asked_by: Vec<Actor>,
    pub fields: Vec<Field>,
    pub steps: Vec<DecisionStep>,
    pub self_approval: bool,
    pub not_by: Vec<Actor>,
}

/// What a decision is about, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Kind(String),
    Form(String),
}

/// One step: one signature, or several that are wanted together.
#[derive(Debug, Clone)]
pub struct DecisionStep {
    pub title: Option<Title>,
    pub by: Vec<Actor>,
    /// All of `by` sign, rather than any one of them.
    pub all: bool,
    pub within: Option<TermSource>,
    pub when: Option<Condition>,
}

impl Declaration for Decision {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let steps = self.steps.iter().enumerate().map(|(nth, step)| step_words(nth + 1, step, words));
        let own = if self.self_approval {
            Title::new("申请人和前步签署人可以再签", "who asked or signed before may sign again")
        } else {
            Title::new("申请人和前步签署人不得再签", "who asked or signed before signs no later step")
        };
        thing
            .says("of", "决定对象", "decides on", words.subject(self.of.as_ref()))
            .says("asked_by", "申请人", "asked for by", words.decided_by(&self.asked_by))
            .says("states", "申请写明", "states", words.fields(&self.fields))
            .says("steps", "签署", "signed by", words.listed(steps))
            .says("self_approval", "回避", "apart from that", own)
            .says("not_by", "不得签署", "never by", words.decided_by(&self.not_by))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.asked_by.iter().chain(self.steps.iter().flat_map(|step| &step.by)).chain(&self.not_by).collect()
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }
}

fn step_words(nth: usize, step: &DecisionStep, words: &Words<'_>) -> Title {
    let by = if step.all { words.together(&step.by) } else { words.any_of(&step.by) };
    let title = step.title.as_ref().map(|title| (format!("“{}”", title.zh), format!("'{}' ", title.en))).unwrap_or_default();
    let mut said = Title::new(format!("第{nth}步{}{}", title.0, by.zh), format!("({nth}) {}{}", title.1, by.en));
    let (term, when) = (words.term(step.within.as_ref()), words.condition(step.when.as_ref()));
    let bracket: Vec<(String, String)> = [
        (!when.zh.is_empty()).then(|| (format!("{}时", when.zh), format!("when {}", when.en))),
        (!term.zh.is_empty()).then_some((term.zh, term.en)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !bracket.is_empty() {
        let (zh, en): (Vec<_>, Vec<_>) = bracket.into_iter().unzip();
        said.zh.push_str(&format!("（{}）", zh.join("，")));
        said.en.push_str(&format!(" ({})", en.join(", ")));
    }
    said
}
