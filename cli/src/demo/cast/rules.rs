//! `cast.toml`: how long the staff takes, what it does first, what it writes.

use anyhow::{Context, bail};
use duban_contracts::ids;
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What is done before anything else, in this order: what is owed within hours.
    pub first: Vec<String>,
    /// Moves, the best first; others come after them, in the pack's order.
    pub prefer: Vec<String>,
    /// Steps that the staff never takes of its own accord.
    pub never: Vec<String>,
    /// How long a step takes, from and to, by its id; `default` for the others.
    pub delay: BTreeMap<String, Range>,
    /// Temperaments: their share of the cases in percent, and by what their delays are multiplied.
    pub temper: BTreeMap<String, Temper>,
    pub acknowledge: Acknowledge,
    /// What is filled in where a step asks for a field, by its id; else by its sort.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    pub answers: Vec<String>,
}

/// From and to, such as `["20m", "3h"]`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Range(pub SignedDuration, pub SignedDuration);

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temper {
    pub share: u32,
    pub factor: f64,
}

/// How alerts are acknowledged; shares in percent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    pub delay: Range,
    pub late_share: u32,
    pub late_delay: Range,
    pub never_share: u32,
}

impl Rules {
    /// # Errors
    /// When the file cannot be read or its shares are more than the whole.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let rules: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        if !rules.delay.contains_key("default") || rules.answers.is_empty() {
            bail!("{}: delay.default and at least one answer are needed", path.display());
        }
        let shares: u32 = rules.temper.values().map(|temper| temper.share).sum();
        if shares != 100 || rules.acknowledge.late_share + rules.acknowledge.never_share > 100 {
            bail!("{}: the shares of the tempers must make 100 percent, those of the acknowledgements at most 100", path.display());
        }
        Ok(rules)
    }

    /// How long `step` of `case` takes. The same case is always handled with the same temper.
    pub fn delay_of(&self, step: &str, case: &str) -> SignedDuration {
        let range = self
            .delay
            .get(step)
            .or_else(|| self.delay.get("default"))
            .copied()
            .unwrap_or(Range(SignedDuration::ZERO, SignedDuration::ZERO));
        let long = range.at(chance(&["delay", case, step])).as_secs_f64() * self.temper_of(case);
        SignedDuration::from_secs_f64(long)
    }

    /// When an alert is acknowledged after it was raised; None for never.
    pub fn acknowledged_after(&self, alert: &str) -> Option<SignedDuration> {
        let rules = self.acknowledge;
        let draw = chance(&["acknowledge", alert]) * 100.0;
        let fraction = chance(&["acknowledge after", alert]);
        if draw < f64::from(rules.never_share) {
            None
        } else if draw < f64::from(rules.never_share + rules.late_share) {
            Some(rules.late_delay.at(fraction))
        } else {
            Some(rules.delay.at(fraction))
        }
    }

    /// A sentence for the reporter.
    pub fn answer(&self, case: &str) -> &str {
        let nth = (chance(&["answer", case]) * self.answers.len() as f64) as usize;
        self.answers.get(nth).or(self.answers.first()).map_or("", String::as_str)
    }

    fn temper_of(&self, case: &str) -> f64 {
        let mut draw = chance(&["temper", case]) * 100.0;
        for temper in self.temper.values() {
            draw -= f64::from(temper.share);
            if draw < 0.0 {
                return temper.factor;
            }
        }
        1.0
    }
}

impl Range {
    fn at(self, fraction: f64) -> SignedDuration {
        SignedDuration::from_secs_f64(self.0.as_secs_f64() + (self.1.as_secs_f64() - self.0.as_secs_f64()) * fraction)
    }
}

/// A number from 0 up to 1 that is the same whenever it is drawn for the same: a play repeats itself.
fn chance(parts: &[&str]) -> f64 {
    let drawn = ids::derived("demonstration", parts).as_u128() >> 64 & u128::from(u32::MAX);
    drawn as f64 / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/cast.toml"))).unwrap()
    }

    #[test]
    fn the_staff_is_the_same_in_every_play() {
        assert_eq!(rules().delay_of("accept", "TS-1"), rules().delay_of("accept", "TS-1"));
        assert_ne!(rules().delay_of("accept", "TS-1"), rules().delay_of("accept", "TS-2"));
    }

    #[test]
    fn some_are_negligent_and_some_alerts_wait() {
        let rules = rules();
        let cases: Vec<String> = (0..400).map(|n| format!("case {n}")).collect();
        let slowest = rules.temper.values().map(|t| t.factor).fold(0.0, f64::max);
        let negligent = cases.iter().filter(|case| (rules.temper_of(case) - slowest).abs() < 1e-9).count();
        assert!((10..120).contains(&negligent), "{negligent}");
        let never = cases.iter().filter(|case| rules.acknowledged_after(case).is_none()).count();
        assert!((1..100).contains(&never), "{never}");
    }

    #[test]
    fn chances_lie_between_nothing_and_one_and_differ() {
        let drawn: Vec<f64> = (0..1000).map(|n| chance(&[&n.to_string()])).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = drawn.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
