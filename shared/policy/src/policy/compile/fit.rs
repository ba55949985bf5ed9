//! Whether the organisation fits its packs: what compiles, and yet holds nowhere, is played by nobody or may be done by nobody.

use super::super::approval::SECOND_PERSON;
use super::super::kind::Actor;
use super::super::{Pack, Policy};
use super::set::needed;
use crate::directory::{Directory, Grant, Post, Right, Scope};
use crate::organisation::Organisation;
use crate::source::{Fault, Placed};
use duban_contracts::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A pack that is bound nowhere rules nothing.
pub(super) fn unbound(policy: &Policy, pack: &Pack, id: &Placed<String>) -> Option<Fault> {
    if policy.bindings.iter().any(|binding| binding.pack == pack.id) {
        return None;
    }
    let en = format!("no unit is bound by the pack '{}': nothing of it holds anywhere", pack.id);
    let zh = format!("制度包“{}”没有绑定任何单位，其规则不在任何地方生效", pack.title.zh);
    let help = format!("write [[bind]] with pack = \"{}\", unit and from in the organisation file", pack.id);
    Some(
        Fault::new(id.range, "unbound", en, zh)
            .warning()
            .help(help, format!("请在组织文件中写 [[bind]]：pack = \"{}\"、unit、from", pack.id)),
    )
}

/// What belongs to no unit yet, and the whole, would be seen by nobody; and without a second administrator nobody could sign for a change.
/// Where nobody holds any post, the people are left out: as in what is applied.
pub(super) fn check_everywhere(organisation: &Organisation, faults: &mut Vec<Fault>) {
    let directory = organisation.directory(0);
    let are_left_out = directory.posts().all(|post| post.holders.is_empty());
    let held = |right: Right| {
        let everywhere = Grant { right, scope: Scope::Everywhere };
        directory.posts().any(|post| post.rights.contains(&everywhere) && (are_left_out || !post.holders.is_empty()))
    };
    let place = organisation.file.organisation.fallback.range;
    if !held(Right::See) {
        let en =
            "nobody's post sees every unit: what belongs to none is seen by nobody, and there is no manager's login for `duban up` to show";
        let zh = "没有任何人的岗位可查看全部单位：不属于任何单位的事项无人可见，duban up 也没有管理者的登录名可显示";
        faults.push(wanting(place, "nobody-sees-all", (en, zh), "see everywhere"));
    }
    let by_second_person = organisation.file.approval.iter().any(|approval| approval.value.by.value == SECOND_PERSON);
    if !held(Right::Administer) && (organisation.file.approval.is_empty() || by_second_person) {
        let en = "nobody's post administers everything: no second person can sign for a change of what is in force";
        let zh = "没有任何人的岗位可管理全部单位：制度变更没有第二人可以批准";
        faults.push(wanting(place, "nobody-administers", (en, zh), "administer everywhere"));
    }
}

fn wanting(place: (usize, usize), code: &'static str, (en, zh): (&str, &str), right: &str) -> Fault {
    let write = format!("rights = [\"{right}\"]");
    let help = (format!("write {write} at a role whose post somebody holds"), format!("请在有人担任的岗位角色处写 {write}"));
    Fault::new(place, code, en, zh).warning().help(help.0, help.1)
}

/// Lists for each unit the roles that no post plays there, and those whose post may not make the steps that are theirs, pack by pack.
pub(super) fn check_roles(policy: &Policy, organisation: &Organisation, faults: &mut Vec<Fault>) {
    let times: BTreeSet<Timestamp> = policy.bindings.iter().map(|binding| binding.from).collect();
    for (code, unit) in organisation.file.unit.iter() {
        let mut bound: BTreeMap<&str, &Pack> = BTreeMap::new();
        bound.extend(times.iter().flat_map(|at| policy.packs_of(code, *at)).map(|pack| (pack.id.as_str(), pack)));
        for pack in bound.into_values() {
            let player = |role: &str| policy.tree.find_post(&policy.post_for(&pack.id, role, code), code);
            let unplayed = needed(pack).into_iter().filter(|role| player(role).is_none()).collect::<Vec<_>>();
            if !unplayed.is_empty() {
                let (ids, titles) = named(pack, &unplayed);
                let en = format!("in unit '{}' ({}) nobody plays these roles of pack '{}': {ids}", unit.title.en, code.value, pack.id);
                let zh = format!("单位“{}”（{}）中，制度包“{}”的下列角色没有对应岗位：{titles}", unit.title.zh, code.value, pack.title.zh);
                let help = ("write them under [[plays]], or give the unit such posts", "请在 [[plays]] 中指定，或为该单位设置这些岗位");
                faults.push(Fault::new(code.range, "role-unbound", en, zh).warning().help(help.0, help.1));
            }
            let may_not = |role: &&str| player(role).is_some_and(|post| !may_move(&policy.tree, post, code));
            let powerless = moving(pack).into_iter().filter(may_not).collect::<Vec<_>>();
            if !powerless.is_empty() {
                let (ids, titles) = named(pack, &powerless);
                let en = format!(
                    "in unit '{}' ({}) these roles of pack '{}' make steps, and their posts may not move cases: {ids}",
                    unit.title.en, code.value, pack.id
                );
                let zh = format!(
                    "单位“{}”（{}）中，制度包“{}”的下列角色须办理步骤，其岗位却没有办理权限：{titles}",
                    unit.title.zh, code.value, pack.title.zh
                );
                let help = (
                    "write rights = [\"move unit\"] (or below, everywhere) at their posts",
                    "请为这些岗位写 rights = [\"move unit\"]（或 below、everywhere）",
                );
                faults.push(Fault::new(code.range, "may-not-move", en, zh).warning().help(help.0, help.1));
            }
        }
    }
}

/// Roles by whom a step is made that nobody else need make.
fn moving(pack: &Pack) -> BTreeSet<&str> {
    let steps = pack.kinds.iter().flat_map(|kind| &kind.steps);
    steps.flat_map(|step| &step.by).filter_map(|actor| if let Actor::Role(role) = actor { Some(role.as_str()) } else { None }).collect()
}

/// A certain post of another branch is given cases by name, and then handles them.
fn may_move(tree: &Directory, post: &Post, unit: &str) -> bool {
    let is_of_another_branch = !tree.unit_and_above(unit).iter().any(|above| above.code == tree.base(&post.unit));
    if is_of_another_branch {
        return true;
    }
    let reaches = |grant: &Grant| tree.units_reached(post, grant.scope).is_none_or(|units| units.contains(&unit));
    post.rights.iter().filter(|grant| grant.right == Right::Move).any(reaches)
}

/// Roles by id, and by their titles.
fn named(pack: &Pack, roles: &[&str]) -> (String, String) {
    let titles = roles.iter().map(|role| pack.roles.get(*role).map_or(*role, |title| title.zh.as_str()));
    (roles.join(", "), titles.collect::<Vec<_>>().join("、"))
}
