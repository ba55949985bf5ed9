//! How a command ends: its exit code, and what is said when it failed.

use duban_contracts::Problem;
use std::process::ExitCode;

/// Something went wrong that is not one of the others.
pub const FAILED: u8 = 1;
/// The command line was wrong (clap's own).
pub const USAGE: u8 = 2;
/// Understood and refused: bad input, no right, a conflict; a pack with errors.
pub const REFUSED: u8 = 3;
/// A part that is needed does not answer; the same command may succeed later.
pub const UNAVAILABLE: u8 = 4;

/// For `--help`.
pub const HELP: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (bad input, no right, conflict, a pack with errors), \
4 a part does not answer (try again later).

Settings come from flags, then from the environment, then from the file that `duban up` writes (.duban/env).";

/// Says what went wrong, on standard error (as JSON for `--json`), and gives the code.
pub fn tell(error: &anyhow::Error, json: bool) -> ExitCode {
    let problem = error.downcast_ref::<Problem>();
    if json {
        let said = match problem {
            Some(problem) => serde_json::json!({ "error": problem, "context": error.to_string() }),
            None => serde_json::json!({ "error": format!("{error:#}") }),
        };
        eprintln!("{said}");
    } else {
        eprintln!("duban: {}", sentence(error, problem));
    }
    ExitCode::from(code(error))
}

fn sentence(error: &anyhow::Error, problem: Option<&Problem>) -> String {
    let Some(problem) = problem else { return format!("{error:#}") };
    let mut text = problem.title.clone();
    if !problem.title_zh.is_empty() {
        text = format!("{text} / {}", problem.title_zh);
    }
    if !problem.detail.is_empty() {
        text = format!("{text}: {}", problem.detail);
    }
    for wrong in &problem.errors {
        let field = if wrong.field.is_empty() { "/" } else { &wrong.field };
        // A question needs no word before it: did you mean …?
        let expected = if wrong.expected.starts_with("did you mean") { String::new() } else { "expected: ".to_owned() };
        text = format!("{text}\n  {field}: {} ({expected}{})", wrong.wrong, wrong.expected);
        if !wrong.wrong_zh.is_empty() {
            text = format!("{text}\n    {}（{}）", wrong.wrong_zh, wrong.expected_zh);
        }
    }
    text
}

/// The exit code for an error.
pub fn code(error: &anyhow::Error) -> u8 {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return if problem.status == 503 || problem.status == 429 || problem.status == 504 {
            UNAVAILABLE
        } else if problem.status < 500 {
            REFUSED
        } else {
            FAILED
        };
    }
    let unreachable = error.chain().any(|cause| {
        cause.downcast_ref::<reqwest::Error>().is_some_and(|e| e.is_connect() || e.is_timeout())
            || cause.downcast_ref::<async_nats::ConnectError>().is_some()
    });
    if unreachable { UNAVAILABLE } else { FAILED }
}
