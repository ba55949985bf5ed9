//! Who may see a record, and who may read what is in it.

use duban_contracts::Timestamp;
use duban_policy::directory::{Directory, Reach, Right};

/// What a person may see, as SQL filters by it.
pub struct Sight {
    pub person: String,
    pub reach: Reach,
    /// Whoever handled the case, or is named in it, sees its record.
    pub by_name: bool,
}

impl Sight {
    /// Of the record: number, title, dates, ledger.
    pub fn of(directory: &Directory, person: &str, at: Timestamp) -> Self {
        Self { by_name: true, ..Self::by(directory, person, Right::See, at) }
    }

    /// Of what is in it: only by the right to personal text over the unit.
    pub fn of_content(directory: &Directory, person: &str, at: Timestamp) -> Self {
        Self::by(directory, person, Right::SeePersonal, at)
    }

    fn by(directory: &Directory, person: &str, right: Right, at: Timestamp) -> Self {
        Self { person: person.to_owned(), reach: directory.reach(person, right, at), by_name: false }
    }
}

/// Whether the person administers everything: the whole ledger and dead letters belong to no unit.
pub fn may_administer(directory: &Directory, person: &str, at: Timestamp) -> bool {
    directory.sees_everywhere(person, Right::Administer, at)
}
