//! What is sent: the demonstration's reports, without what ties them together, each from a customer of its own; one in twenty comes from
//! a customer who has sent the same report before, so that repeats are found as they are in life.

use crate::demo::script::Script;
use duban_contracts::report::Report;
use serde_json::{Map, Value};
use std::path::Path;

/// How many reports come from one who has reported before: one in so many.
const REPEATS: u64 = 20;
/// The letters and digits of number plates: I and O are left out.
const PLATE: &[u8; 34] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A report with places that tell one customer from another: telephone, number plate, order number.
#[derive(Debug, Clone)]
pub struct Body {
    text: String,
    places: Vec<Place>,
}

/// Some characters of a body that are written anew for each customer.
#[derive(Debug, Clone)]
struct Place {
    at: usize,
    length: usize,
    is_plate: bool,
}

impl Body {
    fn new(mut report: Report) -> anyhow::Result<Self> {
        let mut marks = Vec::new();
        if report.reporter.phone.is_some() {
            report.reporter.phone = Some("199@@@@@@@@".into());
            marks.push(("@@@@@@@@", false));
        }
        if let Some(plate) = report.fields.get_mut("plate") {
            *plate = Value::from("京A0~~~~~");
            marks.push(("~~~~~", true));
        }
        if let Some(order) = report.fields.get_mut("order") {
            *order = Value::from("XS-########");
            marks.push(("########", false));
        }
        let text = serde_json::to_string(&report)?;
        let place = |(mark, is_plate): (&str, bool)| Some(Place { at: text.find(mark)?, length: mark.len(), is_plate });
        let places = marks.into_iter().filter_map(place).collect();
        Ok(Self { text, places })
    }

    /// Its length, whoever the customer.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Appends the report of this customer.
    pub fn write(&self, customer: u64, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(self.text.as_bytes());
        for place in &self.places {
            let alphabet: &[u8] = if place.is_plate { PLATE } else { b"0123456789" };
            let mut rest = customer;
            for byte in out[from + place.at..from + place.at + place.length].iter_mut().rev() {
                let size = alphabet.len() as u64;
                *byte = alphabet[(rest % size) as usize];
                rest /= size;
            }
        }
    }
}

/// All bodies, to be taken in turn.
#[derive(Debug)]
pub struct Bodies(Vec<Body>);

impl Bodies {
    /// # Errors
    /// The file cannot be read.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        Ok(Self(reports(file)?.map(Body::new).collect::<Result<_, _>>()?))
    }

    /// Without what only the demonstration's packs and organisation know: kind, unit and fields.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_bare(file: &Path) -> anyhow::Result<Self> {
        let bare = reports(file)?.map(|report| Report { kind: None, unit: None, fields: Map::new(), ..report });
        Ok(Self(bare.map(Body::new).collect::<Result<_, _>>()?))
    }

    /// The body of a sending, and whose it is.
    pub fn of(&self, number: u64) -> (&Body, u64) {
        let all = self.0.len() as u64;
        let body = &self.0[(number % all) as usize];
        // The one before with the same body.
        let customer = if number % REPEATS == REPEATS - 1 && number >= all { number - all } else { number };
        (body, customer)
    }

    /// The whole text of a sending.
    pub fn text(&self, number: u64) -> Vec<u8> {
        let (body, customer) = self.of(number);
        let mut text = Vec::with_capacity(body.bytes());
        body.write(customer, &mut text);
        text
    }
}

fn reports(file: &Path) -> anyhow::Result<impl Iterator<Item = Report>> {
    let script = Script::written(file)?;
    Ok(script.entries.into_iter().map(|entry| entry.report).filter(|report| report.follows.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn bodies() -> Bodies {
        Bodies::read(Path::new("../demo/reports.jsonl")).unwrap()
    }

    #[test]
    fn every_body_is_a_report_and_customers_differ() {
        let bodies = bodies();
        let mut phones = HashSet::new();
        let mut with_phone = 0;
        for number in 0..1000 {
            let report: Report = serde_json::from_slice(&bodies.text(number)).unwrap();
            if let Some(phone) = report.reporter.phone {
                with_phone += 1;
                phones.insert(phone);
            }
            if let Some(plate) = report.fields.get("plate").and_then(Value::as_str) {
                assert!(plate.starts_with("京A") && plate.chars().count() == 8, "{plate}");
            }
        }
        let repeated = with_phone - phones.len();
        assert!(with_phone > 500 && repeated > 20 && repeated < 60, "{repeated} of {with_phone}");
    }
}
