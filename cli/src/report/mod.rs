//! `duban report`: sends one, imports a file of them, asks what became of one.

pub mod import;
pub mod mapping;
pub mod rows;
pub mod send;
pub mod sender;
mod track;

use crate::connection::Connection;
use crate::show::Show;
use std::process::ExitCode;

/// What can be done with reports.
#[derive(Debug, clap::Subcommand)]
pub enum ReportCommand {
    /// Send one report and print its receipt and tracking code.
    ///
    /// The same key gives the same receipt for ever and never a second case: a command that failed half-way is simply run again with its key.
    Send(Box<send::SendArguments>),
    /// Send a file of reports, CSV or JSON Lines.
    ///
    /// Each row is sent under a key of its own (a column that the mapping names, or the file's name and the line), so an import that was
    /// cut off is run again and does nothing twice.
    Import(import::ImportArguments),
    /// What the public may know of a report, by its tracking code.
    Track {
        /// 14 letters and digits, however they are grouped.
        code: String,
    },
}

/// # Errors
/// See the single commands.
pub async fn run(command: ReportCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    match command {
        ReportCommand::Send(arguments) => send::run(&arguments, connection, show).await,
        ReportCommand::Import(arguments) => import::run(&arguments, connection, show).await,
        ReportCommand::Track { code } => track::run(&code, connection, show).await,
    }
}
