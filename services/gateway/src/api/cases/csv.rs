//! Exported cases as CSV (RFC 4180), to be opened in a spreadsheet: with a byte order mark, for Excel reads UTF-8 by it alone, and with
//! nothing in a cell that a spreadsheet would run as a formula.

use crate::pages::words;
use crate::viewer::Language;
use duban_contracts::case::ExportedCase;
use jiff::tz::TimeZone;

/// Marks the text as UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The columns' titles, Chinese and English.
const COLUMNS: [(&str, &str); 20] = [
    ("编号", "number"),
    ("类别", "kind"),
    ("单位", "unit"),
    ("严重程度", "severity"),
    ("环节", "stage"),
    ("是否办结", "closed"),
    ("结果", "outcome"),
    ("渠道", "channel"),
    ("发生时间", "occurred at"),
    ("收到时间", "received at"),
    ("立案时间", "registered at"),
    ("承办人", "handler"),
    ("重复次数", "repeats"),
    ("主题", "subject"),
    ("内容", "text"),
    ("来件人", "reporter"),
    ("电话", "telephone"),
    ("邮箱", "email"),
    ("字段", "fields"),
    ("案件标识", "case"),
];

/// The first line.
pub fn head(language: Language) -> String {
    line(COLUMNS.iter().map(|(zh, en)| language.pick(*zh, *en).to_owned()))
}

/// A case's line.
pub fn row(language: Language, zone: &TimeZone, case: &ExportedCase) -> String {
    let summary = &case.summary;
    let severity = summary.severity_title_zh.as_ref().zip(summary.severity_title.as_ref());
    let severity = severity.map_or(summary.severity.as_str(), |(zh, en)| language.pick(zh, en));
    let report = case.report.as_ref();
    let reporter = report.map(|report| &report.reporter);
    let said = |text: Option<&String>| text.cloned().unwrap_or_default();
    let fields = if case.fields.is_empty() { String::new() } else { serde_json::to_string(&case.fields).unwrap_or_default() };
    let time = |at| words::sortable(at, zone);
    line([
        summary.number.clone(),
        language.pick(&summary.kind_title_zh, &summary.kind_title).clone(),
        summary.unit.clone(),
        severity.to_owned(),
        language.pick(&summary.stage_title_zh, &summary.stage_title).clone(),
        language.pick(if summary.closed { "是" } else { "否" }, if summary.closed { "yes" } else { "no" }).to_owned(),
        said(case.outcome.as_ref()),
        summary.channel.clone(),
        time(case.occurred_at),
        time(summary.received_at),
        time(summary.registered_at),
        said(summary.handler.as_ref()),
        summary.repeats.to_string(),
        said(report.and_then(|report| report.subject.as_ref()).or(summary.subject.as_ref())),
        said(report.and_then(|report| report.text.as_ref())),
        said(reporter.and_then(|reporter| reporter.name.as_ref())),
        said(reporter.and_then(|reporter| reporter.phone.as_ref()).or(summary.phone.as_ref())),
        said(reporter.and_then(|reporter| reporter.email.as_ref())),
        fields,
        summary.case.to_string(),
    ])
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let mut line = cells.into_iter().map(|text| cell(&text)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// A cell, quoted where it must be. What a spreadsheet would take for a formula is put after an apostrophe, which makes it text: reports
/// come from anybody. Also after leading spaces, which some programs pass over, and in the wide forms, which some take for the narrow ones.
fn cell(text: &str) -> String {
    let runs =
        text.trim_start_matches([' ', '\u{a0}', '\u{3000}']).starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if runs { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';', '\t']) || text.starts_with('\'') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_run_as_a_formula() {
        for text in ["=1+1", "+86 138", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|' /C calc'!A0", "＝1", "\n=1"] {
            assert!(cell(text).starts_with("\"'"), "{text:?}: {}", cell(text));
        }
        assert_eq!(cell("TS-1"), "TS-1");
        assert_eq!(cell(""), "");
    }

    #[test]
    fn quotes_commas_and_line_ends_stay_within_their_cell() {
        assert_eq!(cell("he said \"no\", twice\nthen left"), "\"he said \"\"no\"\", twice\nthen left\"");
        assert_eq!(line(["a".to_owned(), "b,c".to_owned()]), "a,\"b,c\"\r\n");
    }
}
