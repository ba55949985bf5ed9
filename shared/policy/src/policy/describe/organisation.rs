//! Bindings, approvals, trials, units and posts in words.

use super::super::Policy;
use super::super::approval::Signer;
use super::{Thing, Things, joined, only};
use crate::Title;
use crate::directory::{Grant, Post, Scope};
use std::collections::{BTreeMap, BTreeSet};

impl Policy {
    pub(super) fn describe_organisation(&self, things: &mut Things) {
        for binding in &self.bindings {
            let Some(pack) = self.pack(&binding.pack) else { continue };
            let unit = self.tree.unit(&binding.unit).map_or_else(|| Title::new(&binding.unit, &binding.unit), |unit| unit.title.clone());
            let date = |at| self.zone.to_datetime(at).date().to_string();
            let until = binding.until.map(date).map(|date| Title::new(&date, &date)).unwrap_or_default();
            let replaced =
                joined(binding.instead_of.iter().map(|id| self.pack(id).map_or_else(|| Title::new(id, id), |pack| pack.title.clone())));
            let thing = Thing::new(Title::new(format!("适用于{}", unit.zh), format!("binds {}", unit.en)), "")
                .says("from", "自", "from", Title::new(date(binding.from), date(binding.from)))
                .says("until", "至", "until", until)
                .says("instead_of", "取代", "instead of", replaced);
            // A pack may bind a unit for two periods.
            let place = format!("bind.{}", binding.unit);
            let taken = things.contains_key(&(pack.id.clone(), place.clone()));
            let place = if taken { format!("{place}.{}", date(binding.from)) } else { place };
            things.insert((pack.id.clone(), place), thing);
        }
        for approval in &self.approvals {
            let thing = Thing::new(Title::new("制度变更的批准", "approval of changes"), "")
                .says("by", "内容变更", "changes of rules", self.signer_words(&approval.by))
                .says("wording", "仅文字变更", "of wording alone", self.signer_words(&approval.wording))
                .says("parameter", "仅一项参数变更", "of one parameter alone", self.signer_words(&approval.parameter));
            let packs = approval.packs.iter().map(String::as_str).chain(approval.packs.is_empty().then_some(""));
            for pack in packs {
                things.insert((pack.to_owned(), "approval".to_owned()), thing.clone());
            }
        }
        for (nth, trial) in self.trials.iter().enumerate() {
            let thing = Thing::new(Title::new("试运行", "trial"), "").says("of", "范围", "of", self.trial_words(trial));
            let place = [Some("trial"), trial.rule.as_deref(), trial.unit.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
            let pack = trial.pack.clone().unwrap_or_default();
            let place = if things.contains_key(&(pack.clone(), place.clone())) { format!("{place}.{nth}") } else { place };
            things.insert((pack, place), thing);
        }
        self.describe_tree(things);
    }

    fn describe_tree(&self, things: &mut Things) {
        let zone = self.zone.iana_name().unwrap_or_default();
        let fallback = self.tree.fallback().map(|post| self.signer_words(&Signer::Post(post.to_owned()))).unwrap_or_default();
        let head = Thing::new(Title::new("组织", "the organisation"), "")
            .says("zone", "时区", "zone", Title::new(zone, zone))
            .says("calendar", "未指明日历的单位所用日历", "calendar of units that name none", self.calendar.title.clone())
            .says("fallback", "无人可通知时", "told when nobody else is left", fallback);
        things.insert((String::new(), "organisation".to_owned()), head);
        for channel in &self.channels {
            let said = Thing::new(Title::new(format!("来件渠道：{}", channel.title.zh), format!("channel: {}", channel.title.en)), "");
            things.insert((String::new(), format!("channel.{}", channel.value)), said);
        }
        let roles = self.post_roles();
        for (role, common) in &roles {
            let said = Thing::new(common.title.clone(), "").says("rights", "权限", "rights", rights(&common.rights));
            things.insert((String::new(), format!("role.{role}")), said);
        }
        for unit in self.tree.units() {
            let said = Thing::new(unit.title.clone(), "")
                .says("parent", "上级单位", "part of", unit.parent.as_ref().map(|parent| self.unit_words(parent)).unwrap_or_default())
                .says("department", "内设部门", "a department of the unit above", only(unit.department))
                .says(
                    "head",
                    "负责人岗位",
                    "headed by",
                    unit.head.as_ref().map(|head| self.post_in_words(&unit.code, head)).unwrap_or_default(),
                )
                .says("calendar", "日历", "calendar", self.calendar_of(&unit.code).title.clone())
                .says("posts", "岗位", "posts", joined(self.tree.posts_in(&unit.code).map(|post| post_words(post, &roles))));
            things.insert((String::new(), format!("unit.{}", unit.code)), said);
        }
    }

    /// What posts of one role have in common: a role's rights are said once, and not of every store's manager.
    fn post_roles(&self) -> BTreeMap<&str, Common> {
        let mut roles: BTreeMap<&str, Common> = BTreeMap::new();
        for post in self.tree.posts() {
            let own: BTreeSet<Grant> = post.rights.iter().copied().collect();
            let common = roles.entry(&post.role).or_insert_with(|| Common { title: post.title.clone(), rights: own.clone() });
            common.rights.retain(|grant| own.contains(grant));
        }
        roles
    }

    fn unit_words(&self, code: &str) -> Title {
        self.tree.unit(code).map_or_else(|| Title::new(code, code), |unit| unit.title.clone())
    }

    fn post_in_words(&self, unit: &str, role: &str) -> Title {
        self.tree.find_post(&format!("{unit}/{role}"), unit).map_or_else(|| Title::new(role, role), |post| post.title.clone())
    }
}

/// Of all posts of a role.
struct Common {
    title: Title,
    rights: BTreeSet<Grant>,
}

/// A post, with the rights that others of its role do not have.
fn post_words(post: &Post, roles: &BTreeMap<&str, Common>) -> Title {
    let common = roles.get(post.role.as_str());
    let more: BTreeSet<Grant> =
        post.rights.iter().copied().filter(|grant| common.is_none_or(|common| !common.rights.contains(grant))).collect();
    if more.is_empty() {
        return post.title.clone();
    }
    let more = rights(&more);
    Title::new(format!("{}（另有权限：{}）", post.title.zh, more.zh), format!("{} (and may: {})", post.title.en, more.en))
}

fn rights(grants: &BTreeSet<Grant>) -> Title {
    joined(grants.iter().map(|grant| {
        let scope = match grant.scope {
            Scope::Unit => Title::new("本单位", "in the unit"),
            Scope::Below => Title::new("本单位及下级", "in the unit and below"),
            Scope::Everywhere => Title::new("全部单位", "everywhere"),
        };
        let right = grant.right.title();
        Title::new(format!("{}（{}）", right.zh, scope.zh), format!("{} ({})", right.en, scope.en))
    }))
}
