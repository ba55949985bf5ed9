//! What a report is registered as: pack, kind, severity, first stage, and what a person should look at.

use super::field::{check_fields, phone};
use super::kind::Kind;
use super::{BadField, Pack, Policy};
use crate::source::nearest;
use duban_contracts::Timestamp;
use duban_contracts::case::Reason;
use duban_contracts::report::Warning;
use serde_json::{Map, Value, json};

/// What is known of a report when it is judged.
#[derive(Debug, Clone)]
pub struct ReportFacts<'a> {
    /// Code as given, or the producer's own.
    pub unit: &'a str,
    pub channel: &'a str,
    pub producer: &'a str,
    pub kind: Option<&'a str>,
    /// As sent: by id or title, unchecked.
    pub fields: &'a Map<String, Value>,
    pub anonymous: bool,
    /// The reporter's, for keys of repetition; never in events.
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
    /// When it was received: bindings of that time count.
    pub at: Timestamp,
    /// When earlier reports of the same matter were received, for those within the kind's window. Empty at first:
    /// [`Kind::repeat_keys`] of the judgement tells what to look for, then it is judged anew.
    pub repeated_at: &'a [Timestamp],
}

/// What a report becomes.
#[derive(Debug, Clone)]
pub struct Judgement<'a> {
    pub pack: &'a Pack,
    pub kind: &'a Kind,
    /// The unit under which it is registered: as given if known, else the root of the tree.
    pub unit: String,
    /// Why it is unsorted; None when it was sorted.
    pub unsorted: Option<Reason>,
    /// The kind that it would have been without what makes it unsorted: a proposal for who sorts it.
    pub proposed: Option<&'a Kind>,
    /// Unknown kind, unit or fields, fields that do not fit: pointers into the report, with 'did you mean'.
    pub warnings: Vec<Warning>,
    /// Declared fields by id, in their normal form. Of an unsorted report those of the proposed kind.
    pub fields: Map<String, Value>,
    /// What was sent and is not declared, or does not fit, kept beside.
    pub undeclared: Map<String, Value>,
    pub severity: String,
    /// Why this kind and severity, with articles.
    pub reasons: Vec<Reason>,
    pub stage: String,
}

/// The kind found for a report, or why none was.
struct Sorting<'a> {
    kind: Option<&'a Kind>,
    doubt: Option<Reason>,
    warnings: Vec<Warning>,
}

