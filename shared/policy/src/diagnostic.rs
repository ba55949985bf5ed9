//! What is wrong with a pack or an organisation file: where, what, and what to write instead.

use duban_contracts::policy::PolicySource;
use serde::Serialize;
use std::fmt;

/// One file of a policy set: its name as people know it, and its text.
pub type Source = PolicySource;

/// One fault, with its place. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// File name, as in [`Source::name`].
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Byte offset and length in the file, for programs that draw an underline.
    pub offset: usize,
    pub length: usize,
    pub severity: Level,
    /// Stable code, e.g. `unknown-event`.
    pub code: &'static str,
    pub message: String,
    pub message_zh: String,
    /// What to write instead, e.g. `did you mean 'case.registered'?`
    pub help: Option<String>,
    pub help_zh: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Error,
    Warning,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.code, self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
