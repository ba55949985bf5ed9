//! Conduct (行为规范): what is forbidden or required of people; a breach is a conduct case.

use super::super::describe::Thing;
use super::super::kind::Actor;
use super::{Declaration, Phrase, Stated, Words};
use crate::Title;

/// A rule of conduct, compiled.
#[derive(Debug, Clone)]
pub struct Conduct {
    pub stated: Stated,
    pub demand: Demand,
    /// Empty: everybody.
    pub applies_to: Vec<Actor>,
    pub consequence: Option<Phrase>,
    /// The kind that takes the report of a breach.
    pub kind: Option<String>,
}

/// What is asked of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    Forbids(Phrase),
    Requires(Phrase),
}

impl Declaration for Conduct {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let (forbids, requires) = match &self.demand {
            Demand::Forbids(what) => (words.phrase(Some(what)), Title::default()),
            Demand::Requires(what) => (Title::default(), words.phrase(Some(what))),
        };
        let everybody = || Title::new("全体人员", "everybody");
        thing
            .says("forbids", "禁止", "forbids", forbids)
            .says("requires", "要求", "requires", requires)
            .says("applies_to", "适用", "of", if self.applies_to.is_empty() { everybody() } else { words.people(&self.applies_to) })
            .says("consequence", "后果", "a breach", words.phrase(self.consequence.as_ref()))
            .says("kind", "违反者立案", "is reported as", words.kind(self.kind.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.applies_to.iter().collect()
    }
}
