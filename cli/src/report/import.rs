//! `duban report import`: a file of reports, several at a time, resumable.

use super::mapping::{self, Mapped, Mapping};
use super::send::Via;
use super::{rows, sender::Sender};
use crate::connection::Connection;
use crate::exit;
use crate::show::{Show, counted, table};
use anyhow::Context;
use duban_contracts::Problem;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct ImportArguments {
    /// CSV with a heading line (*.csv) or JSON Lines.
    pub file: PathBuf,
    /// A TOML file that says which column is what; without it each row must be a report as the API takes it (besides `key`).
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Channel of rows that name none.
    #[arg(long, default_value = "web")]
    pub channel: String,
    #[arg(long, value_enum, default_value = "http")]
    pub via: Via,
    /// How many are on their way at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub parallel: u16,
    /// Stop at the first refusal instead of listing refusals at the end.
    #[arg(long)]
    pub strict: bool,
}

/// What became of an import.
#[derive(Debug, Default, Serialize)]
pub struct Imported {
    pub rows: usize,
    pub accepted: usize,
    /// Taken with something for a person to put right.
    pub with_warnings: usize,
    pub refused: Vec<NotTaken>,
    /// Not answered: run the import again.
    pub unanswered: Vec<NotTaken>,
}

/// A row that was not taken.
#[derive(Debug, Serialize)]
pub struct NotTaken {
    pub key: String,
    pub why: String,
}

/// The reports of a file.
///
/// # Errors
/// With the line of the first row that is none.
pub fn reports_of(file: &Path, mapping: Option<&Path>, channel: &str) -> anyhow::Result<Vec<Mapped>> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("import").to_owned();
    let mapping = mapping.map(Mapping::read).transpose()?;
    rows::read(file)?
        .iter()
        .map(|row| match &mapping {
            Some(mapping) => mapping.apply(&name, row, channel),
            None => mapping::as_report(&name, row, Some(channel)),
        })
        .collect()
}

pub(super) async fn run(arguments: &ImportArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let reports = reports_of(&arguments.file, arguments.mapping.as_deref(), &arguments.channel)?;
    let senders = Senders::new(arguments.via, &reports, connection).await?;
    let bar = progress(reports.len() as u64, show);
    let imported = all(&senders, reports, arguments, &bar).await?;
    bar.finish_and_clear();
    show.print(&imported, told)?;
    Ok(ExitCode::from(match (imported.refused.is_empty(), imported.unanswered.is_empty()) {
        (_, false) => exit::UNAVAILABLE,
        (false, true) => exit::REFUSED,
        (true, true) => 0,
    }))
}

/// One sender per channel, since a channel may have a producer of its own.
struct Senders(HashMap<String, Sender>);

impl Senders {
    async fn new(via: Via, reports: &[Mapped], connection: &Connection) -> anyhow::Result<Self> {
        let mut senders = HashMap::new();
        for mapped in reports {
            let channel = &mapped.report.channel;
            if !senders.contains_key(channel) {
                senders.insert(channel.clone(), super::send::sender(via, channel, connection).await?);
            }
        }
        Ok(Self(senders))
    }
}

async fn all(senders: &Senders, reports: Vec<Mapped>, arguments: &ImportArguments, bar: &ProgressBar) -> anyhow::Result<Imported> {
    let mut imported = Imported { rows: reports.len(), ..Imported::default() };
    let mut answers = futures::stream::iter(reports)
        .map(|mapped| async move {
            let sender = senders.0.get(&mapped.report.channel).context("a channel without a sender")?;
            Ok::<_, anyhow::Error>((sender.send(&mapped.key, &mapped.report).await, mapped.key))
        })
        .buffer_unordered(usize::from(arguments.parallel));
    while let Some(answer) = answers.next().await {
        let (answer, key) = answer?;
        bar.inc(1);
        match answer {
            Ok(accepted) => {
                imported.accepted += 1;
                imported.with_warnings += usize::from(!accepted.warnings.is_empty());
            }
            Err(error) if arguments.strict => return Err(error.context(format!("the row with key {key}"))),
            Err(error) => {
                let list = if error.downcast_ref::<Problem>().is_some_and(|p| p.status < 500) {
                    &mut imported.refused
                } else {
                    &mut imported.unanswered
                };
                list.push(NotTaken { key, why: format!("{error:#}") });
            }
        }
    }
    Ok(imported)
}

fn progress(rows: u64, show: Show) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(rows), if show.live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn told(imported: &Imported) -> String {
    let mut text =
        format!("{}: {} accepted ({} with warnings)", counted(imported.rows, "row", "rows"), imported.accepted, imported.with_warnings);
    for (what, list) in [("refused", &imported.refused), ("not answered; run the import again", &imported.unanswered)] {
        if list.is_empty() {
            continue;
        }
        let mut shown = table(["key", "why"]);
        for row in list.iter().take(20) {
            shown.add_row([&row.key, &row.why]);
        }
        text.push_str(&format!("\n{} {what}\n{shown}", list.len()));
        if list.len() > 20 {
            text.push_str(&format!("\n… and {} more (--json lists all)", list.len() - 20));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_and_its_mapping_become_reports_in_order() {
        let folder = duban_local::process::TemporaryFolder::new().unwrap();
        let file = folder.path().join("calls.csv");
        std::fs::write(&file, "nr,what\n1,leak\n2,noise\n").unwrap();
        let mapping = folder.path().join("m.toml");
        std::fs::write(&mapping, "text = '{what}'\n").unwrap();
        let reports = reports_of(&file, Some(&mapping), "phone").unwrap();
        assert_eq!(reports.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["calls.csv:2", "calls.csv:3"]);
        assert_eq!(reports[1].report.text.as_deref(), Some("noise"));
    }
}
