//! Surveys (调查): who is asked what.

use super::super::describe::Thing;
use super::super::duty::TermSource;
use super::super::kind::Actor;
use super::{Channel, Declaration, DeclarationSort, Figure, Occasion, Phrase, Rhythm, Stated, Words};

/// A survey, compiled.
#[derive(Debug, Clone)]
pub struct Survey {
    pub stated: Stated,
    pub on: Occasion,
    pub every: Option<Rhythm>,
    /// From the event, or from the end of the period.
    pub within: Option<TermSource>,
    pub from: Vec<Actor>,
    pub to: Vec<Actor>,
    pub public: bool,
    pub by: Vec<Channel>,
    pub questions: Vec<Phrase>,
    /// The best first.
    pub grades: Vec<Phrase>,
    pub from_share: Option<Figure>,
    pub message: Option<String>,
}

impl Declaration for Survey {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        thing
            .says("on", "时机", "sent on", words.occasion(&self.on))
            .says("every", "周期", "when", words.rhythm(self.every.as_ref()))
            .says("within", "时限", "time", words.term_after(self.within.as_ref(), self.every.as_ref()))
            .says("from", "调查人", "carried out by", words.people(&self.from))
            .says("to", "调查对象", "asks", words.told(&self.to, self.public))
            .says("by", "方式", "by", words.channels(&self.by))
            .says("questions", "问题", "questions", words.phrases(&self.questions))
            .says("grades", "等级（由好到差）", "grades, the best first", words.phrases(&self.grades))
            .says("from_share", "覆盖比例", "of all", words.figure(self.from_share.as_ref()))
            .says("message", "文案", "in the words of", words.referred(DeclarationSort::Message, self.message.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.from.iter().chain(&self.to).collect()
    }
}
