//! Rows of a file that holds reports: CSV with a heading line, or JSON Lines.

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use std::path::Path;

/// One row and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: u64,
    pub members: Map<String, Value>,
}

/// Reads the whole file. `.csv` is CSV; anything else is JSON Lines; a UTF-8 byte order mark is passed over.
///
/// # Errors
/// With the line, when the file cannot be read as what it is.
pub fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if is_csv { from_csv(text) } else { from_json_lines(text) }.with_context(|| format!("in {}", path.display()))
}

fn from_csv(text: &str) -> anyhow::Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let heading = reader.headers().context("the heading line")?.clone();
    if heading.iter().all(str::is_empty) {
        bail!("there is no heading line");
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let members = heading
            .iter()
            .zip(record.iter())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())))
            .collect();
        rows.push(Row { line, members });
    }
    Ok(rows)
}

fn from_json_lines(text: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index as u64 + 1;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line).with_context(|| format!("line {number}"))? {
            Value::Object(members) => rows.push(Row { line: number, members }),
            _ => bail!("line {number}: a JSON object is expected"),
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_rows_know_their_line_and_leave_out_what_is_empty() {
        let rows = from_csv("id,text\n1,\"two\nlines\"\n2,\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].line, rows[1].line), (2, 4));
        assert_eq!(rows[0].members["text"], "two\nlines");
        assert!(!rows[1].members.contains_key("text"));
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = from_json_lines("{\"a\":1}\n\n{oops}\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
        assert!(format!("{:#}", from_json_lines("[1]").unwrap_err()).contains("JSON object"));
        assert!(format!("{:#}", from_csv("a,b\n1,2\n3\n").unwrap_err()).contains("line: 3"));
    }
}
