//! What a person's posts give him of one right, unit by unit, each with the post that gives it: a post within a unit that is kept out of a
//! matter gives nothing of it, another post of the same person may.

use super::{Directory, Right};
use duban_contracts::Timestamp;
use std::collections::BTreeSet;

/// How far a right reaches, and by which posts' units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Units reached, and the unit of the post that reaches each: pairs, one of each at the same place. So SQL can take both.
    pub units: Vec<String>,
    pub via: Vec<String>,
    /// Units of the posts that reach everything, units unknown to the directory included.
    pub everywhere_via: Vec<String>,
}

impl Directory {
    /// What a person's posts give him of a right at this time.
    pub fn reach(&self, person: &str, right: Right, at: Timestamp) -> Reach {
        let mut reached: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut everywhere: BTreeSet<&str> = BTreeSet::new();
        for held in self.posts_of(person, at) {
            let post = held.post;
            for grant in held.grants(right) {
                match self.units_reached(post, grant.scope) {
                    Some(units) => reached.extend(units.into_iter().map(|unit| (unit, post.unit.as_str()))),
                    None => {
                        everywhere.insert(&post.unit);
                    }
                }
            }
        }
        let (units, via) = reached.into_iter().map(|(unit, via)| (unit.to_owned(), via.to_owned())).unzip();
        Reach { units, via, everywhere_via: everywhere.into_iter().map(str::to_owned).collect() }
    }
}

impl Reach {
    /// What either of two rights gives.
    pub fn and(mut self, other: Self) -> Self {
        self.units.extend(other.units);
        self.via.extend(other.via);
        self.everywhere_via.extend(other.everywhere_via);
        self
    }

    pub fn is_nowhere(&self) -> bool {
        self.units.is_empty() && self.everywhere_via.is_empty()
    }

    /// Whether a post reaches this unit that is within none of the units kept out. Units below one that is kept out are named among them.
    pub fn covers(&self, unit: &str, excluded_units: &[String]) -> bool {
        let apart = |via: &String| !excluded_units.contains(via);
        self.everywhere_via.iter().any(apart) || self.units.iter().zip(&self.via).any(|(reached, via)| reached == unit && apart(via))
    }
}
