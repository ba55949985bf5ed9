//! `duban bench` runs through and fills its sheet. How fast anything is, is not asked here; nor is the full way walked, which has a stack of its
//! own and takes longer than all the rest.

use anyhow::Context;
use duban_tests::world::repository;
use serde_json::Value;
use std::process::Command;

#[test]
fn the_bench_fills_its_rows_and_nothing_fails() -> anyhow::Result<()> {
    let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
    let mut command = Command::new("timeout");
    command.arg("600").arg(program).arg("bench").current_dir(repository());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_") && name != "DUBAN_TOOLS") {
        command.env_remove(name);
    }
    command.args(["acceptance", "latency", "duties", "memory"]);
    command.args(["--seconds", "1", "--rounds", "1", "--connections", "4", "--pools", "2", "--duties", "2000", "--traced", "1", "--json"]);
    let ended = command.output()?;
    anyhow::ensure!(ended.status.success(), "{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
    let sheet: Value = serde_json::from_slice(&ended.stdout).with_context(|| String::from_utf8_lossy(&ended.stdout).into_owned())?;

    let acceptance = rows(&sheet, "Reports accepted over HTTP")?;
    let services: Vec<&str> = acceptance.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(services, ["gateway, all services running", "gateway, intake stopped", "plain, pool of 2"]);
    for row in &acceptance {
        assert_eq!((row[0].as_str(), row[6].as_str()), ("4", "0"), "requests failed: {row:?}");
        assert_ne!(row[2], "0", "nothing was accepted: {row:?}");
    }
    let latency = rows(&sheet, "From acceptance to registered case, at half load")?;
    let [latency] = latency.as_slice() else { anyhow::bail!("{latency:?}") };
    assert_ne!(latency[3], "0", "{latency:?}");
    assert_eq!(latency[3], latency[4], "not all that was accepted is registered: {latency:?}");
    assert_eq!(rows(&sheet, "2000 open duties")?.len(), 5);
    let by_copies = rows(&sheet, "2000 duties due at one instant, among 2000")?;
    assert_eq!(by_copies.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(by_copies.iter().all(|row| row[4] == "2000 of 2000, 0 twice"), "{by_copies:?}");
    let busy =
        |row: &Vec<String>| row[5].split(", ").next().and_then(|postgres| postgres.parse::<f64>().ok()).is_some_and(|cores| cores > 0.0);
    assert!(by_copies.iter().all(busy), "PostgreSQL did nothing: {by_copies:?}");
    let memory: Vec<String> = rows(&sheet, "Memory of each service, MB")?.into_iter().map(|row| row[0].clone()).collect();
    assert!(duban_contracts::subjects::service::ALL.iter().all(|name| memory.iter().any(|row| row == name)), "{memory:?}");
    let traces = rows(&sheet, "Traces that came to the collector")?;
    assert_ne!(traces[0][0], "0", "no trace came");

    let figures = sheet["figures"].as_object().context("no figures")?;
    assert_eq!(figures.len(), 11, "{figures:?}");
    // A figure that was divided by nothing would be null.
    assert!(figures.values().all(|figure| figure.as_f64().is_some_and(|figure| figure >= 0.0)), "{figures:?}");
    Ok(())
}

/// The rows of a table, as people read them.
fn rows(sheet: &Value, title: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let tables = sheet["tables"].as_array().context("no tables")?;
    let table = tables.iter().find(|table| table["title"] == title).with_context(|| format!("no table {title:?} in {sheet}"))?;
    Ok(serde_json::from_value(table["rows"].clone())?)
}
