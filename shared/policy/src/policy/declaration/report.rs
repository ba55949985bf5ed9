//! Reports (报表): figures that come back with the calendar, or are asked for.

use super::super::describe::Thing;
use super::super::duty::TermSource;
use super::super::kind::Actor;
use super::{Declaration, DeclarationSort, Phrase, Rhythm, Stated, Words};
use crate::Title;

/// A report, compiled.
#[derive(Debug, Clone)]
pub struct Report {
    pub stated: Stated,
    /// None: on demand.
    pub every: Option<Rhythm>,
    /// From the end of the period, or from when it is asked for.
    pub within: Option<TermSource>,
    pub from: Vec<Actor>,
    pub to: Vec<Actor>,
    pub figures: Vec<Phrase>,
    /// The decision before it goes out.
    pub release: Option<String>,
    /// The recurring duty that watches it.
    pub duty: Option<String>,
}

impl Declaration for Report {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let every = words.rhythm(self.every.as_ref());
        let every = if every.zh.is_empty() { Title::new("按需", "on demand") } else { every };
        thing
            .says("every", "周期", "when", every)
            .says("within", "时限", "time", words.term_after(self.within.as_ref(), self.every.as_ref()))
            .says("from", "编制", "made by", words.people(&self.from))
            .says("to", "报送", "goes to", words.people(&self.to))
            .says("figures", "内容", "states", words.phrases(&self.figures))
            .says("release", "发出须经", "goes out after", words.referred(DeclarationSort::Decision, self.release.as_ref()))
            .says("duty", "督办事项", "watched by the duty", words.duty(self.duty.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.from.iter().chain(&self.to).collect()
    }
}
