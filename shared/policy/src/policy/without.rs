//! A set without one of its rules: what would be different if it did not stand there. By this a scenario shows that it depends on a rule.

use super::compile::listening;
use super::number::NumberPattern;
use super::{Pack, Policy};
use std::sync::Arc;

impl Policy {
    /// The set without what stands at a place of a pack, as [`Policy::coverage`] names it: `duty.file_warning`, `recurring.statistics`,
    /// `kind.complaint`, `kind.complaint.severity.major`, `kind.complaint.move.close`, `kind.complaint.field.loss`, `ladder.company` (without
    /// its rungs), `parameter.promptly`. None where nothing stands there, or nothing could be without it (the kind of what is unsorted).
    pub fn without(&self, pack: &str, place: &str) -> Option<Policy> {
        let mut changed_pack = Pack::clone(self.pack(pack)?);
        let changed = take_out(&mut changed_pack, place)?;
        let mut policy = self.clone();
        policy.packs.insert(pack.to_owned(), Arc::new(changed_pack));
        match changed {
            Changed::Parameter => policy.overrides.retain(|(of, name), _| of != pack || format!("parameter.{name}") != place),
            Changed::Duty => policy.listening = Arc::new(listening(&policy)),
            Changed::Other => {}
        }
        Some(policy)
    }
}

#[derive(PartialEq, Eq)]
enum Changed {
    Parameter,
    /// Rules stand elsewhere now: who listens is to be noted anew.
    Duty,
    Other,
}

fn take_out(pack: &mut Pack, place: &str) -> Option<Changed> {
    let (sort, rest) = place.split_once('.')?;
    match sort {
        "duty" => {
            one_less(&mut pack.duties, |duty| duty.id == rest)?;
            return Some(Changed::Duty);
        }
        "recurring" => {
            one_less(&mut pack.recurring, |recurring| recurring.rule.id == rest)?;
            return Some(Changed::Duty);
        }
        "ladder" => pack.ladders.get_mut(rest)?.rungs.clear(),
        "parameter" => {
            pack.parameters.remove(rest)?;
            for kind in pack.kinds.iter_mut().filter(|kind| kind.numbered_by.as_deref() == Some(rest)) {
                kind.number = NumberPattern::plain();
            }
            return Some(Changed::Parameter);
        }
        "kind" => take_out_of_kind(pack, rest)?,
        _ => return None,
    }
    Some(Changed::Other)
}

fn take_out_of_kind(pack: &mut Pack, rest: &str) -> Option<()> {
    let Some((kind, part)) = rest.split_once('.') else {
        return one_less(&mut pack.kinds, |kind| kind.id == rest && !kind.unsorted);
    };
    let kind = pack.kinds.iter_mut().find(|known| known.id == kind)?;
    let (sort, id) = part.split_once('.')?;
    match sort {
        "field" => one_less(&mut kind.fields, |field| field.id == id),
        "severity" if kind.severities.len() > 1 => one_less(&mut kind.severities, |severity| severity.id == id),
        _ => one_less(&mut kind.steps, |step| step.id == id && step.sort.as_str() == sort),
    }
}

fn one_less<T>(among: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Option<()> {
    among.remove(among.iter().position(is_it)?);
    Some(())
}
