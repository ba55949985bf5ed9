//! What came of a scenario, a line for each thing that happened.

use duban_contracts::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub at: Timestamp,
    /// `case.registered`, `duty.opened`, `alert.raised` …; `refused` for what was asked for and not allowed.
    pub event: String,
    /// The scenario's name of the case, or the unit of what belongs to none.
    pub about: String,
    /// The duty's rule, or the case's number.
    pub what: String,
    /// Particulars: stage and severity, due time and post, who was told.
    pub says: String,
}

impl Line {
    /// In the organisation's wall time, to the second.
    pub fn written(&self, zone: &TimeZone) -> String {
        let at = zone.to_datetime(self.at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        [at.as_str(), &self.event, &self.about, &self.what, &self.says]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("  ")
    }
}

/// An expected timeline, held against what comes while it comes.
pub(super) struct Expected<'a> {
    lines: Vec<&'a str>,
    /// So many came.
    came: usize,
    differs: bool,
}

impl<'a> Expected<'a> {
    pub fn read(text: &'a str) -> Self {
        Self { lines: expected_lines(text), came: 0, differs: false }
    }

    /// Whether all that has come so far is as expected.
    pub fn agrees(&mut self, came: &[Line], zone: &TimeZone) -> bool {
        let fresh = came.get(self.came..).unwrap_or_default();
        let mut both = fresh.iter().zip(self.lines.get(self.came..).unwrap_or_default());
        self.differs |= both.any(|(line, expected)| line.written(zone) != *expected) || came.len() > self.lines.len();
        self.came = came.len();
        !self.differs
    }

    /// Whether all that was expected has come, and nothing else.
    pub fn is_whole(&self) -> bool {
        !self.differs && self.came == self.lines.len()
    }
}

fn expected_lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Where an expected timeline and the one that came first differ: (number of the line, expected, came). None if they are alike.
pub fn compared(expected: &str, came: &[String]) -> Option<(usize, String, String)> {
    let expected = expected_lines(expected);
    let longest = expected.len().max(came.len());
    (0..longest).find_map(|nth| {
        let (wanted, found) = (expected.get(nth).copied().unwrap_or("nothing"), came.get(nth).map_or("nothing", String::as_str));
        (wanted != found).then(|| (nth + 1, wanted.to_owned(), found.to_owned()))
    })
}
