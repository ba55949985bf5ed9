//! `duban policy check`.

use super::sources;
use crate::exit;
use crate::show::{Show, counted};
use duban_policy::diagnostic::Level;
use duban_policy::{Diagnostic, Policy, Source};
use miette::{GraphicalReportHandler, LabeledSpan, MietteDiagnostic, NamedSource};
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) fn run(paths: &[PathBuf], strict: bool, show: Show) -> anyhow::Result<ExitCode> {
    let sources = sources::read(paths)?;
    let (found, summary) = match Policy::compile(&sources) {
        Ok(policy) => {
            let rules: usize = policy.packs().map(|pack| pack.duties.len() + pack.recurring.len()).sum();
            let kinds: usize = policy.packs().map(|pack| pack.kinds.len()).sum();
            let declared: usize = policy.packs().map(|pack| pack.declarations.stated().count()).sum();
            let counts = [
                counted(policy.packs().count(), "pack", "packs"),
                counted(kinds, "kind", "kinds"),
                counted(rules, "duty", "duties"),
                counted(declared, "declaration", "declarations"),
            ];
            (policy.remarks().to_vec(), counts.join(", "))
        }
        Err(errors) => (errors, String::new()),
    };
    let errors = found.iter().filter(|d| d.severity == Level::Error).count();
    let failed = errors > 0 || (strict && !found.is_empty());
    let said = serde_json::json!({ "ok": !failed, "files": sources.len(), "diagnostics": found });
    show.print(&said, |_| {
        let shown: String = found.iter().map(|diagnostic| drawn(diagnostic, &sources)).collect();
        let files = counted(sources.len(), "file", "files");
        let (errors, warnings) = (counted(errors, "error", "errors"), counted(found.len() - errors, "warning", "warnings"));
        format!("{shown}{files}: {errors}, {warnings}. {summary}")
    })?;
    Ok(ExitCode::from(if failed { exit::REFUSED } else { 0 }))
}

/// The diagnostic under the line that it is about.
fn drawn(diagnostic: &Diagnostic, sources: &[Source]) -> String {
    let text = sources.iter().find(|source| source.name == diagnostic.file).map(|source| source.text.clone()).unwrap_or_default();
    let severity = match diagnostic.severity {
        Level::Error => miette::Severity::Error,
        Level::Warning => miette::Severity::Warning,
    };
    let mut shown = MietteDiagnostic::new(&diagnostic.message)
        .with_code(diagnostic.code)
        .with_severity(severity)
        .with_label(LabeledSpan::new(Some("here".to_owned()), diagnostic.offset, diagnostic.length));
    shown.help.clone_from(&diagnostic.help);
    let report = miette::Report::new(shown).with_source_code(NamedSource::new(&diagnostic.file, text));
    let mut out = String::new();
    match GraphicalReportHandler::new().render_report(&mut out, report.as_ref()) {
        Ok(()) => {
            let help = diagnostic.help_zh.as_ref().map(|help| format!("（{help}）")).unwrap_or_default();
            out.push_str(&format!("  中文: {}{help}\n\n", diagnostic.message_zh));
        }
        Err(_) => out = format!("{diagnostic}\n"),
    }
    out
}
