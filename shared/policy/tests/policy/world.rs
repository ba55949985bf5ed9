//! The files as they ship, and small helpers to tell stories with.

use duban_policy::directory::Directory;
use duban_policy::organisation::Organisation;
use duban_policy::policy::{EventFacts, OpenedDuty};
use duban_policy::{Diagnostic, Policy, Source};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::compile(&sources()).unwrap_or_else(|faults| panic!("{}", listed(&faults))));
pub static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| organisation().directory(1));

pub fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in [policies(), policies().join("calendars")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.strip_prefix(policies()).unwrap().to_string_lossy().into_owned();
                sources.push(Source { name, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// How many cases a property is tried on: `DUBAN_FUZZ_CASES`, or so many.
pub fn cases(few: u32) -> u32 {
    std::env::var("DUBAN_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(few)
}

pub fn organisation() -> Organisation {
    let sources = sources();
    let source = sources.iter().find(|source| source.name == "organisation.toml").unwrap();
    Organisation::parse(source).unwrap_or_else(|faults| panic!("{}", listed(&faults)))
}

pub fn listed(faults: &[Diagnostic]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

/// A wall time in Shanghai.
pub fn shanghai(text: &str) -> Timestamp {
    let wall: jiff::civil::DateTime = text.parse().unwrap();
    jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_timestamp(wall).unwrap()
}

/// The wall time in Shanghai.
pub fn wall(at: Timestamp) -> String {
    jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}

pub fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A case's event, with members as intake tells them.
pub fn case(pack: &str, kind: &str, unit: &str, more: Value) -> Value {
    let mut facts = json!({
        "case": "0190", "number": "N-1", "pack": pack, "kind": kind, "unit": unit, "severity": "ordinary", "stage": "received",
        "channel": "phone", "producer": "hotline", "title": "complaint", "title_zh": "投诉", "unsorted": false, "anonymous": false,
        "received_at": shanghai("2026-03-06 18:40").to_string(), "fields": {}, "repeats": 0, "policy": 1, "version": 1,
    });
    facts.as_object_mut().unwrap().extend(fields(more));
    facts
}

pub fn opened(event: &str, at: Timestamp, facts: &Value) -> Vec<OpenedDuty> {
    POLICY.duties_opened(&EventFacts { name: event, time: at, facts })
}

/// Rules of the duties that an event closes.
pub fn closed(event: &str, facts: &Value) -> Vec<String> {
    let mut closed: Vec<String> = POLICY
        .duties_closed(&EventFacts { name: event, time: shanghai("2026-03-07 10:00"), facts })
        .into_iter()
        .map(|duty| duty.rule)
        .collect();
    closed.sort();
    closed
}

pub fn rules(duties: &[OpenedDuty]) -> Vec<&str> {
    let mut rules: Vec<&str> = duties.iter().map(|duty| duty.rule.as_str()).collect();
    rules.sort_unstable();
    rules
}

pub fn duty<'a>(duties: &'a [OpenedDuty], rule: &str) -> &'a OpenedDuty {
    duties.iter().find(|duty| duty.rule == rule).unwrap_or_else(|| panic!("no {rule} in {:?}", rules(duties)))
}
