//! `duban policy coverage`.

use super::sources;
use crate::show::{Show, counted, table};
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
        let ids = counted(covered.len(), "id", "ids");
        let run = if running == 1 { "runs" } else { "run" };
        format!("{rows}\n{ids}, {running} of them {run} in this version\n{}", share(policy.table_conditions()))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How many of the conditions are tables. A share that is not whole is not said to be.
fn share((tables, conditions): (usize, usize)) -> String {
    let share = (100 * tables).checked_div(conditions).unwrap_or(100);
    format!("table conditions: {tables} of {conditions} ({share} %)")
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn the_share_of_tables_is_said_and_never_too_high() {
        assert_eq!(share((999, 1_000)), "table conditions: 999 of 1000 (99 %)");
        assert_eq!(share((7, 7)), "table conditions: 7 of 7 (100 %)");
        assert_eq!(share((0, 0)), "table conditions: 0 of 0 (100 %)");
    }
}
