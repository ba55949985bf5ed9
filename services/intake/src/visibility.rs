//! Who sees which case, decided here because the cases are here; pure.
//!
//! Three rules, in this order. A person complained about never sees it. Whoever reported it, handles it, decides it or was added to it by
//! name sees it, for as long as that lasts. Everybody else sees what his posts reach, except through a post within a unit complained about
//! where the pack says that such a unit does not see it. [`crate::store::list`] holds the same rules in SQL, and a test keeps the two alike.

use crate::case::Case;
use duban_contracts::Timestamp;
use duban_policy::directory::{Directory, Right, Scope};
use uuid::Uuid;

/// What a person may see at this moment: made once for each request.
#[derive(Debug, Clone)]
pub struct Sight {
    pub person: String,
    /// Whether what concerns the person by name counts; not so for exports and other rights that only posts give.
    pub by_name: bool,
    /// Units reached by posts, and the unit of the post that reaches each: pairs, one of each at the same place.
    pub units: Vec<String>,
    pub via: Vec<String>,
    /// Units of the posts that reach everything, units unknown to the directory included.
    pub everywhere_via: Vec<String>,
    /// Cases to which the person was added, or of which he decides.
    pub named: Vec<Uuid>,
}

impl Sight {
    /// What a person may see: by posts, and by name.
    pub fn of(directory: &Directory, person: &str, at: Timestamp, named: Vec<Uuid>) -> Self {
        let enabled = directory.person(person).is_some_and(|person| !person.disabled);
        Self { by_name: enabled, named, ..Self::by_posts(directory, person, Right::See, at) }
    }

    /// What a person's posts give him of one right.
    pub fn by_posts(directory: &Directory, person: &str, right: Right, at: Timestamp) -> Self {
        let mut sight = Self {
            person: person.to_owned(),
            by_name: false,
            units: Vec::new(),
            via: Vec::new(),
            everywhere_via: Vec::new(),
            named: Vec::new(),
        };
        for held in directory.posts_of(person, at) {
            for grant in held.post.rights.iter().filter(|grant| grant.right == right) {
                match grant.scope {
                    Scope::Unit => sight.reach(&held.post.unit, &held.post.unit),
                    Scope::Below => {
                        directory.unit_and_below(&held.post.unit).into_iter().for_each(|unit| sight.reach(unit, &held.post.unit))
                    }
                    Scope::Everywhere => sight.everywhere_via.push(held.post.unit.clone()),
                }
            }
        }
        sight
    }

    fn reach(&mut self, unit: &str, via: &str) {
        let known = self.units.iter().zip(&self.via).any(|(known, by)| known == unit && by == via);
        if !known {
            self.units.push(unit.to_owned());
            self.via.push(via.to_owned());
        }
    }

    pub fn sees(&self, case: &Case) -> bool {
        if case.excluded_people.contains(&self.person) {
            return false;
        }
        let concerned = [&case.handler, &case.reported_by].into_iter().any(|person| person.as_ref() == Some(&self.person));
        if self.by_name && (concerned || self.named.contains(&case.id)) {
            return true;
        }
        let apart = |via: &String| !case.excluded_units.contains(via);
        self.everywhere_via.iter().any(apart) || self.units.iter().zip(&self.via).any(|(unit, via)| *unit == case.unit && apart(via))
    }
}

/// Whether a person has a right over a case: by a post that reaches its unit, and never if he is complained about.
pub fn may(directory: &Directory, person: &str, right: Right, case: &Case, at: Timestamp) -> bool {
    Sight::by_posts(directory, person, right, at).sees(case)
}

/// Whether a person who may see the case may see the personal text in it: by right, or because it is he who handles or reported it.
pub fn sees_personal(directory: &Directory, person: &str, case: &Case, at: Timestamp) -> bool {
    if case.excluded_people.iter().any(|out| out == person) {
        return false;
    }
    let enabled = directory.person(person).is_some_and(|person| !person.disabled);
    let concerned = [&case.handler, &case.reported_by].into_iter().any(|own| own.as_deref() == Some(person));
    (enabled && concerned) || may(directory, person, Right::SeePersonal, case, at)
}
