//! Who may see a delivery: the recipient himself, who may see the unit, who handles the case or is named in it; never who is complained about.

use duban_contracts::Timestamp;
use duban_policy::directory::{Directory, Reach, Right};

/// What a person may see, as SQL filters by it.
pub struct Sight {
    pub person: String,
    pub reach: Reach,
}

impl Sight {
    pub fn of(directory: &Directory, person: &str, at: Timestamp) -> Self {
        Self { person: person.to_owned(), reach: directory.reach(person, Right::See, at) }
    }
}

/// Whether the person administers everything: only then he is shown secrets of others' webhooks and dead letters, which belong to no unit.
pub fn may_administer(directory: &Directory, person: &str, at: Timestamp) -> bool {
    directory.sees_everywhere(person, Right::Administer, at)
}
