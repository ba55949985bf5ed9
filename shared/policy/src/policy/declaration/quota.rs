//! Quotas (指标): how much is to be done in a period.

use super::super::describe::Thing;
use super::super::duty::Trigger;
use super::super::kind::Actor;
use super::{Declaration, Figure, Rhythm, Stated, Words};
use crate::Title;

/// A quota, compiled.
#[derive(Debug, Clone)]
pub struct Quota {
    pub stated: Stated,
    /// None: always.
    pub every: Option<Rhythm>,
    pub of: Title,
    pub at_least: Option<Figure>,
    pub at_most: Option<Figure>,
    /// For each holder of these roles.
    pub per: Vec<Actor>,
    pub counts: Vec<Trigger>,
    /// The duty that watches it.
    pub duty: Option<String>,
}

impl Declaration for Quota {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        thing
            .says("of", "对象", "of", self.of.clone())
            .says("every", "周期", "when", words.rhythm(self.every.as_ref()))
            .says("at_least", "不少于", "at least", words.figure(self.at_least.as_ref()))
            .says("at_most", "不超过", "at most", words.figure(self.at_most.as_ref()))
            .says("per", "按人计", "for each", words.people(&self.per))
            .says("counts", "计数", "counts", words.events(&self.counts))
            .says("duty", "督办事项", "watched by the duty", words.duty(self.duty.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.per.iter().collect()
    }
}
