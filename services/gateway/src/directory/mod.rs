//! The organisation as this installation knows it: units, posts, people, producers. Owned here; every other service keeps a copy.
//!
//! Each change is one [`Edit`]: a transaction that raises the directory's version, keeps who changed what from what into what, and tells
//! the others. Editors wait for each other on the version's row, so versions have no gaps and no twins.

pub mod absences;
mod away_store;
pub mod delegations;
mod edit;
pub mod history;
pub mod organisation;
pub mod people;
pub mod period;
pub mod producers;
pub mod snapshot;
pub mod store;
mod token_store;
pub mod tokens;

pub use edit::Edit;

use duban_policy::Title;
use duban_policy::directory::{Grant, Holding, Post, Right, Scope, Unit};

/// Unit of the post that administers the installation. No organisation file touches it, so that none locks everybody out.
pub const INSTALLATION: &str = "installation";

/// The unit that stands beside the organisation.
pub fn installation_unit() -> Unit {
    Unit {
        code: INSTALLATION.to_owned(),
        title: Title::new("系统", "Installation"),
        parent: None,
        department: false,
        head: None,
        calendar: None,
    }
}

/// The post of administrators: it may administer everywhere, and sees no case.
pub fn administrator_post(people: &[String]) -> Post {
    Post {
        id: format!("{INSTALLATION}/administrator"),
        unit: INSTALLATION.to_owned(),
        role: "administrator".to_owned(),
        title: Title::new("系统管理员", "administrator"),
        holders: people.iter().map(|person| Holding { person: person.clone(), from: None, until: None }).collect(),
        deputies: Vec::new(),
        rights: vec![Grant { right: Right::Administer, scope: Scope::Everywhere }],
    }
}
