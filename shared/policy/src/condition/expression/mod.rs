//! Expressions: what a table of lines cannot say, such as two fields compared with each other or sums of amounts. They are written in a part
//! of CEL and evaluated here, since CEL's own numbers are not exact.
//!
//! Evaluation is total and bounded: it looks at each part at most once, numbers have a largest size, and what is absent or of another type
//! makes a comparison unknown. `&&` and `||` hold or fail in spite of an unknown side where the other side decides; what is unknown in the end
//! does not hold.

mod lexer;
pub(crate) mod syntax;
mod words;

use super::{Decimal, Figures, is_empty, order, same};
use crate::Title;
use serde_json::Value;
use std::cmp::Ordering;
use syntax::Sign;

/// Functions that expressions may use.
pub(crate) const FUNCTIONS: [&str; 5] = ["has", "size", "contains", "startsWith", "endsWith"];

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    /// As written.
    pub text: String,
    /// Whatever it names, each once.
    pub spoken: Vec<Spoken>,
    /// Parameters that it names.
    pub parameters: Vec<String>,
    pub root: Part,
}

/// What a member is called where the expression is read back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spoken {
    pub path: Vec<String>,
    pub title: Title,
    pub is_date: bool,
    /// Its words, each with its title, where it has only so many.
    pub choices: Vec<(String, Title)>,
}

/// A part of a checked expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Number(Decimal),
    Text(String),
    Truth(bool),
    List(Vec<Part>),
    /// Members from the outside in.
    Member(Vec<String>),
    /// A member that says yes or no: no when nothing is said, as in a table.
    YesNo(Vec<String>),
    Parameter(String),
    Has(Vec<String>),
    /// So many characters of a text.
    Length(Vec<String>),
    /// So many choices of a field that holds one or several.
    Count(Vec<String>),
    Not(Box<Part>),
    Negative(Box<Part>),
    Both(Sign, Box<Part>, Box<Part>),
    Choice(Box<Part>, Box<Part>, Box<Part>),
    Search(Search, Box<Part>, Box<Part>),
}

/// Where in a text another one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    Within,
    AtStart,
    AtEnd,
}

/// What a part comes to; None where that is unknown.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Number(Decimal),
    Truth(bool),
    /// Texts, dates, several choices: as the facts have them.
    Fact(Value),
}

impl Expression {
    /// Whether it holds of these facts.
    pub fn holds(&self, facts: &Value, figures: Figures<'_>) -> bool {
        truth(&self.root, facts, figures) == Some(true)
    }
}

fn outcome(part: &Part, facts: &Value, figures: Figures<'_>) -> Option<Outcome> {
    match part {
        Part::Number(number) => Some(Outcome::Number(number.clone())),
        Part::Text(text) => Some(Outcome::Fact(Value::from(text.as_str()))),
        Part::Truth(truth) => Some(Outcome::Truth(*truth)),
        // Only the right side of `in`, which looks into it itself.
        Part::List(_) => None,
        Part::Member(path) => found(facts, path).map(|value| Outcome::Fact(value.clone())),
        Part::YesNo(path) => Some(Outcome::Truth(found(facts, path).and_then(Value::as_bool).unwrap_or(false))),
        Part::Parameter(name) => figures(name).and_then(|figure| Decimal::parse(&figure)).map(Outcome::Number),
        Part::Has(path) => Some(Outcome::Truth(found(facts, path).is_some())),
        Part::Length(path) => found(facts, path)?.as_str().map(|text| counted(text.chars().count())),
        Part::Count(path) => match found(facts, path)? {
            Value::Array(values) => Some(counted(values.len())),
            Value::String(_) => Some(counted(1)),
            _ => None,
        },
        Part::Not(inner) => truth(inner, facts, figures).map(|truth| Outcome::Truth(!truth)),
        Part::Negative(inner) => number(inner, facts, figures).map(|number| Outcome::Number(number.negative())),
        Part::Both(sign, left, right) => both(*sign, left, right, facts, figures),
        Part::Choice(condition, then, otherwise) => {
            outcome(if truth(condition, facts, figures)? { then } else { otherwise }, facts, figures)
        }
        Part::Search(search, within, what) => {
            let (within, what) = (text(within, facts, figures)?, text(what, facts, figures)?);
            Some(Outcome::Truth(match search {
                Search::Within => within.contains(&what),
                Search::AtStart => within.starts_with(&what),
                Search::AtEnd => within.ends_with(&what),
            }))
        }
    }
}

