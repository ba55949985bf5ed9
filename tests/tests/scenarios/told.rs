//! What was told, by the services or in the simulation, as the two are compared.

use duban_engine::simulate::Line;

/// A thing that was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub second: i64,
    pub service: &'static str,
    /// The scenario's name of the case, or a unit.
    pub about: String,
    /// Of a duty or an alert.
    pub rule: String,
    pub event: String,
    /// Stage and severity, due time and post, who was told; of what was refused nothing.
    pub says: String,
}

impl Told {
    /// Of an acknowledgement it is compared of which rung it is: an alert that ends with the others of its rung does not say who acknowledged those;
    /// the simulation does.
    pub fn is(&self, simulated: &Self) -> bool {
        let compared = |told: &Self| match told.event.as_str() {
            "alert.acknowledged" => Self { says: told.says.split(" by ").next().unwrap_or_default().to_owned(), ..told.clone() },
            _ => told.clone(),
        };
        compared(self) == compared(simulated)
    }
}

/// What is told of one case or duty in its own order: between two of them the same second has none, nor has it between two services.
pub fn in_order(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by(|a, b| (a.second, a.service, &a.about, &a.rule).cmp(&(b.second, b.service, &b.about, &b.rule)));
    told
}

pub fn service_of(event: &str) -> &'static str {
    if event.starts_with("case.") { "intake" } else { "escalation" }
}

pub fn written(lines: &[Line]) -> Vec<Told> {
    let line = |line: &Line| Told {
        second: line.at.as_second(),
        service: if line.event == "refused" { "gateway" } else { service_of(&line.event) },
        about: line.about.clone(),
        rule: if line.event.starts_with("case.") { String::new() } else { line.what.clone() },
        event: line.event.clone(),
        says: if line.event == "refused" { String::new() } else { line.says.clone() },
    };
    in_order(lines.iter().map(line).collect())
}
