//! Conditions: small tables over an event's or a report's members, read as a sentence.
//!
//! Evaluation is total: what is absent, or of another type than the test, does not hold; nothing fails. Numbers are compared as exact
//! decimals.

mod decimal;
pub(crate) mod expression;

pub use decimal::Decimal;

use crate::Title;
use crate::calendar::{Calendar, Duration};
use crate::policy::Amount;
use duban_contracts::Timestamp;
use expression::Expression;
use serde_json::Value;
use std::cmp::Ordering;

/// A compiled condition: every test, the expression and every `all` must hold, one of `any` (if there are any), none of `none`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    pub(crate) tests: Vec<Test>,
    pub(crate) any: Vec<Condition>,
    pub(crate) all: Vec<Condition>,
    pub(crate) none: Vec<Condition>,
    pub(crate) expression: Option<Expression>,
}

/// One line of a condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    /// Members from the outside in: `["fields", "amount"]`.
    pub path: Vec<String>,
    pub title: Title,
    pub check: Check,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Check {
    OneOf(Vec<Operand>),
    NotOneOf(Vec<Operand>),
    Compare(Comparison, Operand),
    Present,
    Absent,
    YesNo(bool),
    /// So many earlier ones, received within the window before this one.
    Count {
        at_least: Least,
        within: Option<Amount>,
    },
}

/// A value to compare with, and how it is called.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Value { value: String, title: Title },
    Parameter(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Gives the figure of a parameter, by name.
pub type Figures<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Condition {
    /// Whether it holds of these facts.
    pub fn holds(&self, facts: &Value, figures: Figures<'_>) -> bool {
        self.tests.iter().all(|test| test.holds(facts, figures))
            && self.all.iter().all(|condition| condition.holds(facts, figures))
            && (self.any.is_empty() || self.any.iter().any(|condition| condition.holds(facts, figures)))
            && !self.none.iter().any(|condition| condition.holds(facts, figures))
            && self.expression.as_ref().is_none_or(|expression| expression.holds(facts, figures))
    }

    /// Whether it is made of tables alone, without an expression.
    pub fn is_table(&self) -> bool {
        self.expression.is_none() && [&self.any, &self.all, &self.none].into_iter().flatten().all(Self::is_table)
    }

    /// Whether a line of it, or of its parts, asks of this member; what expressions ask is not looked into.
    pub(crate) fn asks_of(&self, member: &str) -> bool {
        let mut parts = [&self.any, &self.all, &self.none].into_iter().flatten();
        self.tests.iter().any(|test| test.path == [member]) || parts.any(|part| part.asks_of(member))
    }

    /// The parameters that it looks up.
    pub(crate) fn parameters(&self) -> Vec<&str> {
        let parts = [&self.any, &self.all, &self.none].into_iter().flatten();
        let mut found: Vec<&str> = parts.flat_map(Self::parameters).collect();
        found.extend(self.tests.iter().flat_map(|test| test.check.parameters()));
        found.extend(self.expression.iter().flat_map(|expression| expression.parameters.iter().map(String::as_str)));
        found
    }

    /// The condition as a sentence in both languages. What is meant together stands in brackets where 'and' and 'or' meet.
    pub fn words(&self, figures: Figures<'_>) -> Title {
        self.sentence(figures).words
    }

    fn sentence(&self, figures: Figures<'_>) -> Sentence {
        let mut parts: Vec<Sentence> = self.tests.iter().map(|test| Sentence::plain(test.words(figures))).collect();
        parts.extend(self.expression.iter().map(|expression| expression.sentence(figures)));
        parts.extend(self.all.iter().map(|condition| condition.sentence(figures)));
        if !self.any.is_empty() {
            parts.push(Sentence::any(self.any.iter().map(|condition| condition.sentence(figures)).collect()));
        }
        if !self.none.is_empty() {
            let none = Sentence::any(self.none.iter().map(|condition| condition.sentence(figures)).collect()).words;
            parts.push(Sentence::plain(Title::new(format!("不是（{}）", none.zh), format!("not ({})", none.en))));
        }
        Sentence::all(parts)
    }
}

/// Words that say when something holds, and what holds them together.
struct Sentence {
    words: Title,
    by: Joint,
}

#[derive(PartialEq, Eq)]
enum Joint {
    Nothing,
    And,
    Or,
}

impl Sentence {
    fn plain(words: Title) -> Self {
        Self { words, by: Joint::Nothing }
    }

    fn all(parts: Vec<Self>) -> Self {
        Self::of(parts, Joint::And, Joint::Or, "，且", " and ")
    }

    fn any(parts: Vec<Self>) -> Self {
        Self::of(parts, Joint::Or, Joint::And, "，或者", " or ")
    }

    fn of(mut parts: Vec<Self>, by: Joint, in_brackets: Joint, zh: &str, en: &str) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let words = parts.into_iter().map(|part| match part.by == in_brackets {
            true => Title::new(format!("（{}）", part.words.zh), format!("({})", part.words.en)),
            false => part.words,
        });
        Self { words: joined(words, zh, en), by }
    }
}

