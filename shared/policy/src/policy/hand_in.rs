//! What ends a duty that comes round by being handed in: a report of which kind, with which fields.

use super::Policy;
use super::kind::FieldSort;
use crate::condition::{Check, Comparison, Condition, Figures};
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
    pub fn hand_in(&self, pack: &str, rule: &str, unit: &str) -> Option<HandIn> {
        let recurring = self.pack(pack)?.recurring.iter().find(|recurring| recurring.rule.id == rule)?;
        let figures = |name: &str| self.figure(pack, name, unit);
        let (at_once, later): (Vec<_>, Vec<_>) = recurring.rule.closes.iter().partition(|trigger| trigger.event == "case.registered");
        let mut found = at_once.into_iter().chain(later).find_map(|trigger| asked_for(trigger.when.as_ref()?, &figures))?;
        let kind = self.kind(pack, &found.kind)?;
        for (name, value) in &mut found.fields {
            // One of several that may be chosen.
            if kind.field(name).is_some_and(|field| field.sort == FieldSort::Choices) {
                *value = Value::Array(vec![value.take()]);
            }
        }
        Some(found)
    }
}

/// Reads a condition that only says what something must be, or at least must be.
fn asked_for(condition: &Condition, figures: Figures<'_>) -> Option<HandIn> {
    if !condition.any.is_empty() || !condition.all.is_empty() || !condition.none.is_empty() || condition.expression.is_some() {
        return None;
    }
    let (mut kind, mut fields) = (None, Map::new());
    for test in &condition.tests {
        let value = match &test.check {
            Check::OneOf(operands) => Value::from(operands.first()?.text(figures)?),
            Check::Compare(Comparison::AtLeast | Comparison::AtMost, operand) => Value::from(operand.text(figures)?),
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
