//! What ends a duty that comes round by being handed in: a report of which kind, with which fields.

use super::Policy;
use crate::condition::{Check, Condition, Operand};
use serde_json::{Map, Value};

/// A report that ends a recurring duty.
#[derive(Debug, Clone, PartialEq)]
pub struct HandIn {
    pub kind: String,
    /// What it must say; the period stands apart.
    pub fields: Map<String, Value>,
}

impl Policy {
    /// The report by which a recurring duty is done: by its being registered, or else by a step of the case that it becomes. The first where
    /// there are several; None if what its condition asks for cannot be put into a form.
    pub fn hand_in(&self, pack: &str, rule: &str) -> Option<HandIn> {
        let recurring = self.pack(pack)?.recurring.iter().find(|recurring| recurring.rule.id == rule)?;
        let (at_once, later): (Vec<_>, Vec<_>) = recurring.rule.closes.iter().partition(|trigger| trigger.event == "case.registered");
        at_once.into_iter().chain(later).find_map(|trigger| asked_for(trigger.when.as_ref()?))
    }
}

/// Reads a condition that only says what something must be.
fn asked_for(condition: &Condition) -> Option<HandIn> {
    if !condition.any.is_empty() || !condition.all.is_empty() || !condition.none.is_empty() {
        return None;
    }
    let (mut kind, mut fields) = (None, Map::new());
    for test in &condition.tests {
        let value = match &test.check {
            Check::OneOf(operands) => match operands.first()? {
                Operand::Value { value, .. } => Value::from(value.as_str()),
                Operand::Parameter(_) => return None,
            },
            Check::YesNo(wanted) => Value::Bool(*wanted),
            _ => return None,
        };
        match test.path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["kind"] => kind = value.as_str().map(str::to_owned),
            ["fields", field] => {
                fields.insert(field.to_owned(), value);
            }
            _ => return None,
        }
    }
    Some(HandIn { kind: kind?, fields })
}
