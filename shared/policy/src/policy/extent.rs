//! How far a change of a set goes in each pack: wording alone, one parameter alone, or what it rules. Lighter approvals hang on it.
//!
//! It is told from what is written and not from what is said of it in words: whatever is not known to be wording or a parameter's value is
//! a rule, so that nothing passes for less than it is. Comments and the layout of a file are no change.

use crate::Source;
use crate::source::{Faults, File, Sort, in_order, read};
use std::collections::{BTreeMap, BTreeSet};
use toml_span::Value;
use toml_span::value::ValueInner;

/// How far a change goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Titles, notes and messages' texts.
    Wording,
    /// One parameter has another value, everywhere or in a unit; its own title and note may change with it.
    Parameter(String),
    /// Anything else, and several of the others together.
    Rules,
}

/// A pack that changes; `""` for calendars and the organisation itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    pub pack: String,
    pub extent: Extent,
}

/// What a place in a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sense {
    Rule,
    Wording,
    Parameter(String),
}

/// Where wording stands in a pack; `*` is any name. Titles of kinds, fields and choices are not among them: reports name those by their titles.
const WORDING_OF_PACKS: &[&[&str]] = &[
    &["pack", "title"],
    &["parameter", "*", "title"],
    &["parameter", "*", "note"],
    &["role", "*"],
    &["role", "*", "title"],
    &["kind", "*", "severity", "*", "title"],
    &["kind", "*", "stage", "*"],
    &["kind", "*", "stage", "*", "title"],
    &["kind", "*", "move", "*", "title"],
    &["kind", "*", "act", "*", "title"],
    &["kind", "*", "return", "*", "title"],
    &["duty", "*", "title"],
    &["recurring", "*", "title"],
    &["ladder", "*", "title"],
    &["decision", "*", "title"],
    &["decision", "*", "note"],
    &["decision", "*", "steps", "*", "title"],
    &["form", "*", "title"],
    &["form", "*", "note"],
    &["report", "*", "title"],
    &["report", "*", "note"],
    &["record", "*", "title"],
    &["record", "*", "note"],
    &["notice", "*", "title"],
    &["notice", "*", "note"],
    &["message", "*", "subject"],
    &["message", "*", "body"],
    &["survey", "*", "title"],
    &["survey", "*", "note"],
    &["quota", "*", "title"],
    &["quota", "*", "note"],
    &["conduct", "*", "title"],
    &["conduct", "*", "note"],
];
const WORDING_OF_CALENDARS: &[&[&str]] = &[&["calendar", "title"]];
const WORDING_OF_ORGANISATIONS: &[&[&str]] =
    &[&["organisation", "title"], &["role", "*", "title"], &["unit", "*", "title"], &["unit", "*", "post", "*", "title"]];

/// Tables of the organisation file that speak of packs.
const ABOUT_PACKS: [&str; 5] = ["bind", "plays", "parameter", "approval", "trial"];

/// Every pack in which `after` differs from `before`, and how far. Both sets compile.
pub fn touched(before: &[Source], after: &[Source]) -> Vec<Touched> {
    let (old, new) = (Written::of(before), Written::of(after));
    let packs: BTreeSet<&String> = old.0.keys().chain(new.0.keys()).collect();
    let extent = |pack: &String| match (old.0.get(pack), new.0.get(pack)) {
        (Some(old), Some(new)) => old.extent_to(new),
        _ => Some(Extent::Rules),
    };
    packs.into_iter().filter_map(|pack| Some(Touched { pack: pack.clone(), extent: extent(pack)? })).collect()
}

/// What is written of each pack; `""` of everything else.
struct Written(BTreeMap<String, Part>);

/// Values by place, each with what it is.
#[derive(Default)]
struct Part(BTreeMap<Vec<String>, (Sense, String)>);

impl Written {
    fn of(sources: &[Source]) -> Self {
        let mut written = Self(BTreeMap::new());
        written.part("");
        for source in sources {
            match read(source, &mut Faults::default()) {
                Some(file) => written.add(&file),
                None => written.part("").put(vec![source.name.clone()], Sense::Rule, source.text.clone()),
            }
        }
        written
    }

