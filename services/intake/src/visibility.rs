//! Who sees which case, decided here because the cases are here; pure.
//!
//! Three rules, in this order. A person complained about never sees it. Whoever reported it, handles it, decides it or was added to it by
//! name sees it, for as long as that lasts. Everybody else sees what his posts reach, except through a post within a unit complained about
//! where the pack says that such a unit does not see it. [`crate::store::list`] holds the same rules in SQL, and a test keeps the two alike.

use duban_contracts::Timestamp;
use duban_engine::case::Case;
use duban_policy::directory::{Directory, Reach, Right};
use uuid::Uuid;

/// What a person may see at this moment: made once for each request.
#[derive(Debug, Clone)]
pub struct Sight {
    pub person: String,
    /// Whether what concerns the person by name counts; not so for exports and other rights that only posts give.
    pub by_name: bool,
    pub reach: Reach,
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
        Self { person: person.to_owned(), by_name: false, reach: directory.reach(person, right, at), named: Vec::new() }
    }

    /// What either of two rights gives.
    pub fn and(mut self, other: Self) -> Self {
        self.reach = self.reach.and(other.reach);
        self
    }

    pub fn sees(&self, case: &Case) -> bool {
        if case.excluded_people.contains(&self.person) {
            return false;
        }
        let concerned = [&case.handler, &case.reported_by].into_iter().any(|person| person.as_ref() == Some(&self.person));
        if self.by_name && (concerned || self.named.contains(&case.id)) {
            return true;
        }
        self.reach.covers(&case.unit, &case.excluded_units)
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

#[cfg(test)]
mod tests {
    use super::*;
    use duban_contracts::policy::PolicySource;
    use duban_policy::organisation::Organisation;

    /// What is filtered by and what is asked singly must be one thing, for people of departments too.
    #[test]
    fn sight_by_posts_is_what_the_directory_allows() {
        let text = include_str!("../../../policies/organisation.toml").to_owned();
        let source = PolicySource { name: "organisation.toml".into(), text };
        let directory = Organisation::parse(&source).unwrap().directory(1);
        let at: Timestamp = "2026-03-05T02:00:00Z".parse().unwrap();
        for person in directory.people() {
            let sight = Sight::by_posts(&directory, &person.id, Right::See, at);
            for unit in directory.units() {
                let may = directory.may(&person.id, Right::See, &unit.code, at).is_some();
                assert_eq!(sight.reach.covers(&unit.code, &[]), may, "{} in {}", person.id, unit.code);
            }
        }
    }
}