fn both(sign: Sign, left: &Part, right: &Part, facts: &Value, figures: Figures<'_>) -> Option<Outcome> {
    let numbers = || number(left, facts, figures).zip(number(right, facts, figures));
    let is_ordered = |accepts: fn(Ordering) -> bool| ordered(left, right, facts, figures).map(accepts).map(Outcome::Truth);
    match sign {
        // One side may decide though the other is unknown.
        Sign::Or | Sign::And => {
            let deciding = sign == Sign::Or;
            let left = truth(left, facts, figures);
            if left == Some(deciding) {
                return Some(Outcome::Truth(deciding));
            }
            let right = truth(right, facts, figures);
            if right == Some(deciding) { Some(Outcome::Truth(deciding)) } else { left.and(right).map(Outcome::Truth) }
        }
        Sign::Equal => equal(left, right, facts, figures).map(Outcome::Truth),
        Sign::Unequal => equal(left, right, facts, figures).map(|equal| Outcome::Truth(!equal)),
        Sign::Below => is_ordered(Ordering::is_lt),
        Sign::AtMost => is_ordered(Ordering::is_le),
        Sign::Above => is_ordered(Ordering::is_gt),
        Sign::AtLeast => is_ordered(Ordering::is_ge),
        Sign::In => is_among(left, right, facts, figures).map(Outcome::Truth),
        Sign::Plus => numbers().and_then(|(a, b)| a.plus(&b)).map(Outcome::Number),
        Sign::Minus => numbers().and_then(|(a, b)| a.plus(&b.negative())).map(Outcome::Number),
        Sign::Times => numbers().and_then(|(a, b)| a.times(&b)).map(Outcome::Number),
    }
}

fn found<'a>(facts: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(facts, |at, member| at.get(member)).filter(|value| !is_empty(value))
}

fn counted(count: usize) -> Outcome {
    Outcome::Number(Decimal::from_count(count))
}

fn truth(part: &Part, facts: &Value, figures: Figures<'_>) -> Option<bool> {
    match outcome(part, facts, figures)? {
        Outcome::Truth(truth) => Some(truth),
        Outcome::Fact(value) => value.as_bool(),
        Outcome::Number(_) => None,
    }
}

fn number(part: &Part, facts: &Value, figures: Figures<'_>) -> Option<Decimal> {
    match outcome(part, facts, figures)? {
        Outcome::Number(number) => Some(number),
        Outcome::Fact(Value::String(text)) => Decimal::parse(&text),
        Outcome::Fact(Value::Number(number)) => Decimal::parse(&number.to_string()),
        _ => None,
    }
}

fn text(part: &Part, facts: &Value, figures: Figures<'_>) -> Option<String> {
    match outcome(part, facts, figures)? {
        Outcome::Fact(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn ordered(left: &Part, right: &Part, facts: &Value, figures: Figures<'_>) -> Option<Ordering> {
    match (outcome(left, facts, figures)?, outcome(right, facts, figures)?) {
        (Outcome::Number(left), Outcome::Number(right)) => Some(left.cmp(&right)),
        (Outcome::Number(left), Outcome::Fact(right)) => order(&right, &left.to_string()).map(Ordering::reverse),
        (Outcome::Fact(left), right) => order(&left, &written(&right)?),
        _ => None,
    }
}

fn equal(left: &Part, right: &Part, facts: &Value, figures: Figures<'_>) -> Option<bool> {
    match (outcome(left, facts, figures)?, outcome(right, facts, figures)?) {
        (Outcome::Number(left), Outcome::Number(right)) => Some(left == right),
        (Outcome::Truth(left), Outcome::Truth(right)) => Some(left == right),
        // Of several choices it is one: whichever side has them.
        (Outcome::Fact(Value::Array(values)), other) | (other, Outcome::Fact(Value::Array(values))) => {
            let wanted = written(&other)?;
            Some(values.iter().any(|value| same(value, &wanted)))
        }
        (Outcome::Fact(fact), other) | (other, Outcome::Fact(fact)) => Some(same(&fact, &written(&other)?)),
        _ => Some(false),
    }
}

fn is_among(left: &Part, right: &Part, facts: &Value, figures: Figures<'_>) -> Option<bool> {
    if let Part::List(items) = right {
        let each: Vec<Option<bool>> = items.iter().map(|item| equal(left, item, facts, figures)).collect();
        // Not among them only if that is known of each.
        return if each.contains(&Some(true)) { Some(true) } else { each.into_iter().collect::<Option<Vec<_>>>().map(|_| false) };
    }
    equal(left, right, facts, figures)
}

/// A plain value as text; None of several.
fn written(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Number(number) => Some(number.to_string()),
        Outcome::Truth(truth) => Some(truth.to_string()),
        Outcome::Fact(Value::String(text)) => Some(text.clone()),
        Outcome::Fact(Value::Number(number)) => Some(number.to_string()),
        Outcome::Fact(Value::Bool(truth)) => Some(truth.to_string()),
        Outcome::Fact(_) => None,
    }
}
