//! `duban policy simulate`: a scenario played without any server, and held against the timeline that it promises.

use super::sources;
use crate::exit;
use crate::show::Show;
use anyhow::{Context, bail};
use duban_engine::simulate::{self, Line, Scenario};
use duban_policy::Policy;
use duban_policy::organisation::Organisation;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct SimulateArguments {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write each timeline into its file as the expected one. Read it before you believe it.
    #[arg(long)]
    write: bool,
    /// The set of packs.
    #[arg(long, default_value = "policies")]
    set: PathBuf,
}

pub(super) fn run(arguments: &SimulateArguments, show: Show) -> anyhow::Result<ExitCode> {
    let sources = sources::read(std::slice::from_ref(&arguments.set))?;
    let policy = Policy::compile(&sources).map_err(|errors| sources::refused(&arguments.set, &errors))?;
    let organisation = sources.iter().find_map(|source| Organisation::parse(source).ok()).context("the set has no organisation file")?;
    let directory = organisation.directory(1);
    let files = files(&arguments.paths)?;
    let is_single = files.len() == 1;
    let mut answers = Vec::new();
    let mut is_good = true;
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let scenario = Scenario::parse(&text, policy.zone()).with_context(|| file.display().to_string())?;
        let lines = simulate::play(&policy, &directory, &scenario).with_context(|| file.display().to_string())?;
        let written: Vec<String> = lines.iter().map(|line| line.written(policy.zone())).collect();
        if arguments.write {
            write(&file, &text, &written)?;
        }
        let expected = scenario.expected.as_deref().filter(|_| !arguments.write);
        let difference = expected.and_then(|expected| simulate::compared(expected, &written));
        is_good &= difference.is_none();
        tell(&file, &scenario, &written, difference.as_ref(), is_single, show);
        answers.push(answer(&file, &lines, difference));
    }
    if show.json {
        show.print(&answers, |_| String::new())?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(exit::REFUSED) })
}

fn tell(file: &Path, scenario: &Scenario, written: &[String], difference: Option<&(usize, String, String)>, is_single: bool, show: Show) {
    if is_single {
        show.say(format!("{} / {}\n", scenario.title.zh, scenario.title.en));
        written.iter().for_each(|line| show.say(line));
    }
    match difference {
        None if scenario.expected.is_none() => {
            show.say(format!("{}: {} 行，文件中没有预期 / lines, none expected", file.display(), written.len()))
        }
        None => show.say(format!("{}: 与预期一致 / as expected ({})", file.display(), written.len())),
        Some((line, expected, came)) => {
            show.say(format!("{}: 第 {line} 行与预期不同 / line {line} differs", file.display()));
            show.say(format!("  预期 expected  {expected}\n  实际 came      {came}"));
        }
    }
}

fn answer(file: &Path, lines: &[Line], difference: Option<(usize, String, String)>) -> serde_json::Value {
    let difference = difference.map(|(line, expected, came)| json!({ "line": line, "expected": expected, "came": came }));
    json!({ "file": file, "timeline": lines, "difference": difference })
}

fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))? {
                let entry = entry.with_context(|| format!("reading {}", path.display()))?.path();
                if entry.extension().is_some_and(|extension| extension == "toml") {
                    files.push(entry);
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        bail!("no scenarios (*.toml) there");
    }
    files.sort();
    Ok(files)
}

/// Puts the timeline at the end of the file, in the place of the one that was there.
fn write(file: &Path, text: &str, lines: &[String]) -> anyhow::Result<()> {
    let head = text.split("[expected]").next().unwrap_or_default().trim_end();
    let body = format!("{head}\n\n[expected]\ntimeline = \"\"\"\n{}\n\"\"\"\n", lines.join("\n"));
    std::fs::write(file, body).with_context(|| format!("writing {}", file.display()))
}
