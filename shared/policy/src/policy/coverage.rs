//! Where every rule of the regulations is carried.

use super::duty::{DutyRule, Trigger};
use super::{Pack, Policy};
use crate::condition::Condition;
use serde::Serialize;

/// One rule id of regulations.md, at one place that cites it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Covered {
    /// `R13.2.5b`.
    pub id: String,
    pub pack: String,
    /// What carries it: `duty.file_warning`, `kind.complaint.severity.major`, `decision.destroy`; absent where nothing does.
    pub rule: Option<String>,
    /// Whether it runs in this version.
    pub runs: bool,
    /// Why it is not carried, or by what it will be.
    pub reason: Option<String>,
}

impl Policy {
    /// Every id that the packs cite or set aside, each with every place, in order of id.
    pub fn coverage(&self) -> Vec<Covered> {
        let mut covered: Vec<Covered> = self.packs().flat_map(of_pack).collect();
        covered.sort_by(|a, b| (sortable(&a.id), &a.pack, &a.rule).cmp(&(sortable(&b.id), &b.pack, &b.rule)));
        covered.dedup();
        covered
    }

    /// How many of the conditions are tables alone, and how many conditions there are.
    pub fn table_conditions(&self) -> (usize, usize) {
        let all: Vec<&Condition> = self.packs().flat_map(Pack::conditions).collect();
        (all.iter().filter(|condition| condition.is_table()).count(), all.len())
    }
}

impl Pack {
    /// Every condition that the pack states, each as a whole.
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        fn of_triggers(triggers: &[Trigger]) -> impl Iterator<Item = &Condition> {
            triggers.iter().filter_map(|trigger| trigger.when.as_ref())
        }
        fn of_rule(rule: &DutyRule) -> impl Iterator<Item = &Condition> {
            let triggers = of_triggers(&rule.opens).chain(of_triggers(&rule.closes)).chain(of_triggers(&rule.cancels));
            triggers.chain(rule.within.iter().filter_map(|within| within.when.as_ref()))
        }
        let of_kinds = self.kinds.iter().flat_map(|kind| {
            let fields = kind.fields.iter().filter_map(|field| field.required_when.as_ref());
            let severities = kind.severities.iter().filter_map(|severity| severity.when.as_ref());
            fields.chain(severities).chain(kind.steps.iter().filter_map(|step| step.when.as_ref()))
        });
        let rules = self.duties.iter().chain(self.recurring.iter().map(|recurring| &recurring.rule));
        let of_rungs = self.ladders.values().flat_map(|ladder| ladder.rungs.iter().filter_map(|rung| rung.when.as_ref()));
        let declared = &self.declarations;
        let of_fields =
            declared.all().into_iter().flat_map(|declaration| declaration.fields()).filter_map(|field| field.required_when.as_ref());
        let of_steps = declared.decisions.iter().flat_map(|decision| decision.steps.iter().filter_map(|step| step.when.as_ref()));
        let of_occasions = declared.notices.iter().flat_map(|notice| of_triggers(&notice.on.events));
        let of_surveys = declared.surveys.iter().flat_map(|survey| of_triggers(&survey.on.events));
        let of_quotas = declared.quotas.iter().flat_map(|quota| of_triggers(&quota.counts));
        let of_declarations = of_fields.chain(of_steps).chain(of_occasions).chain(of_surveys).chain(of_quotas);
        of_kinds.chain(rules.flat_map(of_rule)).chain(of_rungs).chain(of_declarations)
    }
}

/// Each rule that a pack carries, with the place that carries it.
pub(super) fn carried_places(pack: &Pack) -> impl Iterator<Item = (String, String)> {
    of_pack(pack).into_iter().filter_map(|covered| Some((covered.id, covered.rule?)))
}

fn of_pack(pack: &Pack) -> Vec<Covered> {
    let mut covered = Vec::new();
    let mut carried = |rules: &[String], place: String| {
        for id in rules {
            covered.push(Covered { id: id.clone(), pack: pack.id.clone(), rule: Some(place.clone()), runs: true, reason: None });
        }
    };
    for (name, parameter) in pack.parameters.iter().filter(|(_, parameter)| parameter.runs) {
        carried(&parameter.rules, format!("parameter.{name}"));
    }
    for kind in &pack.kinds {
        let at = format!("kind.{}", kind.id);
        carried(&kind.rules, at.clone());
        kind.fields.iter().for_each(|field| carried(&field.rules, format!("{at}.field.{}", field.id)));
        kind.severities.iter().for_each(|severity| carried(&severity.rules, format!("{at}.severity.{}", severity.id)));
        kind.steps.iter().for_each(|step| carried(&step.rules, format!("{at}.{}.{}", step.sort.as_str(), step.id)));
    }
    pack.duties.iter().for_each(|duty| carried(&duty.rules, format!("duty.{}", duty.id)));
    pack.recurring.iter().for_each(|recurring| carried(&recurring.rule.rules, format!("recurring.{}", recurring.rule.id)));
    pack.ladders.values().for_each(|ladder| carried(&ladder.rules, format!("ladder.{}", ladder.id)));
    // What a pack says of itself (purpose, scope, who interprets it) is read and does nothing.
    covered.extend(pack.rules.iter().map(|id| Covered {
        id: id.clone(),
        pack: pack.id.clone(),
        rule: Some("pack".to_owned()),
        runs: false,
        reason: Some("metadata: 制度包对自身的说明".to_owned()),
    }));
    for (name, parameter) in pack.parameters.iter().filter(|(_, parameter)| !parameter.runs) {
        covered.extend(parameter.rules.iter().map(|id| Covered {
            id: id.clone(),
            pack: pack.id.clone(),
            rule: Some(format!("parameter.{name}")),
            runs: false,
            reason: Some("parameter: 只有尚不执行的声明用到".to_owned()),
        }));
    }
    for declaration in pack.declarations.all() {
        let stated = declaration.stated();
        let reason = format!("{}: 随{}执行", stated.sort.as_str(), stated.sort.engine().zh);
        let mut declared = |rules: &[String], place: String| {
            covered.extend(rules.iter().map(|id| Covered {
                id: id.clone(),
                pack: pack.id.clone(),
                rule: Some(place.clone()),
                runs: false,
                reason: Some(reason.clone()),
            }));
        };
        declared(&stated.rules, stated.place());
        declaration.fields().iter().for_each(|field| declared(&field.rules, format!("{}.field.{}", stated.place(), field.id)));
    }
    for set in &pack.set_aside {
        let reason = format!("{}: {}", set.with, set.says.zh);
        covered.extend(set.rules.iter().map(|id| Covered {
            id: id.clone(),
            pack: pack.id.clone(),
            rule: set.later.then(|| format!("later.{}", set.with)),
            runs: false,
            reason: Some(reason.clone()),
        }));
    }
    covered
}

/// `R13.2.10` after `R13.2.9`: numbers are compared as numbers.
fn sortable(id: &str) -> Vec<(u64, String)> {
    id.split('.')
        .map(|part| {
            let start = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
            let digits: String = part[start..].chars().take_while(char::is_ascii_digit).collect();
            (digits.parse().unwrap_or(0), part.to_owned())
        })
        .collect()
}
