//! `duban demo` with its staff: the first of the written days, what the staff lets slip, and that nothing else is late.

use anyhow::{Context, ensure};
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_tests::world::repository;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// A day of reports and two more days; most of it is what the staff does, step by step.
const LIMIT: Duration = Duration::from_secs(800);

/// Faster than `make demo` plays its fortnight.
const FACTOR: &str = "8000";

#[tokio::test(flavor = "multi_thread")]
async fn the_staff_of_the_demonstration_shows_everything_and_the_machine_makes_nothing_late() -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let reports = folder.path().join("first-day.jsonl");
    let count = first_day(&reports)?;
    let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_") && name != "DUBAN_TOOLS") {
        command.env_remove(name);
    }
    command.current_dir(repository()).args(["demo", "--factor", FACTOR, "--exit", "--reports"]).arg(&reports);
    command.arg("--cast").arg(more_negligent(&folder)?);
    command.arg("--data").arg(folder.path().join("demo"));
    let mut demo = Process::spawn("duban demo", command, &folder.path().join("said"), Signal::INT)?;
    ensure!(demo.wait(LIMIT).await, "the play is not over in time: {}", demo.tail());
    let said = std::fs::read_to_string(demo.log())?;
    ensure!(demo.ended().is_some_and(|status| status.success()), "{said}");

    // Meanwhile it tells how far it is: domain time, reports sent, and the counts.
    let told: Vec<&str> = said.lines().filter(|line| line.contains(" sent  registered ")).collect();
    ensure!(told.len() >= 3 && told.iter().any(|line| line.contains(&format!("{count}/{count} sent"))), "{said}");
    let sums: Vec<i64> = told.iter().map(|line| counts(line.split_once(" sent ").map_or("", |(_, counts)| counts)).iter().sum()).collect();
    ensure!(sums.is_sorted() && sums.first() < sums.last(), "the counts do not grow: {told:?}");

    // And at the end, all of what there is to see.
    ensure!(said.contains(&format!("{count} reports accepted")), "{said}");
    let (_, end) = said.rsplit_once("registered as cases").context("no table at the end")?;
    let cells =
        |line: &str| line.split(['│', '┆', '|']).map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect::<Vec<_>>();
    let heading = end.lines().map(cells).find(|cells| cells.iter().any(|cell| cell == "registered")).context("no heading")?;
    let shown = end.lines().map(counts).find(|counts| counts.len() == heading.len()).with_context(|| format!("no counts: {end}"))?;
    for name in ["registered", "assigned", "reminded", "breached", "escalated", "acknowledged", "closed", "filed"] {
        let place = heading.iter().position(|cell| cell == name).with_context(|| format!("{name} is not shown: {end}"))?;
        ensure!(shown[place] > 0, "nothing was {name}: {end}");
    }
    let breached = heading.iter().position(|cell| cell == "breached").context("no breaches")?;
    nothing_late_for_want_of_machine(&said, shown[breached])
}

/// Every breach is told with its cause, and none is the machine's, however slow it is.
fn nothing_late_for_want_of_machine(said: &str, breached: i64) -> anyhow::Result<()> {
    let line = said.lines().find(|line| line.starts_with("breaches: ")).context("it does not say whose the breaches were")?;
    let causes = counts(line);
    let [by_script, standing, otherwise, by_machine] = causes.as_slice() else { anyhow::bail!("{line}") };
    ensure!(*by_script > 0 && *by_machine == 0, "{said}");
    ensure!(by_script + standing + otherwise == breached, "{breached} breaches: {line}");
    Ok(())
}

/// The staff of the demonstration with so many who let things slip that a single day shows all that a fortnight does.
fn more_negligent(folder: &TemporaryFolder) -> anyhow::Result<std::path::PathBuf> {
    let mut cast = std::fs::read_to_string(repository().join("demo/cast.toml"))?;
    for (from, to) in [("share = 66", "share = 36"), ("share = 12", "share = 42"), ("never_share = 4", "never_share = 40")] {
        ensure!(cast.contains(from), "demo/cast.toml has no {from}");
        cast = cast.replace(from, to);
    }
    let path = folder.path().join("cast.toml");
    std::fs::write(&path, cast)?;
    Ok(path)
}

/// All whole numbers that stand alone in a line.
fn counts(line: &str) -> Vec<i64> {
    line.split(|symbol: char| !symbol.is_alphanumeric()).filter_map(|word| word.parse().ok()).collect()
}

/// Writes the reports of the first day as anybody's reports are written; how many.
fn first_day(file: &std::path::Path) -> anyhow::Result<usize> {
    let mut lines = Vec::new();
    for line in std::fs::read_to_string(repository().join("demo/reports.jsonl"))?.lines() {
        let written: Value = serde_json::from_str(line)?;
        let mut report = written["report"].clone();
        if written["day"] != 1 || !report["follows"].is_null() {
            continue;
        }
        let time = written["time"].as_str().context("no time")?;
        report["key"] = written["key"].clone();
        report["occurred_at"] = json!(format!("2026-03-30T{time}:00+08:00"));
        lines.push(report.to_string());
    }
    std::fs::write(file, lines.join("\n"))?;
    Ok(lines.len())
}
