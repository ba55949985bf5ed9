//! Letting a person see a case by name, and ending that.

use super::assign::suitable;
use super::doing::{Doing, required_text};
use duban_contracts::Problem;
use duban_engine::case::{Happening, Words};

pub fn add(doing: &mut Doing, person: &str, reason: &str) -> Result<(), Problem> {
    required_text("/reason", reason)?;
    let directory = doing.directory.clone();
    let added = suitable(&directory, &doing.case, person)?;
    doing.add(person);
    let people = &mut doing.case.people_added;
    if !people.iter().any(|known| known == person) {
        people.push(person.to_owned());
    }
    let words = Words::new(format!("{} may see the case", added.name), format!("{}可查看本案", added.name)).with_note(reason);
    doing.tell("person_added", words, Happening::default());
    Ok(())
}

pub fn remove(doing: &mut Doing, person: &str, reason: &str) -> Result<(), Problem> {
    required_text("/reason", reason)?;
    let directory = doing.directory.clone();
    let name = directory.person(person).map_or(person, |person| person.name.as_str());
    doing.release(person, "added");
    doing.case.people_added.retain(|known| known != person);
    let words = Words::new(format!("{name} no longer sees the case by name"), format!("取消{name}的个人查看权限")).with_note(reason);
    doing.tell("person_removed", words, Happening::default());
    Ok(())
}
