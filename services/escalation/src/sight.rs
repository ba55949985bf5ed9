//! Who sees which duties: by the right to see over the unit, by owing it, by handling the matter, by having been added to it by name, or by
//! having been alerted; never who is complained about, and nothing by a post of a unit that is kept out. Lists, counts and single questions obey the same.

use duban_contracts::Timestamp;
use duban_engine::duty::Duty;
use duban_policy::directory::{Directory, Right};

/// What one person may see, worked out once per request.
#[derive(Debug, Clone)]
pub struct Sight {
    pub person: String,
    /// Posts that he holds or stands in for: he sees what they owe. Those of one path together.
    pub posts: Vec<Posts>,
    /// Over which units he has the right to see, and from where.
    pub grants: Vec<Grant>,
}

/// Posts of one unit.
#[derive(Debug, Clone)]
pub struct Posts {
    /// As of a [`Grant`].
    pub path: Vec<String>,
    pub ids: Vec<String>,
}

/// The right to see, as one post gives it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The post's unit and all above it: where one of these is complained about and must not see it, the post gives nothing.
    pub path: Vec<String>,
    /// None for everywhere.
    pub units: Option<Vec<String>>,
}

impl Sight {
    pub fn of(directory: &Directory, person: &str, at: Timestamp) -> Self {
        let held = directory.posts_of(person, at);
        let (mut grants, mut posts) = (Vec::new(), Vec::<Posts>::new());
        for post in held.iter().map(|held| held.post) {
            let path: Vec<String> = directory.unit_and_above(&post.unit).into_iter().map(|unit| unit.code.clone()).collect();
            match posts.iter_mut().find(|known| known.path == path) {
                Some(known) => known.ids.push(post.id.clone()),
                None => posts.push(Posts { path: path.clone(), ids: vec![post.id.clone()] }),
            }
            for grant in post.rights.iter().filter(|grant| grant.right == Right::See) {
                let units = directory.units_reached(post, grant.scope).map(|units| units.into_iter().map(str::to_owned).collect());
                grants.push(Grant { path: path.clone(), units });
            }
        }
        Self { person: person.to_owned(), posts, grants }
    }

    /// Whether he sees the duty. `was_alerted`: an alert of it went to him.
    pub fn sees(&self, duty: &Duty, was_alerted: bool) -> bool {
        if duty.facts.excluded_people.contains(&self.person) {
            return false;
        }
        let is_his = duty.facts.handler.as_deref() == Some(&self.person) || duty.handed_to() == Some(&self.person);
        let is_named = is_his || duty.facts.people_named.contains(&self.person);
        was_alerted || is_named || self.owes(duty) || self.has_right_over(duty)
    }

    fn owes(&self, duty: &Duty) -> bool {
        let is_open_to = |posts: &Posts| !posts.path.iter().any(|unit| duty.facts.excluded_units.contains(unit));
        self.posts.iter().any(|posts| posts.ids.contains(&duty.owed_by) && is_open_to(posts))
    }

    fn has_right_over(&self, duty: &Duty) -> bool {
        self.grants.iter().any(|grant| {
            let reaches = grant.units.as_ref().is_none_or(|units| units.contains(&duty.facts.unit));
            reaches && !grant.path.iter().any(|unit| duty.facts.excluded_units.contains(unit))
        })
    }

    /// All units over which he has the right, where nobody is kept out. None: everywhere.
    pub fn units(&self) -> Option<Vec<&str>> {
        if self.grants.iter().any(|grant| grant.units.is_none()) {
            return None;
        }
        Some(self.grants.iter().filter_map(|grant| grant.units.as_ref()).flatten().map(String::as_str).collect())
    }
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
            let sight = Sight::of(&directory, &person.id, at);
            for unit in directory.units() {
                let may = directory.may(&person.id, Right::See, &unit.code, at).is_some();
                assert_eq!(sight.units().is_none_or(|units| units.contains(&unit.code.as_str())), may, "{} in {}", person.id, unit.code);
            }
        }
    }
}
