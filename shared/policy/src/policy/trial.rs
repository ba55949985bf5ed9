//! Trials (试运行): rules that run as if. What they owe is kept and counted, and nobody is told of it.

use super::Policy;
use crate::Title;
use duban_contracts::Timestamp;

/// What runs on trial: whatever fits everything that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// None: every pack.
    pub pack: Option<String>,
    /// None: every duty of the pack.
    pub rule: Option<String>,
    /// This unit and those below it; None: everywhere.
    pub unit: Option<String>,
    /// None: as long as the set is in force.
    pub from: Option<Timestamp>,
    /// First instant that is for real.
    pub until: Option<Timestamp>,
}

impl Trial {
    /// Whether it runs at this time.
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Whether anything of the pack is on trial by it.
    pub fn concerns(&self, pack: &str) -> bool {
        self.pack.as_deref().is_none_or(|own| own == pack)
    }

    fn is_of(&self, pack: &str, rule: &str) -> bool {
        self.concerns(pack) && self.rule.as_deref().is_none_or(|own| own == rule)
    }
}

impl Policy {
    /// Whether what a rule owes in a unit is on trial at this time.
    pub fn is_on_trial(&self, pack: &str, rule: &str, unit: &str, at: Timestamp) -> bool {
        let mut of_rule = self.trials.iter().filter(|trial| trial.holds_at(at) && trial.is_of(pack, rule)).peekable();
        if of_rule.peek().is_none() {
            return false;
        }
        let path = self.path(unit);
        of_rule.any(|trial| trial.unit.as_deref().is_none_or(|own| path.contains(&own)))
    }

    /// Every trial, also those that are over or yet to come.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The set with these trials besides its own.
    #[must_use]
    pub fn with_trials(mut self, trials: impl IntoIterator<Item = Trial>) -> Self {
        self.trials.extend(trials);
        self
    }

    /// The trials that concern a pack, in words: `华岳商业物业，2026-03-31前` / `Huayue Commercial Property, until 2026-03-31`.
    pub fn trial_words(&self, trial: &Trial) -> Title {
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        let mut say = |words: Title| {
            zh.push(words.zh);
            en.push(words.en);
        };
        if let Some((pack, rule)) = trial.pack.as_ref().zip(trial.rule.as_ref()) {
            say(self.rule_title(pack, rule));
        }
        match &trial.unit {
            Some(unit) => say(self.tree.unit(unit).map_or_else(|| Title::new(unit, unit), |unit| unit.title.clone())),
            None => say(Title::new("全部单位", "everywhere")),
        }
        let date = |at: Timestamp| self.zone.to_datetime(at).date();
        // The last day of the trial, not the first after it.
        let last = |until: Timestamp| date(Timestamp::from_microsecond(until.as_microsecond() - 1).unwrap_or(until));
        match (trial.from, trial.until) {
            (Some(from), Some(until)) => {
                say(Title::new(format!("{}至{}", date(from), last(until)), format!("{} to {}", date(from), last(until))));
            }
            (Some(from), None) => say(Title::new(format!("自{}起", date(from)), format!("from {}", date(from)))),
            (None, Some(until)) => say(Title::new(format!("至{}", last(until)), format!("until {}", last(until)))),
            (None, None) => {}
        }
        Title::new(zh.join("，"), en.join(", "))
    }

    /// What a duty is called, without what its events fill in.
    pub fn rule_title(&self, pack: &str, rule: &str) -> Title {
        let found = self.pack(pack).and_then(|pack| Some((pack, self.duty_rule(&pack.id, rule)?)));
        found.map_or_else(|| Title::new(rule, rule), |(pack, duty)| self.describe_duty(pack, duty).title)
    }
}
