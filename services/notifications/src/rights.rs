//! Who may see a delivery: the recipient himself, who may see the unit, who handles the case; never who is complained about.

use duban_contracts::Timestamp;
use duban_policy::directory::{Directory, Right};

/// What a person may see, as SQL filters by it.
pub struct Sight {
    pub person: String,
    /// Also what belongs to units that the directory does not know.
    pub everywhere: bool,
    pub units: Vec<String>,
    /// The units in which he holds posts: a unit complained about may be shut out whole.
    pub own_units: Vec<String>,
}

impl Sight {
    pub fn of(directory: &Directory, person: &str, at: Timestamp) -> Self {
        let mut own_units: Vec<String> = directory.posts_of(person, at).iter().map(|held| held.post.unit.clone()).collect();
        own_units.sort_unstable();
        own_units.dedup();
        Self {
            person: person.to_owned(),
            everywhere: directory.sees_everywhere(person, Right::See, at),
            units: directory.visible_units(person, Right::See, at).into_iter().collect(),
            own_units,
        }
    }
}

/// Whether the person administers everything: only then he is shown secrets of others' webhooks and dead letters, which belong to no unit.
pub fn may_administer(directory: &Directory, person: &str, at: Timestamp) -> bool {
    directory.sees_everywhere(person, Right::Administer, at)
}