    fn part(&mut self, pack: &str) -> &mut Part {
        self.0.entry(pack.to_owned()).or_default()
    }

    fn add(&mut self, file: &File<'_>) {
        let member = |section: &str, name: &str| {
            let section = file.root().as_table().and_then(|root| root.get(section))?;
            section.as_table().and_then(|section| section.get(name))?.as_str().map(str::to_owned)
        };
        match file.sort() {
            Some(Sort::Pack) => {
                let id = member("pack", "id").unwrap_or_default();
                self.part(&id).take(&[], file.root(), WORDING_OF_PACKS);
            }
            Some(Sort::Calendar) => {
                let name = member("calendar", "name").unwrap_or_default();
                self.part("").take(&["calendars", &name], file.root(), WORDING_OF_CALENDARS);
            }
            Some(Sort::Organisation) => self.add_organisation(file),
            None => self.part("").put(vec![file.source().name.clone()], Sense::Rule, file.source().text.clone()),
        }
    }

    fn add_organisation(&mut self, file: &File<'_>) {
        for (key, value) in file.root().as_table().into_iter().flat_map(in_order) {
            let name = key.name.as_ref();
            match value.as_array().filter(|_| ABOUT_PACKS.contains(&name)) {
                Some(tables) => tables.iter().for_each(|table| self.add_about_packs(name, table)),
                None => {
                    let mut leaves = Vec::new();
                    walk(value, &mut vec![name.to_owned()], &mut leaves);
                    self.part("").sort(&[], leaves, WORDING_OF_ORGANISATIONS);
                }
            }
        }
    }

    /// What a table says belongs to every pack that it names. Tables of one sort stand in their order, since the first or the last may count.
    fn add_about_packs(&mut self, sort: &str, table: &Value<'_>) {
        let named = |key: &str| -> Vec<String> {
            let value = table.as_table().and_then(|table| table.get(key));
            let several = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            value.and_then(Value::as_str).into_iter().chain(several).map(str::to_owned).collect()
        };
        let mut leaves = Vec::new();
        walk(table, &mut Vec::new(), &mut leaves);
        let text = |left_out: &str| -> String {
            let kept = leaves.iter().filter(|(path, _)| path.first().is_none_or(|key| key != left_out));
            kept.map(|(path, value)| format!("{}={value};", path.join("."))).collect()
        };
        let own = named("pack");
        let (sense, place) = match (sort, named("name").first()) {
            ("parameter", Some(name)) => (Sense::Parameter(name.clone()), vec!["organisation".to_owned(), sort.to_owned(), name.clone()]),
            _ => (Sense::Rule, vec!["organisation".to_owned(), sort.to_owned()]),
        };
        for pack in own.iter().map(String::as_str).chain(own.is_empty().then_some("")) {
            self.part(pack).append(&place, sense.clone(), &text("pack"));
        }
        for replaced in named("instead_of") {
            let place = vec!["organisation".to_owned(), "replaced".to_owned()];
            self.part(&replaced).append(&place, Sense::Rule, &text(""));
        }
    }
}

impl Part {
    fn put(&mut self, place: Vec<String>, sense: Sense, value: String) {
        self.0.insert(place, (sense, value));
    }

    fn append(&mut self, place: &[String], sense: Sense, more: &str) {
        let (_, value) = self.0.entry(place.to_vec()).or_insert_with(|| (sense, String::new()));
        value.push_str(more);
        value.push('\n');
    }

    fn take(&mut self, under: &[&str], root: &Value<'_>, wording: &[&[&str]]) {
        for (key, value) in root.as_table().into_iter().flat_map(in_order) {
            let mut leaves = Vec::new();
            walk(value, &mut vec![key.name.to_string()], &mut leaves);
            self.sort(under, leaves, wording);
        }
    }

