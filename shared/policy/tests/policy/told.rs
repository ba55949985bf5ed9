//! Whatever is written in a set is told when it changes: each key of rich packs, of a calendar and of the organisation is changed and taken out by
//! itself, and where the set still compiles, `changes_to` must tell something.

use crate::world::{cases, listed, organisation, sources};
use duban_policy::{Policy, Source};
use toml_span::value::ValueInner;

/// What may change without being told, and why. `*` is any name, a leading `**` any place.
const UNTOLD: &[(&str, &str)] = &[
    ("**.rule", "ids of the collection say what a thing carries, and nothing of what it does"),
    ("role.*.article", "where a pack's role is spoken of is for who reads the file; nothing is decided by it"),
    ("organisation.title", "the organisation is called by its units; nothing shows the title of its file"),
];

/// What may be taken out without being told: it says what holds where nothing is said.
const SAID_FOR_CLEARNESS: &[(&str, &str)] = &[
    ("kind.*.follows_closed", r#""new-case""#),
    ("kind.*.repeats.keys", r#"["phone", "unit", "kind"]"#),
    ("kind.*.repeats.keys", r#"[["phone", "unit", "kind"]]"#),
    // Every stage that is not terminal.
    ("kind.*.act.*.in", r#"["received", "checked", "handling", "answered"]"#),
    // The organisation as it is applied says all of it.
    ("unit.*.department", "false"),
    ("bind.instead_of", "[]"),
    // Of departments within units that count in it too.
    ("unit.*.calendar", r#""stores""#),
];

/// A value of a file, tables in the order of their keys.
#[derive(Clone)]
enum Node {
    Text(String),
    Number(String),
    Truth(bool),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Node {
    fn read(text: &str) -> Self {
        Self::of(&toml_span::parse(text).unwrap())
    }

    fn of(value: &toml_span::Value<'_>) -> Self {
        match value.as_ref() {
            ValueInner::String(text) => Self::Text(text.to_string()),
            ValueInner::Integer(number) => Self::Number(number.to_string()),
            ValueInner::Float(number) => Self::Number(number.to_string()),
            ValueInner::Boolean(truth) => Self::Truth(*truth),
            ValueInner::Array(elements) => Self::List(elements.iter().map(Self::of).collect()),
            ValueInner::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span.start);
                Self::Table(entries.into_iter().map(|(key, value)| (key.name.to_string(), Self::of(value))).collect())
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Text(text) => serde_json::to_string(text).unwrap(),
            Self::Number(number) => number.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::List(elements) => format!("[{}]", elements.iter().map(Self::written).collect::<Vec<_>>().join(", ")),
            Self::Table(entries) => format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", ")),
        }
    }

    fn file(&self) -> String {
        let Self::Table(entries) = self else { panic!("a file is a table") };
        entries.iter().map(entry).collect::<Vec<_>>().join("\n")
    }

    /// Every place below, by the numbers of entries and elements, with its name (`*` for what is not of the format) to compare by.
    fn places(&self, at: &[usize], name: &str, found: &mut Vec<(Vec<usize>, String)>) {
        let below = |nth: usize| at.iter().copied().chain([nth]).collect::<Vec<_>>();
        match self {
            Self::Table(entries) => {
                for (nth, (key, value)) in entries.iter().enumerate() {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    found.push((below(nth), name.clone()));
                    value.places(&below(nth), &name, found);
                }
            }
            Self::List(elements) => {
                for (nth, element) in elements.iter().enumerate() {
                    found.push((below(nth), name.to_owned()));
                    element.places(&below(nth), name, found);
                }
            }
            Self::Text(_) | Self::Number(_) | Self::Truth(_) => {}
        }
    }

    fn at(&self, place: &[usize]) -> &Node {
        let Some((first, rest)) = place.split_first() else { return self };
        match self {
            Self::List(elements) => elements[*first].at(rest),
            Self::Table(entries) => entries[*first].1.at(rest),
            _ => panic!("no such place"),
        }
    }

    fn at_mut(&mut self, place: &[usize]) -> &mut Node {
        let Some((first, rest)) = place.split_first() else { return self };
        match self {
            Self::List(elements) => elements[*first].at_mut(rest),
            Self::Table(entries) => entries[*first].1.at_mut(rest),
            _ => panic!("no such place"),
        }
    }

    fn without(&self, place: &[usize]) -> Node {
        let mut less = self.clone();
        let (last, above) = place.split_last().unwrap();
        match less.at_mut(above) {
            Self::List(elements) => drop(elements.remove(*last)),
            Self::Table(entries) => drop(entries.remove(*last)),
            _ => panic!("no such place"),
        }
        less
    }

    fn with(&self, place: &[usize], value: Node) -> Node {
        let mut other = self.clone();
        *other.at_mut(place) = value;
        other
    }
}

fn entry((key, value): &(String, Node)) -> String {
    format!("{} = {}", serde_json::to_string(key).unwrap(), value.written())
}

/// `kind.complaint.field.about.public` as `kind.*.field.*.public`: names of things are at even places of a section with things in it.
fn shape(name: &str) -> String {
    let things =
        ["kind", "field", "severity", "stage", "move", "act", "return", "duty", "recurring", "ladder", "parameter", "role", "decision"];
    let more = ["form", "report", "record", "notice", "message", "survey", "quota", "conduct", "channel", "unit", "post", "choices"];
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('.') {
        let named = parts.last().is_some_and(|last| things.contains(last) || more.contains(last));
        parts.push(if named { "*" } else { part });
    }
    parts.join(".")
}

fn is_untold(shape: &str) -> bool {
    UNTOLD.iter().any(|(place, _)| match place.strip_prefix("**") {
        Some(end) => shape.ends_with(end) || shape.contains(&format!("{end}.")),
        None => shape == *place || shape.strip_prefix(place).is_some_and(|rest| rest.starts_with('.')),
    })
}

/// What may stand in a place instead of what stands there: what stands in others like it, else the same with a word more.
fn instead(file: &Node, place: &[usize], alike: &[&Vec<usize>]) -> Vec<Node> {
    match file.at(place) {
        Node::Truth(truth) => vec![Node::Truth(!truth)],
        Node::Number(number) => vec![Node::Number(format!("{number}1"))],
        Node::Text(text) => {
            let others = alike.iter().filter_map(|other| if let Node::Text(other) = file.at(other) { Some(other) } else { None });
            let mut others: Vec<&String> = others.filter(|other| *other != text).collect();
            others.dedup();
            let step = (others.len() / 3).max(1);
            let others = others.into_iter().step_by(step).take(3).cloned();
            std::iter::once(format!("{text}改")).chain(others).map(Node::Text).collect()
        }
        Node::List(_) | Node::Table(_) => Vec::new(),
    }
}

/// The packs named with all that they need, the others left out. What people are is no policy, and left out as when it is applied.
fn small_set(packs: &[&str]) -> Vec<Source> {
    let is_kept = |entry: &Node| -> bool {
        let Node::Table(entries) = entry else { return true };
        let named = entries.iter().find(|(key, _)| key == "pack").map(|(_, value)| value.clone());
        let named = match named {
            Some(Node::Text(pack)) => vec![Node::Text(pack)],
            Some(Node::List(packs)) => packs,
            _ => return true,
        };
        named.iter().all(|pack| matches!(pack, Node::Text(pack) if packs.contains(&pack.as_str())))
    };
    let mut set = Vec::new();
    for source in sources() {
        if source.name == "organisation.toml" {
            let Node::Table(mut sections) = Node::read(&organisation().policy_source().text) else { panic!("a file is a table") };
            for (_, section) in &mut sections {
                if let Node::List(entries) = section {
                    entries.retain(&is_kept);
                }
            }
            set.push(Source { name: source.name, text: Node::Table(sections).file() });
        } else if source.name.contains("calendars") || packs.iter().any(|pack| source.name == format!("{pack}.toml")) {
            set.push(Source { text: Node::read(&source.text).file(), name: source.name });
        }
    }
    set
}

/// Changes and takes out what is in a file, one at a time; every `n`th place where there are more than are to be tried.
fn everything_is_told(packs: &[&str], name: &str) {
    let mut set = small_set(packs);
    let before = Policy::compile(&set).unwrap_or_else(|errors| panic!("{}", listed(&errors)));
    let nth = set.iter().position(|source| source.name.ends_with(name)).unwrap();
    let file = Node::read(&set[nth].text);
    let mut places = Vec::new();
    file.places(&[], "", &mut places);
    let step = places.len().div_ceil(cases(120) as usize).max(1);
    let (mut compiled, mut untold) = (0, Vec::new());
    for (place, named) in places.iter().step_by(step) {
        let shape = shape(named);
        if is_untold(&shape) {
            continue;
        }
        let alike: Vec<&Vec<usize>> = places.iter().filter(|(_, other)| self::shape(other) == shape).map(|(place, _)| place).collect();
        let changed = instead(&file, place, &alike).into_iter().map(|value| file.with(place, value));
        let mut is_changed = false;
        for (what, other) in changed.map(|other| ("changed", other)).chain([("taken out", file.without(place))]) {
            if what == "changed" && is_changed {
                continue;
            }
            set[nth].text = other.file();
            let Ok(after) = Policy::compile(&set) else { continue };
            is_changed |= what == "changed";
            compiled += 1;
            let is_default = what == "taken out" && SAID_FOR_CLEARNESS.contains(&(shape.as_str(), file.at(place).written().as_str()));
            if !is_default && before.changes_to(&after).is_empty() {
                untold.push(format!(
                    "{named} {what}: {} → {}",
                    file.at(place).written(),
                    if what == "changed" { other.at(place).written() } else { String::new() }
                ));
            }
        }
    }
    println!("{name}: {} places, every {step}, {compiled} changes that compile", places.len());
    assert!(compiled > places.len() / step / 4, "of {} places only {compiled} changes compile", places.len() / step);
    assert!(untold.is_empty(), "{} changes of {name} are not told:\n{}", untold.len(), untold.join("\n"));
}

#[test]
fn what_changes_in_a_pack_of_complaints_is_told() {
    everything_is_told(&["basics", "car-dealer-complaints"], "car-dealer-complaints.toml");
}

#[test]
fn what_changes_in_a_pack_of_many_declarations_is_told() {
    everything_is_told(&["basics", "store-complaints"], "store-complaints.toml");
}

#[test]
fn what_changes_in_the_basics_is_told() {
    everything_is_told(&["basics", "car-dealer-complaints"], "basics.toml");
}

#[test]
fn what_changes_in_a_calendar_is_told() {
    everything_is_told(&["basics"], "calendars/cn.toml");
}

#[test]
fn what_changes_in_the_organisation_is_told() {
    everything_is_told(&["basics", "car-dealer-complaints", "customer-visits"], "organisation.toml");
}
