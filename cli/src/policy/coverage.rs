//! `duban policy coverage`.

use super::sources;
use crate::show::{Show, counted, table};
use duban_contracts::Problem;
use duban_policy::policy::Covered;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(set: &Path, regulation: Option<&str>, show: Show) -> anyhow::Result<ExitCode> {
    let policy = sources::compile(set)?;
    let is_wanted = |covered: &Covered| regulation.is_none_or(|r| covered.id == r || covered.id.starts_with(&format!("{r}.")));
    let all = policy.coverage();
    if let Some(unknown) = regulation.filter(|_| !all.iter().any(is_wanted)) {
        let detail = format!("no pack cites {unknown:?}; there are {}", regulations(&all).join(", "));
        return Err(Problem::new(404, "no-such-regulation", "There is no such regulation", "没有这部制度").with_detail(detail).into());
    }
    let covered: Vec<Covered> = all.into_iter().filter(is_wanted).collect();
    show.print(&covered, |covered| {
        let mut rows = table(["id", "pack", "carried by", "runs", "or why not"]);
        for row in covered {
            let runs = if row.runs { "yes" } else { "no" }.to_owned();
            let carried = row.rule.clone().unwrap_or_default();
            rows.add_row([row.id.clone(), row.pack.clone(), carried, runs, row.reason.clone().unwrap_or_default()]);
        }
        format!("{rows}\n{}\n{}", summed(covered), share(policy.table_conditions()))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Ids, of which one may be carried in many places, and runs if it runs in one of them.
fn summed(covered: &[Covered]) -> String {
    let ids: BTreeSet<&str> = covered.iter().map(|row| row.id.as_str()).collect();
    let running: BTreeSet<&str> = covered.iter().filter(|row| row.runs).map(|row| row.id.as_str()).collect();
    let (ids, places) = (counted(ids.len(), "id", "ids"), counted(covered.len(), "place", "places"));
    format!("{ids} in {places}, {} of the ids run in this version", running.len())
}

/// `R13` of `R13.2.5b`: every regulation that is cited, in order.
fn regulations(covered: &[Covered]) -> Vec<&str> {
    let mut found: Vec<&str> = covered.iter().map(|row| row.id.split('.').next().unwrap_or_default()).collect();
    found.dedup();
    found
}

/// How many of the conditions are tables. A share that is not whole is not said to be.
fn share((tables, conditions): (usize, usize)) -> String {
    let share = (100 * tables).checked_div(conditions).unwrap_or(100);
    format!("table conditions: {tables} of {conditions} ({share} %)")
}

#[cfg(test)]
mod tests {
    use super::{regulations, share, summed};
    use duban_policy::policy::Covered;

    #[test]
    fn ids_are_counted_and_not_the_places_that_carry_them() {
        let place = |id: &str, rule: Option<&str>, runs: bool| Covered {
            id: id.to_owned(),
            pack: "shop".to_owned(),
            rule: rule.map(str::to_owned),
            runs,
            reason: None,
        };
        let covered = [
            place("R02.1", Some("duty.answer"), true),
            place("R02.1", Some("form.answer"), false),
            place("R02.4b", Some("duty.close"), true),
            place("R13.1", None, false),
        ];
        assert_eq!(summed(&covered), "3 ids in 4 places, 2 of the ids run in this version");
        assert_eq!(regulations(&covered), ["R02", "R13"]);
    }

    #[test]
    fn the_share_of_tables_is_said_and_never_too_high() {
        assert_eq!(share((999, 1_000)), "table conditions: 999 of 1000 (99 %)");
        assert_eq!(share((7, 7)), "table conditions: 7 of 7 (100 %)");
        assert_eq!(share((0, 0)), "table conditions: 0 of 0 (100 %)");
    }
}
