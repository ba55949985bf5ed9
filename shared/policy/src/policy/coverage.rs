//! Where every rule of the regulations is carried.

use super::{Pack, Policy};
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
}

fn of_pack(pack: &Pack) -> Vec<Covered> {
    let mut covered = Vec::new();
    let mut carried = |rules: &[String], place: String| {
        for id in rules {
            covered.push(Covered { id: id.clone(), pack: pack.id.clone(), rule: Some(place.clone()), runs: true, reason: None });
        }
    };
    carried(&pack.rules, "pack".to_owned());
    for (name, parameter) in &pack.parameters {
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
