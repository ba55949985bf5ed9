//! Sends the script's reports at their times, as their producers.

use super::board::Board;
use super::pace::Pace;
use super::script::{Entry, Script, Via};
use crate::install::Installation;
use crate::report::sender::Sender;
use anyhow::Context;
use jiff::SignedDuration;
use serde::Serialize;
use std::collections::HashMap;

/// What became of the sending.
#[derive(Debug, Default, Serialize)]
pub struct Played {
    pub accepted: usize,
    pub with_warnings: usize,
    /// Key and reason of what was refused.
    pub refused: Vec<(String, String)>,
}

/// How much before a report a quiet stretch ends.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn play(
    script: &Script,
    installation: &Installation,
    pace: &Pace,
    quiet: SignedDuration,
    board: &Board,
) -> anyhow::Result<Played> {
    let hotline = Sender::nats(&installation.nats_url("hotline")?).await?;
    let web = Sender::Http(installation.producer("web")?);
    let mut played = Played::default();
    let mut codes: HashMap<String, (Via, String)> = HashMap::new();
    for entry in &script.entries {
        if entry.at.duration_since(pace.now()) > quiet {
            pace.step_to(entry.at.checked_sub(BEFORE)?).await?;
        }
        pace.until(entry.at).await;
        let sender = if entry.via == Via::Hotline { &hotline } else { &web };
        let report = with_reference(entry, &codes);
        match sender.send(&entry.key, &report).await {
            Ok(accepted) => {
                played.accepted += 1;
                played.with_warnings += usize::from(!accepted.warnings.is_empty());
                codes.insert(entry.key.clone(), (entry.via, accepted.tracking_code));
            }
            Err(error) => {
                let error = format!("{:#}", error.context(format!("the report {}", entry.key)));
                board.note(&error);
                played.refused.push((entry.key.clone(), error));
            }
        }
        board.sent();
    }
    Ok(played)
}

/// A supplement names the earlier report by its key; one that came another way is known to its sender by the tracking code alone.
fn with_reference(entry: &Entry, codes: &HashMap<String, (Via, String)>) -> duban_contracts::report::Report {
    let mut report = entry.report.clone();
    if let Some(follows) = &entry.report.follows
        && let Some((via, code)) = codes.get(follows)
        && *via != entry.via
    {
        report.follows = Some(code.clone());
    }
    report
}

/// Domain time goes on for a while after the last report, so that the staff can finish.
pub(super) async fn wait_for_the_end(script: &Script, pace: &Pace) {
    pace.until(script.ends()).await;
}

impl Played {
    /// # Errors
    /// When a report was refused.
    pub fn must_be_whole(&self) -> anyhow::Result<()> {
        let first = self.refused.first().map(|(_, why)| why.clone());
        first.map_or(Ok(()), |why| Err(anyhow::anyhow!(why)).context("not every report was taken"))
    }
}
