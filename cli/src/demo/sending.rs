//! Sends the script's reports, as their producers.

use super::board::Board;
use super::script::{Entry, Via};
use crate::install::Installation;
use crate::report::sender::Sender;
use anyhow::Context;
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

pub(super) struct Sending {
    hotline: Sender,
    web: Sender,
    /// Of what was accepted, by its key.
    codes: HashMap<String, (Via, String)>,
    played: Played,
}

impl Sending {
    /// # Errors
    /// When the broker does not let the hotline in.
    pub(super) async fn open(installation: &Installation) -> anyhow::Result<Self> {
        let hotline = Sender::nats(&installation.nats_url("hotline")?).await?;
        let web = Sender::Http(installation.producer("web")?);
        Ok(Self { hotline, web, codes: HashMap::new(), played: Played::default() })
    }

    pub(super) async fn send(&mut self, entry: &Entry, board: &Board) {
        let sender = if entry.via == Via::Hotline { &self.hotline } else { &self.web };
        match sender.send(&entry.key, &self.with_reference(entry)).await {
            Ok(accepted) => {
                self.played.accepted += 1;
                self.played.with_warnings += usize::from(!accepted.warnings.is_empty());
                self.codes.insert(entry.key.clone(), (entry.via, accepted.tracking_code));
            }
            Err(error) => {
                let error = format!("{:#}", error.context(format!("the report {}", entry.key)));
                board.note(&error);
                self.played.refused.push((entry.key.clone(), error));
            }
        }
        board.sent();
    }

    /// How many reports were accepted so far.
    pub(super) fn accepted(&self) -> usize {
        self.played.accepted
    }

    pub(super) fn played(self) -> Played {
        self.played
    }

    /// A supplement names the earlier report by its key; one that came another way is known to its sender by the tracking code alone.
    fn with_reference(&self, entry: &Entry) -> duban_contracts::report::Report {
        let mut report = entry.report.clone();
        if let Some(follows) = &entry.report.follows
            && let Some((via, code)) = self.codes.get(follows)
            && *via != entry.via
        {
            report.follows = Some(code.clone());
        }
        report
    }
}

impl Played {
    /// # Errors
    /// When a report was refused.
    pub fn must_be_whole(&self) -> anyhow::Result<()> {
        let first = self.refused.first().map(|(_, why)| why.clone());
        first.map_or(Ok(()), |why| Err(anyhow::anyhow!(why)).context("not every report was taken"))
    }
}
