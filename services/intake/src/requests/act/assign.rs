//! Handing a case to a person, who from then on sees and handles it.

use super::doing::Doing;
use duban_contracts::{Problem, both};
use duban_engine::case::{Case, Happening, Words};
use duban_policy::directory::{Directory, Person};

pub fn perform(doing: &mut Doing, person: &str) -> Result<(), Problem> {
    if doing.case.closed {
        return Err(closed());
    }
    let directory = doing.directory.clone();
    let handler = suitable(&directory, &doing.case, person)?;
    doing.case.handler = Some(handler.id.clone());
    let words = Words::new(format!("Assigned to {}", handler.name), format!("交由{}处理", handler.name));
    doing.tell("assigned", words, Happening::default());
    Ok(())
}

/// A person of the directory who may be told of this case at all.
pub fn suitable<'a>(directory: &'a Directory, case: &Case, person: &str) -> Result<&'a Person, Problem> {
    let Some(found) = directory.person(person).filter(|person| !person.disabled) else {
        return Err(Problem::invalid_field(
            "/person",
            both("没有此人，或已离职", "no such person, or no longer here"),
            both("请填写目录中的人员代码", "the id of a person of the directory"),
        ));
    };
    if case.excluded_people.iter().any(|out| out == person) {
        return Err(Problem::refused(
            "complained-about",
            "The case is about this person, who may have no part in it",
            "该人员为被投诉人，不得参与本案",
        ));
    }
    Ok(found)
}

fn closed() -> Problem {
    Problem::refused("closed", "The case is closed: reopen it first", "案件已办结，请先重新开启")
}
