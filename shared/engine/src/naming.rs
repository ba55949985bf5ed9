//! Whom and what the fields of a step name: people and units of the directory, by id, by their one name, by title.
//!
//! Whom a case is about is another matter: a customer says it as he knows it, and somebody looks at what is doubtful ([`crate::judging`]).

use crate::judging::{ABOUT_PERSON, ABOUT_UNIT, Ground};
use duban_contracts::{FieldError, Problem, both};
use duban_policy::policy::{Field, FieldSort, Kind};
use serde_json::{Map, Value};

/// The fields with ids in the place of names.
///
/// # Errors
/// 422 with every field that names nobody, or more than one.
pub fn resolved(ground: Ground<'_>, kind: &Kind, mut fields: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let mut errors = Vec::new();
    for (id, value) in &mut fields {
        let Some(field) = kind.field(id).filter(|field| ![ABOUT_PERSON, ABOUT_UNIT].contains(&field.id.as_str())) else { continue };
        let Some(said) = value.as_str() else { continue };
        let found = match field.sort {
            FieldSort::Person => people(ground, said),
            FieldSort::Unit => units(ground, said),
            _ => continue,
        };
        match found.as_slice() {
            [one] => *value = Value::String(one.clone()),
            found => errors.push(unknown(field, said, found)),
        }
    }
    if errors.is_empty() { Ok(fields) } else { Err(Problem::invalid(errors)) }
}

fn people(ground: Ground<'_>, said: &str) -> Vec<String> {
    match ground.directory.person(said) {
        Some(person) => vec![person.id.clone()],
        None => ground.contacts.named(said).to_vec(),
    }
}

fn units(ground: Ground<'_>, said: &str) -> Vec<String> {
    if let Some(unit) = ground.directory.unit(said) {
        return vec![unit.code.clone()];
    }
    ground.directory.units().filter(|unit| unit.title.says(said)).map(|unit| unit.code.clone()).collect()
}

/// Names are personal: what was said is not said back.
fn unknown(field: &Field, said: &str, found: &[String]) -> FieldError {
    let (zh, en) = (&field.title.zh, &field.title.en);
    let place = format!("/fields/{}", field.id);
    match (field.sort, found) {
        (FieldSort::Person, []) => FieldError::new(
            place,
            both(format!("“{zh}”在通讯录中查无此人"), format!("'{en}' names nobody in the directory")),
            both("请填写人员代码或姓名", "the id or the name of a person of the directory"),
        ),
        (FieldSort::Person, _) => FieldError::new(
            place,
            both(format!("“{zh}”有{}人同名", found.len()), format!("'{en}' names {} people", found.len())),
            both("请填写人员代码", "the id of the one who is meant"),
        ),
        (_, []) => FieldError::new(
            place,
            both(format!("“{zh}”：没有单位“{said}”"), format!("'{en}': there is no unit '{said}'")),
            both("请填写目录中的单位代码或名称", "the code or the title of a unit of the directory"),
        ),
        (_, _) => FieldError::new(
            place,
            both(format!("“{zh}”：“{said}”可指 {}", found.join("、")), format!("'{en}': '{said}' may be {}", found.join(" or "))),
            both("请填写单位代码", "the code of the one that is meant"),
        ),
    }
}

#[cfg(test)]
mod tests;
