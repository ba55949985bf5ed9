//! Who is who: units, posts, people, and what they may see and do. A copy of it stands in every service.
//!
//! Rights belong to posts, never to people; a person has what the posts that he holds have, while he holds them. Every answer says why:
//! which post, over which scope.

mod delegating;
mod instead;
mod model;
mod reach;
mod resolve;
mod rights;
pub mod unknown;

pub use model::{Absence, Delegation, Delegator, Grant, Holding, Language, Person, Post, Right, Scope, Unit, Watched};
pub use reach::Reach;
pub use resolve::{How, Resolution};
pub use rights::{Permission, PostHeld};

use crate::Title;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The whole directory at one version. Serialises to JSON as the gateway sends it; pages of it are [merged](Directory::merge).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Directory {
    version: i64,
    #[serde(default)]
    units: BTreeMap<String, Unit>,
    #[serde(default)]
    posts: BTreeMap<String, Post>,
    #[serde(default)]
    people: BTreeMap<String, Person>,
    #[serde(default)]
    delegations: Vec<Delegation>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watched: BTreeMap<String, Watched>,
    /// The post that is told when nobody else is left.
    #[serde(default)]
    fallback: Option<String>,
    #[serde(skip)]
    index: OnceLock<Index>,
}

/// Lookups made once per directory.
#[derive(Debug, Clone, Default)]
struct Index {
    children: BTreeMap<String, Vec<String>>,
    posts_in: BTreeMap<String, Vec<String>>,
    posts_of: BTreeMap<String, Vec<String>>,
}

impl Directory {
    pub fn new(version: i64, units: Vec<Unit>, posts: Vec<Post>, people: Vec<Person>, fallback: Option<String>) -> Self {
        Self {
            version,
            units: units.into_iter().map(|unit| (unit.code.clone(), unit)).collect(),
            posts: posts.into_iter().map(|post| (post.id.clone(), post)).collect(),
            people: people.into_iter().map(|person| (person.id.clone(), person)).collect(),
            delegations: Vec::new(),
            watched: BTreeMap::new(),
            fallback,
            index: OnceLock::new(),
        }
    }

    pub fn with_delegations(self, delegations: Vec<Delegation>) -> Self {
        Self { delegations, ..self }
    }

    /// With these producers watched.
    pub fn with_watched(self, watched: impl IntoIterator<Item = Watched>) -> Self {
        Self { watched: watched.into_iter().map(|watched| (watched.producer.clone(), watched)).collect(), ..self }
    }

    /// With absences of these people besides those that are known; those of people who are not known are left out.
    pub fn with_absences(mut self, absences: impl IntoIterator<Item = (String, Absence)>) -> Self {
        for (person, absence) in absences {
            if let Some(person) = self.people.get_mut(&person) {
                person.absences.push(absence);
            }
        }
        self
    }

    /// Takes in another page of the same version.
    pub fn merge(&mut self, page: Self) {
        self.version = self.version.max(page.version);
        self.units.extend(page.units);
        self.posts.extend(page.posts);
        self.people.extend(page.people);
        self.delegations.extend(page.delegations);
        self.watched.extend(page.watched);
        self.fallback = self.fallback.take().or(page.fallback);
        self.index = OnceLock::new();
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    /// By code.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.values()
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    pub fn delegations(&self) -> &[Delegation] {
        &self.delegations
    }

    /// Producers whose silence is told, by id.
    pub fn watched(&self) -> &BTreeMap<String, Watched> {
        &self.watched
    }

    pub fn unit(&self, code: &str) -> Option<&Unit> {
        self.units.get(code)
    }

    pub fn post(&self, id: &str) -> Option<&Post> {
        self.posts.get(id)
    }

    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id)
    }

    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// The unit and all above it, nearest first. Empty if the unit is unknown; a cycle ends where it closes.
    pub fn unit_and_above(&self, code: &str) -> Vec<&Unit> {
        let mut path: Vec<&Unit> = Vec::new();
        let mut next = self.units.get(code);
        while let Some(unit) = next {
            if path.iter().any(|seen| seen.code == unit.code) {
                break;
            }
            path.push(unit);
            next = unit.parent.as_ref().and_then(|parent| self.units.get(parent));
        }
        path
    }

    /// All above the unit, nearest first.
    pub fn ancestors(&self, code: &str) -> Vec<&Unit> {
        self.unit_and_above(code).into_iter().skip(1).collect()
    }

    /// Codes of the unit and everything below it, the unit first.
    pub fn unit_and_below(&self, code: &str) -> Vec<&str> {
        let Some(unit) = self.units.get(code) else { return Vec::new() };
        let mut found = vec![unit.code.as_str()];
        let mut at = 0;
        while let Some(code) = found.get(at) {
            for child in self.index().children.get(*code).into_iter().flatten() {
                if !found.contains(&child.as_str()) {
                    found.push(child);
                }
            }
            at += 1;
        }
        found
    }

    /// The unit that a department is part of; any other unit itself. Rights of a department's posts reach as far as if they were its own.
    pub fn base<'a>(&'a self, unit: &'a str) -> &'a str {
        self.unit_and_above(unit).into_iter().find(|above| !above.department).map_or(unit, |above| above.code.as_str())
    }

    /// A unit with its departments, and theirs.
    pub(crate) fn whole(&self, unit: &str) -> Vec<&str> {
        let base = self.base(unit);
        self.unit_and_below(base).into_iter().filter(|below| self.base(below) == base).collect()
    }

    /// True if `unit` is `above` or lies below it.
    pub fn is_within(&self, unit: &str, above: &str) -> bool {
        self.unit_and_above(unit).iter().any(|unit| unit.code == above)
    }

    /// Posts in this very unit.
    pub fn posts_in<'a>(&'a self, unit: &str) -> impl Iterator<Item = &'a Post> {
        self.index().posts_in.get(unit).into_iter().flatten().filter_map(|id| self.posts.get(id))
    }

    /// What a post is called where units are not plain from the context: 'store manager of …'.
    pub fn post_title(&self, post: &Post) -> Title {
        let unit = self.unit(&post.unit).map_or_else(|| Title::new(&post.unit, &post.unit), |unit| unit.title.clone());
        // 客户关系部 + 客户关系部经理 would say it twice.
        let zh = if post.title.zh.starts_with(&unit.zh) { post.title.zh.clone() } else { format!("{}{}", unit.zh, post.title.zh) };
        Title::new(zh, format!("{} of {}", post.title.en, unit.en))
    }

    fn departments<'a>(&'a self, unit: &str) -> impl Iterator<Item = &'a Unit> {
        self.index().children.get(unit).into_iter().flatten().filter_map(|code| self.units.get(code)).filter(|unit| unit.department)
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for unit in self.units.values() {
                if let Some(parent) = &unit.parent {
                    index.children.entry(parent.clone()).or_default().push(unit.code.clone());
                }
            }
            for post in self.posts.values() {
                index.posts_in.entry(post.unit.clone()).or_default().push(post.id.clone());
                for holding in post.holders.iter().chain(&post.deputies) {
                    let held = index.posts_of.entry(holding.person.clone()).or_default();
                    if !held.contains(&post.id) {
                        held.push(post.id.clone());
                    }
                }
            }
            index
        })
    }
}
