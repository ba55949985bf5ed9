//! What is chosen from a list, never typed: units, kinds, people, severities; and the inputs of declared fields.

use super::frame::Frame;
use duban_contracts::case::{Choice, FieldSpec};
use duban_contracts::{Problem, Timestamp, both};
use duban_policy::directory::Person;
use duban_policy::policy::{Field, Kind};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde_json::{Map, Value};

/// A list to choose from.
pub struct Chooser<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// Chosen already.
    pub value: &'a str,
    /// What the empty choice says; None: something must be chosen.
    pub empty: Option<&'a str>,
}

/// A choice: value and what is shown.
pub type Shown = (String, String);

pub fn select(chooser: &Chooser<'_>, choices: &[Shown]) -> Markup {
    html! {
        select id=(chooser.id) name=(chooser.name) required[chooser.empty.is_none()] {
            option value="" { (chooser.empty.unwrap_or("—")) }
            @for (value, shown) in choices { option value=(value) selected[value == chooser.value] { (shown) } }
            @if !chooser.value.is_empty() && !choices.iter().any(|(value, _)| value == chooser.value) {
                option value=(chooser.value) selected { (chooser.value) }
            }
        }
    }
}

/// The units of the directory; without a directory a code is typed.
pub fn unit(frame: &Frame, chooser: &Chooser<'_>) -> Markup {
    let Some(directory) = &frame.directory else {
        return html! { input id=(chooser.id) name=(chooser.name) value=(chooser.value) required[chooser.empty.is_none()]; };
    };
    let units: Vec<Shown> = directory.units().map(|unit| (unit.code.clone(), frame.t(&unit.title.zh, &unit.title.en).to_owned())).collect();
    select(chooser, &units)
}

/// People by name, those who are gone left out.
pub fn people<'a>(people: impl Iterator<Item = &'a Person>) -> Vec<Shown> {
    people.filter(|person| !person.disabled).map(|person| (person.id.clone(), format!("{}（{}）", person.name, person.id))).collect()
}

/// Everybody in the directory, by name.
pub fn person(frame: &Frame, chooser: &Chooser<'_>) -> Markup {
    let Some(directory) = &frame.directory else {
        return html! { input id=(chooser.id) name=(chooser.name) value=(chooser.value) autocomplete="off" required[chooser.empty.is_none()]; };
    };
    select(chooser, &people(directory.people()))
}

/// A wall time of the organisation, as browsers send it: `2026-03-05T18:00`.
///
/// # Errors
/// 422 for the field: it is none.
pub fn wall_time(text: &str, zone: &TimeZone, field: &str) -> Result<Timestamp, Problem> {
    let wall = text.trim().parse::<DateTime>().ok();
    let at = wall.and_then(|wall| zone.to_ambiguous_timestamp(wall).compatible().ok());
    at.ok_or_else(|| {
        Problem::invalid_field(
            field,
            both("不是有效时间", "it is not a time"),
            both("日期和时间，如 2026-03-05T18:00", "date and time, e.g. 2026-03-05T18:00"),
        )
    })
}

/// Kinds by their titles.
pub fn kinds<'a>(frame: &Frame, kinds: impl IntoIterator<Item = &'a Kind>) -> Vec<Shown> {
    kinds.into_iter().map(|kind| (kind.id.clone(), frame.t(&kind.title.zh, &kind.title.en).to_owned())).collect()
}

/// A declared field as a report's form asks for it: what a report lacks is asked for later.
pub fn spec(field: &Field) -> FieldSpec {
    let choice = |choice: &duban_policy::policy::Choice| Choice {
        value: choice.value.clone(),
        title: choice.title.en.clone(),
        title_zh: choice.title.zh.clone(),
    };
    FieldSpec {
        name: field.id.clone(),
        title: field.title.en.clone(),
        title_zh: field.title.zh.clone(),
        sort: field.sort.as_str().to_owned(),
        choices: field.choices.iter().map(choice).collect(),
        optional: true,
    }
}

/// The input of a declared field under the name `field.<id>`, with what stands in it already.
pub fn field(frame: &Frame, prefix: &str, field: &FieldSpec, value: &str) -> Markup {
    let id = format!("{prefix}-{}", field.name);
    let name = format!("field.{}", field.name);
    let required = !field.optional;
    let chooser = Chooser { id: &id, name: &name, value, empty: (!required).then_some("—") };
    let choices: Vec<Shown> =
        field.choices.iter().map(|choice| (choice.value.clone(), frame.t(&choice.title_zh, &choice.title).to_owned())).collect();
    html! {
        @if field.sort == "choices" {
            fieldset { legend { (frame.t(&field.title_zh, &field.title)) }
                @for (choice, shown) in &choices {
                    label { input type="checkbox" name=(name) value=(choice) checked[value.split(',').any(|given| given == choice)]; (shown) }
                }
            }
        } @else {
            label for=(id) { (frame.t(&field.title_zh, &field.title)) }
            @match field.sort.as_str() {
                "choice" => { (select(&chooser, &choices)) },
                "yes_no" => { (select(&chooser, &[("yes".to_owned(), frame.t("是", "yes").to_owned()), ("no".to_owned(), frame.t("否", "no").to_owned())])) },
                "unit" => { (unit(frame, &chooser)) },
                "person" => { (person(frame, &chooser)) },
                "date" => { input id=(id) name=(name) type="date" value=(value) required[required]; },
                "datetime" => { input id=(id) name=(name) type="datetime-local" value=(value) required[required]; },
                "period" => { input id=(id) name=(name) value=(value) placeholder=(frame.t("如 2026-03、2026-Q1、2026", "such as 2026-03, 2026-Q1, 2026")) required[required]; },
                "amount" | "number" => { input id=(id) name=(name) inputmode="decimal" value=(value) required[required]; },
                "phone" => { input id=(id) name=(name) type="tel" value=(value) required[required]; },
                "email" => { input id=(id) name=(name) type="email" value=(value) required[required]; },
                "text" => { textarea id=(id) name=(name) required[required] { (value) } },
                _ => { input id=(id) name=(name) value=(value) required[required]; },
            }
        }
    }
}

/// What was given for the fields: those named `field.<id>`, the empty ones left out, several of one name as a list.
pub fn given<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut fields: Map<String, Value> = Map::new();
    let named = pairs.filter_map(|(name, value)| Some((name.strip_prefix("field.")?, value.trim())));
    for (name, value) in named.filter(|(_, value)| !value.is_empty()) {
        let value = Value::String(value.to_owned());
        match fields.get_mut(name) {
            None => {
                fields.insert(name.to_owned(), value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    fields
}

/// A field's value as its input shows it.
pub fn as_typed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Array(several) => several.iter().map(as_typed).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_fields_are_left_out_and_several_of_one_name_are_a_list() {
        let pairs =
            [("do", "step"), ("field.cause", " 交付 "), ("field.loss", ""), ("field.demand", "return"), ("field.demand", "exchange")];
        assert_eq!(Value::Object(given(pairs.into_iter())), json!({ "cause": "交付", "demand": ["return", "exchange"] }));
    }

    #[test]
    fn a_value_stands_in_its_input_as_it_would_be_typed() {
        assert_eq!(as_typed(&json!(["return", "exchange"])), "return,exchange");
        assert_eq!(as_typed(&json!(true)), "yes");
        assert_eq!(as_typed(&json!("京A12345")), "京A12345");
    }
}
