//! `duban policy diff`: what changes for people from one set to another.

use super::sources;
use crate::show::{Show, table};
use duban_policy::Title;
use duban_policy::policy::Change;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(before: &Path, after: &Path, show: Show) -> anyhow::Result<ExitCode> {
    let changes = sources::compile(before)?.changes_to(&sources::compile(after)?);
    show.print(&changes, |changes| people(changes))?;
    Ok(ExitCode::SUCCESS)
}

/// A table for each pack, in both languages.
pub(super) fn people(changes: &[Change]) -> String {
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
            rows.add_row([change.article.clone(), both(&change.title, "\n"), both(&change.sentence(), "\n")]);
        }
        parts.push(format!("{heading}\n{rows}"));
    }
    parts.join("\n\n")
}

fn both(title: &Title, between: &str) -> String {
    if title.zh == title.en { title.zh.clone() } else { format!("{}{between}{}", title.zh, title.en) }
}
