//! Who may see a record, and who may read what is in it.

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
    /// Whoever handled the case sees its record.
    pub handler_too: bool,
}

impl Sight {
    /// Of the record: number, title, dates, ledger.
    pub fn of(directory: &Directory, person: &str, at: Timestamp) -> Self {
        Self { handler_too: true, ..Self::by(directory, person, Right::See, at) }
    }

    /// Of what is in it: only by the right to personal text over the unit.
    pub fn of_content(directory: &Directory, person: &str, at: Timestamp) -> Self {
        Self::by(directory, person, Right::SeePersonal, at)
    }

    fn by(directory: &Directory, person: &str, right: Right, at: Timestamp) -> Self {
        let mut own_units: Vec<String> = directory.posts_of(person, at).iter().map(|held| held.post.unit.clone()).collect();
        own_units.sort_unstable();
        own_units.dedup();
        Self {
            person: person.to_owned(),
            everywhere: directory.sees_everywhere(person, right, at),
            units: directory.visible_units(person, right, at).into_iter().collect(),
            own_units,
            handler_too: false,
        }
    }
}

/// Whether the person administers everything: the whole ledger and dead letters belong to no unit.
pub fn may_administer(directory: &Directory, person: &str, at: Timestamp) -> bool {
    directory.sees_everywhere(person, Right::Administer, at)
}
