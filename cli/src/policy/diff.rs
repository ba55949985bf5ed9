//! `duban policy diff`: what changes for people from one set to another.

use super::sources;
use crate::show::{Show, table};
use duban_policy::Title;
use duban_policy::policy::Change;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(before: &Path, after: &Path, show: Show) -> anyhow::Result<ExitCode> {
    let changes = sources::compile(before)?.changes_to(&sources::compile(after)?);
    let all: Vec<Value> = changes.iter().map(as_json).collect();
    show.print(&Value::from(all), |_| people(&changes))?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(change: &Change) -> Value {
    json!({
        "pack": change.pack, "place": change.place, "article": change.article, "title": change.title,
        "aspect": change.aspect, "before": change.before, "after": change.after,
    })
}

/// A table for each pack, in both languages.
fn people(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "没有变化。Nothing changes.".to_owned();
    }
    let mut parts = Vec::new();
    for of_pack in changes.chunk_by(|one, next| one.pack == next.pack) {
        let title = of_pack.first().map(|change| &change.pack_title);
        let heading = match title.filter(|title| !title.zh.is_empty()) {
            Some(title) => format!("《{}》 {}", title.zh, title.en),
            None => "日历与组织 Calendars and organisation".to_owned(),
        };
        let mut rows = table(["条 article", "事项 what", "变化 change"]);
        for change in of_pack {
            rows.add_row([change.article.clone(), both(&change.title, "\n"), sentence(change)]);
        }
        parts.push(format!("{heading}\n{rows}"));
    }
    parts.join("\n\n")
}

fn sentence(change: &Change) -> String {
    let name = change.aspect.as_ref().map(|aspect| (format!("{} ", aspect.zh), format!("{}: ", aspect.en))).unwrap_or_default();
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}{} → {}\n{}{} → {}", name.0, before.zh, after.zh, name.1, before.en, after.en),
        (None, Some(after)) => format!("新增 {}\nnew {}", after.zh, after.en),
        (Some(before), None) => format!("取消 {}\ngone {}", before.zh, before.en),
        (None, None) => String::new(),
    }
}

fn both(title: &Title, between: &str) -> String {
    if title.zh == title.en { title.zh.clone() } else { format!("{}{between}{}", title.zh, title.en) }
}