    fn sort(&mut self, under: &[&str], leaves: Vec<(Vec<String>, String)>, wording: &[&[&str]]) {
        for (path, value) in leaves {
            let sense = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                // The value of a pack's own parameter; an organisation's table of that name does not come here.
                ["parameter", name, "value"] | ["parameter", name, "value", "zh" | "en"] => Sense::Parameter(name.to_owned()),
                ref path if wording.iter().any(|place| stands_at(place, path)) => Sense::Wording,
                _ => Sense::Rule,
            };
            let place = under.iter().map(|part| (*part).to_owned()).chain(path).collect();
            self.put(place, sense, value);
        }
    }

    /// How far the way to another version is; None if nothing differs.
    fn extent_to(&self, new: &Self) -> Option<Extent> {
        let places: BTreeSet<&Vec<String>> = self.0.keys().chain(new.0.keys()).collect();
        let differs = |place: &&Vec<String>| self.0.get(*place) != new.0.get(*place);
        let (mut parameters, mut wording): (BTreeSet<&str>, Vec<&Vec<String>>) = (BTreeSet::new(), Vec::new());
        for place in places.into_iter().filter(differs) {
            match self.0.get(place).or_else(|| new.0.get(place)).map(|(sense, _)| sense)? {
                Sense::Rule => return Some(Extent::Rules),
                Sense::Wording if self.names_something(new, place) => return Some(Extent::Rules),
                Sense::Wording => wording.push(place),
                Sense::Parameter(name) => {
                    parameters.insert(name);
                }
            }
        }
        let of_its_own = |place: &[String], name: &str| matches!(place, [table, known, ..] if table == "parameter" && known == name);
        match parameters.into_iter().collect::<Vec<_>>()[..] {
            [] if wording.is_empty() => None,
            [] => Some(Extent::Wording),
            [name] if wording.iter().all(|place| of_its_own(place, name)) => Some(Extent::Parameter(name.to_owned())),
            _ => Some(Extent::Rules),
        }
    }

    /// Whether something refers to a thing by the words that stood or will stand there: then they are a name, and no mere wording. A reference
    /// may have a word before it: `ladder.店面`, `!= 重大`.
    fn names_something(&self, new: &Self, place: &Vec<String>) -> bool {
        let words = [self, new].into_iter().filter_map(|part| part.0.get(place)).map(|(_, value)| value.trim_start_matches('"'));
        let words: Vec<&str> = words.filter(|words| *words != "\"").collect();
        let mut rules = self.0.values().chain(new.0.values()).filter(|(sense, _)| *sense == Sense::Rule);
        rules.any(|(_, value)| words.iter().any(|words| value.ends_with(words)))
    }
}

/// Whether a path is that place, in one language or the other.
fn stands_at(place: &[&str], path: &[&str]) -> bool {
    let Some((begins, rest)) = path.split_at_checked(place.len()) else { return false };
    place.iter().zip(begins).all(|(wanted, found)| *wanted == "*" || wanted == found) && matches!(rest, [] | ["zh" | "en"])
}

/// Every value with its path. Of a table of named things also their order: the first stage is where a case begins.
fn walk(value: &Value<'_>, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    let mut leaf = |path: &[String], text: String| leaves.push((path.to_vec(), text));
    match value.as_ref() {
        ValueInner::String(text) => leaf(path, format!("{text:?}")),
        ValueInner::Integer(number) => leaf(path, number.to_string()),
        ValueInner::Float(number) => leaf(path, number.to_string()),
        ValueInner::Boolean(truth) => leaf(path, truth.to_string()),
        ValueInner::Array(elements) => {
            leaf(path, format!("[{}]", elements.len()));
            for (nth, element) in elements.iter().enumerate() {
                path.push(nth.to_string());
                walk(element, path, leaves);
                path.pop();
            }
        }
        ValueInner::Table(table) => {
            let entries = in_order(table);
            let is_thing = |value: &Value<'_>| value.as_table().is_some_and(|table| !table.contains_key("zh"));
            let things: Vec<&str> = entries.iter().filter(|(_, value)| is_thing(value)).map(|(key, _)| key.name.as_ref()).collect();
            if entries.is_empty() || (path.len() > 1 && !things.is_empty()) {
                leaf(path, format!("{{{}}}", things.join(",")));
            }
            for (key, value) in entries {
                path.push(key.name.to_string());
                walk(value, path, leaves);
                path.pop();
            }
        }
    }
}