fn joined(parts: impl Iterator<Item = Title>, zh: &str, en: &str) -> Title {
    let (chinese, english): (Vec<_>, Vec<_>) = parts.map(|title| (title.zh, title.en)).unzip();
    Title::new(chinese.join(zh), english.join(en))
}

impl Test {
    fn holds(&self, facts: &Value, figures: Figures<'_>) -> bool {
        let found = self.path.iter().try_fold(facts, |at, member| at.get(member)).filter(|value| !is_empty(value));
        match &self.check {
            Check::Present => found.is_some(),
            Check::Absent => found.is_none(),
            Check::YesNo(wanted) => found.and_then(Value::as_bool).unwrap_or(false) == *wanted,
            Check::OneOf(operands) => found.is_some_and(|value| operands.iter().any(|operand| operand.equals(value, figures))),
            Check::NotOneOf(operands) => found.is_some_and(|value| !operands.iter().any(|operand| operand.equals(value, figures))),
            Check::Compare(comparison, operand) => {
                let order = found.zip(operand.text(figures)).and_then(|(value, operand)| order(value, &operand));
                order.is_some_and(|order| comparison.accepts(order))
            }
            Check::Count { at_least, within } => at_least
                .number(figures)
                .is_some_and(|at_least| counted(facts, found, within.as_ref().and_then(|within| long(within, figures))) >= at_least),
        }
    }

    fn words(&self, figures: Figures<'_>) -> Title {
        let name = &self.title;
        let list = |operands: &[Operand]| joined(operands.iter().map(|operand| operand.words(figures)), "、", ", ");
        match &self.check {
            Check::Present => Title::new(format!("已填写{}", name.zh), format!("{} is given", name.en)),
            Check::Absent => Title::new(format!("未填写{}", name.zh), format!("{} is not given", name.en)),
            Check::YesNo(true) => Title::new(name.zh.clone(), name.en.clone()),
            Check::YesNo(false) => Title::new(format!("并非{}", name.zh), format!("not {}", name.en)),
            Check::OneOf(operands) => {
                let (list, several) = (list(operands), operands.len() > 1);
                Title::new(
                    format!("{}为{}{}", name.zh, list.zh, if several { "之一" } else { "" }),
                    format!("{} is {}{}", name.en, if several { "one of " } else { "" }, list.en),
                )
            }
            Check::NotOneOf(operands) => {
                let list = list(operands);
                Title::new(format!("{}不为{}", name.zh, list.zh), format!("{} is not {}", name.en, list.en))
            }
            Check::Compare(comparison, operand) => {
                let (zh, en) = comparison.words();
                let operand = operand.words(figures);
                Title::new(format!("{}{zh}{}", name.zh, operand.zh), format!("{} is {en} {}", name.en, operand.en))
            }
            Check::Count { at_least, within } => {
                let within = within.as_ref().and_then(|within| long(within, figures));
                let (zh, en) = within
                    .map_or((String::new(), String::new()), |within| (format!("{}内", within.zh()), format!(" within {}", within.en())));
                let at_least = at_least.number(figures).unwrap_or_default();
                Title::new(format!("{zh}此前已有至少{at_least}次同一事项"), format!("at least {at_least} earlier of the same matter{en}"))
            }
        }
    }
}

