//! Whether a kind can be corrected for the cases that are open: they go on by its new steps and fields, each from the stage in which it stands.
//!
//! So nothing may go away that a case has already: its stage, its severity, what its fields hold. And since everything else of its pack stays as
//! it was, a step may name only roles and figures that the pack had before, with the same values.

use super::correctable::{impossible, unchanged, unknown};
use super::correction::KIND;
use super::kind::{Actor, Field, Kind, Limit};
use super::{Pack, Policy};
use crate::Title;
use std::collections::BTreeSet;

/// Why not, in Chinese and in English.
type Why = (&'static str, &'static str);

impl Policy {
    pub(super) fn kind_is_correctable(&self, after: &Policy, pack: &str, kind: &str) -> Result<(), (Title, Title)> {
        let place = format!("{pack}/{KIND}{kind}");
        let (Some(old), Some(new)) = (self.kind(pack, kind), after.kind(pack, kind)) else {
            return Err(unknown(&place, &self.correctable_places(after)));
        };
        if format!("{old:?}") == format!("{new:?}") {
            return Err(unchanged(&place));
        }
        let (Some(before), Some(afterwards)) = (self.pack(pack), after.pack(pack)) else { return Err(unchanged(&place)) };
        let why = goes_away(old, new).or_else(|| is_new_to_the_pack(before, new)).or_else(|| {
            let changes = |name: &&str| {
                before.parameters.get(*name).map(|known| &known.value) != afterwards.parameters.get(*name).map(|known| &known.value)
                    || self.chosen(pack, name) != after.chosen(pack, name)
            };
            figures_of(new).iter().any(changes).then_some((
                "其条件所用的参数有变，而未了结案件仍按原参数",
                "a figure that its conditions use changes, and open cases keep the old one",
            ))
        });
        why.map_or(Ok(()), |why| Err(impossible(&place, why)))
    }
}

/// What a case may have already, and would have no longer.
fn goes_away(old: &Kind, new: &Kind) -> Option<Why> {
    let stays = |id: &str, terminal: bool| new.stages.iter().any(|stage| stage.id == id && stage.terminal == terminal);
    if !old.stages.iter().all(|stage| stays(&stage.id, stage.terminal)) {
        return Some((
            "有环节被删除，或由未结变为已结（或相反），停在该环节的案件将无处可去",
            "a stage goes, or ends cases where it did not (or no longer does), and cases that stand in it would stand nowhere",
        ));
    }
    if !old.severities.iter().all(|known| new.severities.iter().any(|severity| severity.id == known.id)) {
        return Some(("有严重程度被删除，已如此认定的案件将没有严重程度", "a severity goes, and cases that have it would have none"));
    }
    let holds =
        |known: &Field| new.fields.iter().any(|field| field.id == known.id && field.sort == known.sort && field.personal == known.personal);
    if !old.fields.iter().all(holds) {
        return Some((
            "有字段被删除，或改变了类型、是否属于个人信息，案件中已填的内容将无法对应",
            "a field goes, or changes its type or whether it is personal, and what cases hold in it would not fit",
        ));
    }
    let offers = |known: &Field| {
        let now = new.fields.iter().find(|field| field.id == known.id);
        now.is_some_and(|now| known.choices.iter().all(|choice| now.choices.iter().any(|offered| offered.value == choice.value)))
    };
    if !old.fields.iter().all(offers) {
        return Some((
            "有选项被删除，已选此项的案件将没有对应的选项",
            "a choice goes, and cases that have made it would hold none that there is",
        ));
    }
    (old.unsorted != new.unsorted).then_some(("是否待分拣有变", "whether it waits to be sorted changes"))
}

/// What the new steps name and the pack did not have.
fn is_new_to_the_pack(pack: &Pack, new: &Kind) -> Option<Why> {
    let mut actors =
        new.steps.iter().flat_map(|step| step.by.iter().chain(step.returning.iter().flat_map(|returning| &returning.decided_by)));
    let is_new = |actor: &Actor| matches!(actor, Actor::Role(role) if !pack.roles.contains_key(role));
    actors.any(is_new).then_some(("其步骤所用的角色在原版本中没有", "a step names a role that the old version does not have"))
}

/// The parameters that its conditions and limits look up.
fn figures_of(kind: &Kind) -> BTreeSet<&str> {
    let limits = kind.steps.iter().filter_map(|step| match step.returning.as_ref().map(|returning| &returning.limit) {
        Some(Limit::Parameter(name)) => Some(name.as_str()),
        Some(Limit::Fixed(_)) | None => None,
    });
    let conditions = kind
        .severities
        .iter()
        .filter_map(|severity| severity.when.as_ref())
        .chain(kind.steps.iter().filter_map(|step| step.when.as_ref()))
        .chain(kind.fields.iter().filter_map(|field| field.required_when.as_ref()));
    limits.chain(conditions.flat_map(|condition| condition.parameters())).collect()
}
