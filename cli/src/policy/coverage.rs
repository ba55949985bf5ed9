//! `duban policy coverage`.

use super::sources;
use crate::show::{Show, table};
use duban_policy::policy::Covered;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(set: &Path, regulation: Option<&str>, show: Show) -> anyhow::Result<ExitCode> {
    let policy = sources::compile(set)?;
    let is_wanted = |covered: &Covered| regulation.is_none_or(|r| covered.id == r || covered.id.starts_with(&format!("{r}.")));
    let covered: Vec<Covered> = policy.coverage().into_iter().filter(is_wanted).collect();
    show.print(&covered, |covered| {
        let mut rows = table(["id", "pack", "carried by", "runs", "or why not"]);
        for row in covered {
            let runs = if row.runs { "yes" } else { "no" }.to_owned();
            let carried = row.rule.clone().unwrap_or_default();
            rows.add_row([row.id.clone(), row.pack.clone(), carried, runs, row.reason.clone().unwrap_or_default()]);
        }
        let running = covered.iter().filter(|row| row.runs).count();
        format!("{rows}\n{} ids, {running} of them run in this version", covered.len())
    })?;
    Ok(ExitCode::SUCCESS)
}