impl Check {
    fn parameters(&self) -> Vec<&str> {
        match self {
            Self::Present | Self::Absent | Self::YesNo(_) => Vec::new(),
            Self::OneOf(operands) | Self::NotOneOf(operands) => operands.iter().filter_map(Operand::parameter).collect(),
            Self::Compare(_, operand) => operand.parameter().into_iter().collect(),
            Self::Count { at_least, within } => {
                let least = if let Least::Parameter(name) = at_least { Some(name.as_str()) } else { None };
                let within = if let Some(Amount::Parameter(name)) = within { Some(name.as_str()) } else { None };
                least.into_iter().chain(within).collect()
            }
        }
    }
}

impl Operand {
    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Value { .. } => None,
            Self::Parameter(name) => Some(name),
        }
    }

    pub(crate) fn text(&self, figures: Figures<'_>) -> Option<String> {
        match self {
            Self::Value { value, .. } => Some(value.clone()),
            Self::Parameter(name) => figures(name),
        }
    }

    fn equals(&self, value: &Value, figures: Figures<'_>) -> bool {
        let Some(wanted) = self.text(figures) else { return false };
        match value {
            Value::Array(values) => values.iter().any(|value| same(value, &wanted)),
            value => same(value, &wanted),
        }
    }

    fn words(&self, figures: Figures<'_>) -> Title {
        match self {
            Self::Value { title, .. } => title.clone(),
            Self::Parameter(name) => figures(name).map_or_else(|| Title::new(name, name), |figure| Title::new(figure.clone(), figure)),
        }
    }
}

/// The fewest that count, as written or as a parameter says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Least {
    Number(i64),
    Parameter(String),
}

impl Least {
    fn number(&self, figures: Figures<'_>) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Parameter(name) => figures(name)?.parse().ok(),
        }
    }
}

impl Comparison {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Above => ("超过", "above"),
            Self::AtLeast => ("不低于", "at least"),
            Self::Below => ("低于", "below"),
            Self::AtMost => ("不超过", "at most"),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

fn same(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted || matches!((Decimal::parse(text), Decimal::parse(wanted)), (Some(a), Some(b)) if a == b),
        Value::Number(number) => Decimal::parse(&number.to_string()).is_some_and(|number| Decimal::parse(wanted) == Some(number)),
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        _ => false,
    }
}

fn order(value: &Value, wanted: &str) -> Option<Ordering> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let (Some(value), Some(wanted)) = (Decimal::parse(&text), Decimal::parse(wanted)) {
        return Some(value.cmp(&wanted));
    }
    // Dates are compared by their day, instants exactly.
    match (text.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
        (Ok(value), Ok(wanted)) => Some(value.cmp(&wanted)),
        _ => Some(text.get(..10)?.parse::<jiff::civil::Date>().ok()?.cmp(&wanted.get(..10)?.parse().ok()?)),
    }
}

fn long(amount: &Amount, figures: Figures<'_>) -> Option<Duration> {
    match amount {
        Amount::Fixed(duration) => Some(*duration),
        Amount::Parameter(name) => figures(name)?.parse().ok(),
    }
}

/// Earlier ones within the window before `received_at`, where their times are known; else the plain count.
fn counted(facts: &Value, count: Option<&Value>, within: Option<Duration>) -> i64 {
    let plain = count.and_then(Value::as_i64).unwrap_or(0);
    let Some(within) = within else { return plain };
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let times = facts.get("repeated_at").and_then(Value::as_array);
    match (times, facts.get("received_at").and_then(instant)) {
        (Some(times), Some(received)) => {
            let since = Calendar::always(jiff::tz::TimeZone::UTC).subtract(received, within).at;
            let counted = times.iter().filter_map(instant).filter(|at| *at >= since && *at <= received).count();
            i64::try_from(counted).unwrap_or(i64::MAX)
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests;