impl Policy {
    /// Judges a report by the packs bound to its unit. Total: whatever is unknown makes it unsorted, never an error.
    ///
    /// # Panics
    /// Never: a compiled set has a kind for unsorted reports.
    pub fn judge(&self, report: &ReportFacts<'_>) -> Judgement<'_> {
        let unit = if self.tree.unit(report.unit).is_some() { report.unit.to_owned() } else { self.root.clone() };
        let mut sorting = self.sort(report, &unit);
        let declared = sorting.kind.map(|kind| kind.fields.as_slice()).unwrap_or_default();
        let (fields, bad) = check_fields(declared, report.fields);
        let undeclared: Map<String, Value> =
            bad.iter().filter_map(|bad| Some((bad.name.clone(), report.fields.get(&bad.name)?.clone()))).collect();
        if let Some(kind) = sorting.kind {
            warn_of_fields(kind, &bad, &mut sorting);
        }
        let bound = self.packs_of(&unit, report.at);
        let own_unsorted = bound.iter().flat_map(|pack| &pack.kinds).find(|kind| kind.unsorted);
        let unsorted = own_unsorted.or_else(|| self.unsorted()).expect("a compiled set has a kind for unsorted reports");
        let kind = match (sorting.kind, &sorting.doubt) {
            (Some(kind), None) => kind,
            _ => unsorted,
        };
        let facts = report.as_facts(kind, &unit, &fields);
        if sorting.doubt.is_none() {
            self.warn_of_missing(kind, &facts, &unit, &mut sorting.warnings);
        }
        let (severity, mut reasons) = self.severity_of(kind, &facts);
        reasons.extend(sorting.doubt.clone());
        Judgement {
            pack: &self.packs[&kind.pack],
            kind,
            unsorted: sorting.doubt,
            proposed: sorting.kind,
            warnings: sorting.warnings,
            fields,
            undeclared,
            severity,
            reasons,
            stage: kind.first_stage().to_owned(),
            unit,
        }
    }

    fn sort(&self, report: &ReportFacts<'_>, unit: &str) -> Sorting<'_> {
        let mut sorting = Sorting { kind: None, doubt: None, warnings: Vec::new() };
        if unit != report.unit {
            sorting.doubt(
                "/unit",
                "unknown-unit",
                format!("the unit '{}' is unknown{}", report.unit, meant(report.unit, self.tree.units().map(|unit| unit.code.as_str())).0),
                format!("单位“{}”不存在{}", report.unit, meant(report.unit, self.tree.units().map(|unit| unit.code.as_str())).1),
            );
        }
        let kinds: Vec<&Kind> = self.kinds_of(unit, report.at).into_iter().filter(|kind| !kind.unsorted).collect();
        match report.kind.map(str::trim).filter(|word| !word.is_empty()) {
            Some(word) => {
                sorting.kind = kinds.iter().copied().find(|kind| kind.is_called(word));
                if sorting.kind.is_none() {
                    let names = || kinds.iter().flat_map(|kind| [kind.id.as_str(), kind.title.zh.as_str()]);
                    let (en, zh) = meant(word, names());
                    sorting.doubt(
                        "/kind",
                        "unknown-kind",
                        format!("the kind '{word}' is unknown in this unit{en}"),
                        format!("本单位没有事项类别“{word}”{zh}"),
                    );
                }
            }
            None => {
                sorting.kind = kinds.iter().copied().find(|kind| kind.default);
                if sorting.kind.is_none() {
                    let (en, zh) =
                        ("no regulation bound to this unit takes a report without a kind", "本单位所适用的制度均不受理未注明类别的来件");
                    sorting.doubt("/kind", "unbound-unit", en.to_owned(), zh.to_owned());
                }
            }
        }
        sorting
    }

    fn warn_of_missing(&self, kind: &Kind, facts: &Value, unit: &str, warnings: &mut Vec<Warning>) {
        let figures = |name: &str| self.figure(&kind.pack, name, unit);
        for field in &kind.fields {
            let required = field.required_when.as_ref().is_some_and(|when| when.holds(facts, &figures));
            if required && facts["fields"].get(&field.id).is_none() {
                warnings.push(Warning {
                    field: format!("/fields/{}", field.id),
                    code: "missing-field".to_owned(),
                    message: format!("'{}' is missing{}", field.title.en, cited_en(&field.article)),
                    message_zh: format!("缺少“{}”{}", field.title.zh, cited_zh(&field.article)),
                });
            }
        }
    }

    /// Severity of a case of this kind from its facts (a `CaseEvent` as JSON with personal fields added), and why.
    /// Also used when fields, kind or the number of repeats change later.
    pub fn severity_of(&self, kind: &Kind, facts: &Value) -> (String, Vec<Reason>) {
        let unit = facts.get("unit").and_then(Value::as_str).unwrap_or_default();
        let figures = |name: &str| self.figure(&kind.pack, name, unit);
        let found = kind.severities.iter().find(|severity| severity.when.as_ref().is_none_or(|when| when.holds(facts, &figures)));
        let Some(severity) = found else { return ("ordinary".to_owned(), Vec::new()) };
        let Some(when) = &severity.when else { return (severity.id.clone(), Vec::new()) };
        // Of several alternatives, only those that hold are the reason.
        let mut held = when.clone();
        held.any.retain(|condition| condition.holds(facts, &figures));
        let words = held.words(&figures);
        let reason = Reason {
            text: format!("{}: {}", severity.title.en, words.en),
            text_zh: format!("{}：{}", severity.title.zh, words.zh),
            article: Some(severity.article.clone()).filter(|article| !article.is_empty()),
        };
        (severity.id.clone(), vec![reason])
    }

    /// What can be said of kind, unit and fields before a report is registered: the gateway's `warnings`.
    pub fn warnings(&self, report: &ReportFacts<'_>) -> Vec<Warning> {
        self.judge(report).warnings
    }
}

impl Sorting<'_> {
    fn doubt(&mut self, field: &str, code: &str, en: String, zh: String) {
        self.warnings.push(Warning { field: field.to_owned(), code: code.to_owned(), message: en.clone(), message_zh: zh.clone() });
        self.doubt.get_or_insert(Reason { text: format!("unsorted: {en}"), text_zh: format!("待分拣：{zh}"), article: None });
    }
}

fn warn_of_fields(kind: &Kind, bad: &[BadField], sorting: &mut Sorting<'_>) {
    for field in bad {
        let pointer = format!("/fields/{}", field.name.replace('~', "~0").replace('/', "~1"));
        if field.id.is_none() {
            let (en, zh) = meant(&field.name, kind.fields.iter().flat_map(|field| [field.id.as_str(), field.title.zh.as_str()]));
            sorting.doubt(
                &pointer,
                "unknown-field",
                format!("'{}' has no field '{}'{en}", kind.title.en, field.name),
                format!("“{}”没有字段“{}”{zh}", kind.title.zh, field.name),
            );
        } else {
            sorting.warnings.push(Warning {
                field: pointer,
                code: "bad-field".to_owned(),
                message: format!("'{}' does not fit: expected {}", field.name, field.expected),
                message_zh: format!("“{}”的内容不符合要求：{}", field.name, field.expected_zh),
            });
        }
    }
}

/// ': did you mean …?' in both languages, or nothing.
fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> (String, String) {
    match nearest(word, known) {
        Some(name) => (format!(": did you mean '{name}'?"), format!("，是否指“{name}”？")),
        None => Default::default(),
    }
}

fn cited_en(article: &str) -> String {
    if article.is_empty() { String::new() } else { format!(" (article {article})") }
}

fn cited_zh(article: &str) -> String {
    if article.is_empty() { String::new() } else { format!("（第{article}条）") }
}

impl Policy {
    /// From when on an earlier report counts as the same matter as one of this kind that was received in the unit at `received_at`: that very
    /// instant where none does.
    pub fn repeats_since(&self, kind: &Kind, unit: &str, received_at: Timestamp) -> Timestamp {
        let within = kind.repeats.as_ref().and_then(|repeats| self.amount(self.pack(&kind.pack)?, &repeats.within, unit));
        within.map_or(received_at, |within| self.calendar_of(unit).subtract(received_at, within).at)
    }
}

impl ReportFacts<'_> {
    /// The members that conditions may ask about, as the case's events will have them.
    fn as_facts(&self, kind: &Kind, unit: &str, fields: &Map<String, Value>) -> Value {
        let times: Vec<String> = self.repeated_at.iter().map(ToString::to_string).collect();
        json!({
            "pack": kind.pack, "kind": kind.id, "unit": unit, "channel": self.channel, "producer": self.producer, "anonymous": self.anonymous,
            "received_at": self.at.to_string(), "fields": fields, "repeats": times.len(), "repeated_at": times,
        })
    }
}

impl Kind {
    /// Keys under which a report of this kind counts as the same matter as an earlier one with any key in common. Empty: never repeated
    /// (anonymous, or a part is missing). Telephone numbers are normalised. Personal: hash before storing.
    pub fn repeat_keys(&self, report: &ReportFacts<'_>, unit: &str, fields: &Map<String, Value>) -> Vec<String> {
        let Some(repeats) = self.repeats.as_ref().filter(|_| !report.anonymous) else { return Vec::new() };
        let part = |part: &String| -> Option<String> {
            match part.as_str() {
                "phone" => phone(report.phone?),
                "email" => Some(report.email?.trim().to_lowercase()).filter(|email| !email.is_empty()),
                "unit" => Some(unit.to_owned()),
                "kind" => Some(format!("{}/{}", self.pack, self.id)),
                field => match fields.get(field)? {
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                },
            }
        };
        let key = |parts: &Vec<String>| {
            let values: Option<Vec<String>> = parts.iter().map(|name| Some(format!("{name}={}", part(name)?))).collect();
            values.map(|values| values.join("\u{1f}"))
        };
        repeats.keys.iter().filter_map(key).collect()
    }
}
