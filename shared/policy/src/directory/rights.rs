//! What a person may, where, and why.

use super::{Directory, Grant, Person, Post, Right, Scope};
use crate::Title;
use duban_contracts::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// Why a person may: the post that has the right, and over what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    pub person: String,
    pub post: String,
    pub right: Right,
    pub scope: Scope,
    pub as_deputy: bool,
    pub as_delegate: bool,
    /// A sentence for people: 'as store manager of 朝阳店, over the unit and all below'.
    pub reason: Title,
}

/// A post that a person holds, or stands in for, at an instant.
#[derive(Debug, Clone, Copy)]
pub struct PostHeld<'a> {
    pub post: &'a Post,
    pub as_deputy: bool,
    /// It was delegated to him, by who holds it or as a post.
    pub as_delegate: bool,
}

impl PostHeld<'_> {
    /// What it gives him of a right. Nobody administers by delegation: else one could be made an administrator by who is none.
    pub fn grants(&self, right: Right) -> impl Iterator<Item = Grant> {
        let given = !(self.as_delegate && right == Right::Administer);
        self.post.rights.iter().filter(move |grant| given && grant.right == right).copied()
    }
}

impl Directory {
    /// The posts that a person holds at this time, and those that he stands in for: vacant ones, ones whose holders are all absent, and those
    /// that are delegated to him.
    pub fn posts_of(&self, person: &str, at: Timestamp) -> Vec<PostHeld<'_>> {
        if self.person(person).is_none_or(|person| person.disabled) {
            return Vec::new();
        }
        let named = |holdings: &[super::Holding]| holdings.iter().any(|holding| holding.person == person && holding.holds_at(at));
        let mut held = Vec::new();
        for post in self.index().posts_of.get(person).into_iter().flatten().filter_map(|id| self.post(id)) {
            if named(&post.holders) {
                held.push(PostHeld { post, as_deputy: false, as_delegate: false });
            } else if named(&post.deputies) && self.present_holders(post, at).is_empty() {
                held.push(PostHeld { post, as_deputy: true, as_delegate: false });
            }
        }
        for post in self.posts_delegated_to(person, at) {
            if !held.iter().any(|known| known.post.id == post.id) {
                held.push(PostHeld { post, as_deputy: false, as_delegate: true });
            }
        }
        held
    }

    /// People who hold the post at this time, absent ones too.
    pub fn holders<'a>(&'a self, post: &Post, at: Timestamp) -> Vec<&'a Person> {
        let current = post.holders.iter().filter(|holding| holding.holds_at(at));
        current.filter_map(|holding| self.person(&holding.person)).filter(|person| !person.disabled).collect()
    }

    pub(super) fn present_holders<'a>(&'a self, post: &Post, at: Timestamp) -> Vec<&'a Person> {
        self.holders(post, at).into_iter().filter(|person| !person.is_absent(at)).collect()
    }

    /// Whether a person may do this in a unit at this time, and by which post.
    pub fn may(&self, person: &str, right: Right, unit: &str, at: Timestamp) -> Option<Permission> {
        self.posts_of(person, at).into_iter().find_map(|held| {
            let grant = held.grants(right).find(|grant| self.reaches(held.post, *grant, unit))?;
            Some(self.permission(person, held, grant))
        })
    }

    /// Whether a person has the right over any unit at all; for `administer` and for what belongs to no unit.
    pub fn may_anywhere(&self, person: &str, right: Right, at: Timestamp) -> Option<Permission> {
        self.posts_of(person, at).into_iter().find_map(|held| {
            let grant = held.grants(right).next()?;
            Some(self.permission(person, held, grant))
        })
    }

    /// Codes of all units over which a person has the right: what lists and counts are filtered by.
    pub fn visible_units(&self, person: &str, right: Right, at: Timestamp) -> BTreeSet<String> {
        let mut units = BTreeSet::new();
        for held in self.posts_of(person, at) {
            for grant in held.grants(right) {
                match self.units_reached(held.post, grant.scope) {
                    Some(reached) => units.extend(reached.into_iter().map(str::to_owned)),
                    None => units.extend(self.units.keys().cloned()),
                }
            }
        }
        units
    }

    /// Codes of the units that a post's right of this scope reaches, those of a department as if the post stood in the unit that it is part
    /// of. None for all, units unknown to the directory included. Every service that filters by rights asks here.
    pub fn units_reached(&self, post: &Post, scope: Scope) -> Option<Vec<&str>> {
        match scope {
            Scope::Unit => Some(self.whole(&post.unit)),
            Scope::Below => Some(self.unit_and_below(self.base(&post.unit))),
            Scope::Everywhere => None,
        }
    }

    /// True if a person has the right over everything, units unknown to the directory included.
    pub fn sees_everywhere(&self, person: &str, right: Right, at: Timestamp) -> bool {
        let everywhere = Grant { right, scope: Scope::Everywhere };
        self.posts_of(person, at).iter().any(|held| held.grants(right).any(|grant| grant == everywhere))
    }

    /// Everybody who has the right in this unit at this time, each once, and why.
    pub fn who_can(&self, right: Right, unit: &str, at: Timestamp) -> Vec<Permission> {
        let mut reaching: BTreeSet<&str> = BTreeSet::new();
        for post in self.posts.values() {
            if post.rights.iter().any(|grant| grant.right == right && self.reaches(post, *grant, unit)) {
                reaching.extend(post.holders.iter().chain(&post.deputies).map(|holding| holding.person.as_str()));
            }
        }
        reaching.extend(self.delegations().iter().filter(|delegation| delegation.covers(at)).map(|delegation| delegation.to.as_str()));
        reaching.into_iter().filter_map(|person| self.may(person, right, unit, at)).collect()
    }

    fn reaches(&self, post: &Post, grant: Grant, unit: &str) -> bool {
        match grant.scope {
            Scope::Unit => self.base(unit) == self.base(&post.unit),
            Scope::Below => self.is_within(unit, self.base(&post.unit)),
            Scope::Everywhere => true,
        }
    }

    fn permission(&self, person: &str, held: PostHeld<'_>, grant: Grant) -> Permission {
        let scope = match grant.scope {
            Scope::Unit => ("本单位", "its unit"),
            Scope::Below => ("本单位及下属单位", "its unit and all below"),
            Scope::Everywhere => ("全部单位", "all units"),
        };
        let right = grant.right.title();
        let post = self.post_title(held.post);
        let reason = if held.as_delegate {
            Title::new(
                format!("受托代行{}，对{}有{}权限", post.zh, scope.0, right.zh),
                format!("delegate of {}, who may {} over {}", post.en, right.en, scope.1),
            )
        } else if held.as_deputy {
            Title::new(
                format!("代理{}（岗位空缺或人员离岗），对{}有{}权限", post.zh, scope.0, right.zh),
                format!("deputy for {} (vacant or absent), who may {} over {}", post.en, right.en, scope.1),
            )
        } else {
            Title::new(
                format!("{}，对{}有{}权限", post.zh, scope.0, right.zh),
                format!("{}, who may {} over {}", post.en, right.en, scope.1),
            )
        };
        Permission {
            person: person.to_owned(),
            post: held.post.id.clone(),
            right: grant.right,
            scope: grant.scope,
            as_deputy: held.as_deputy,
            as_delegate: held.as_delegate,
            reason,
        }
    }
}
