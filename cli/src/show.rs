//! What a command prints: a table or sentences for people, JSON for programs.

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    pub json: bool,
}

impl Show {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a progress bar makes sense: somebody looks, and no program reads.
    pub fn live(self) -> bool {
        !self.json && std::io::stderr().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Prints `value` as JSON, or what `people` makes of it.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn print<T: Serialize>(self, value: &T, people: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        line(&if self.json { serde_json::to_string_pretty(value)? } else { people(value) })
    }

    /// A line for people; nothing for programs.
    pub fn say(self, words: impl AsRef<str>) {
        if !self.json {
            // What is said in passing does not stop the command that says it.
            let _ = line(words.as_ref());
        }
    }
}

/// Writes a line to standard output. That nobody reads on (`duban … | head`) is no error.
fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("writing the answer"),
        _ => Ok(()),
    }
}

/// A number with what it counts: `1 case`, `2 cases`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let what = if count == N::from(1) { one } else { many };
    format!("{count} {what}")
}

/// A table with a heading row, in the house's plain style.
pub fn table<const N: usize>(heading: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(heading);
    table
}

/// An instant as people of the demonstration read it: Chinese time, to the minute.
pub fn instant(at: jiff::Timestamp) -> String {
    match jiff::tz::TimeZone::get("Asia/Shanghai") {
        Ok(zone) => at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_counted_as_one() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "case", "cases")), ["0 cases", "1 case", "2 cases"]);
    }
}
