//! `duban policy`: packs on paper, for which no server is needed: what the services would compile is compiled here; and packs on their way into
//! force, over the gateway's HTTP API.

pub mod applied;
pub mod applying;
pub mod bring;
mod check;
mod coverage;
mod diff;
mod due;
mod explain;
mod paper;
mod rehearse;
mod simulate;
pub mod sources;

use crate::connection::Connection;
use crate::show::Show;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Check packs, calendars and organisation together; every error with file, line and what was meant.
    Check {
        /// Folders and files of one set.
        #[arg(default_value = "policies")]
        paths: Vec<PathBuf>,
        /// Warnings count as errors.
        #[arg(long)]
        strict: bool,
    },
    /// Say in words what a rule will do, with the dates that it would give.
    Explain {
        /// pack/rule, a rule's id, the place of a declaration (decision.destroy), or an id of the regulations (R13.2.5b, or
        /// R13.2.5 for all of its parts). Without it: the list of rules.
        rule: Option<String>,
        /// For this unit's calendar and posts; absent: the first that the pack binds.
        #[arg(long)]
        unit: Option<String>,
        /// When the sample opens: RFC 3339, or a day or wall time of the organisation's zone; absent: now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        #[arg(long, default_value = "policies")]
        set: PathBuf,
    },
    /// Where every rule of the regulations is carried, and which are not yet.
    Coverage {
        #[arg(default_value = "policies")]
        set: PathBuf,
        /// Only this regulation, e.g. R13.
        #[arg(long)]
        regulation: Option<String>,
    },
    /// What changes for people from one set to another.
    Diff {
        /// The set as it is.
        before: PathBuf,
        /// The set as it is to be.
        after: PathBuf,
    },
    /// When something is due by a calendar, with every step of the count.
    Due(due::DueArguments),
    /// Play scenarios (events with times) against the packs, without any server; compared with the timeline that each promises.
    Simulate(simulate::SimulateArguments),
    /// Run a draft over what really happened, on the server: how many duties, breaches and alerts a week it would have made, per post and person,
    /// beside what was made.
    Rehearse(rehearse::RehearseArguments),
    /// A pack as it would be read on paper, article by article.
    Read {
        pack: String,
        /// In English.
        #[arg(long)]
        english: bool,
        /// Where the set is.
        #[arg(long, default_value = "policies")]
        set: PathBuf,
    },
    #[command(flatten)]
    Applying(applying::Applying),
    /// The JSON Schema of packs, of calendars or of the organisation file, for editors.
    Schema {
        #[arg(value_parser = ["pack", "calendar", "organisation"])]
        of: String,
    },
}

/// # Errors
/// When files cannot be read, no such rule is there, or the gateway refuses or cannot be reached.
pub async fn run(command: PolicyCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check { paths, strict } => check::run(&paths, strict, show),
        PolicyCommand::Explain { rule, unit, at, set } => explain::run(rule.as_deref(), unit.as_deref(), at.as_deref(), &set, show),
        PolicyCommand::Diff { before, after } => diff::run(&before, &after, show),
        PolicyCommand::Due(arguments) => due::run(&arguments, show),
        PolicyCommand::Simulate(arguments) => simulate::run(&arguments, show),
        PolicyCommand::Rehearse(arguments) => rehearse::run(arguments, connection, show).await,
        PolicyCommand::Read { pack, english, set } => paper::run(&pack, english, &set, show),
        PolicyCommand::Applying(command) => applying::run(command, connection, show).await,
        PolicyCommand::Schema { of } => {
            let schema = match of.as_str() {
                "pack" => duban_policy::source::pack_schema(),
                "calendar" => duban_policy::source::calendar_schema(),
                _ => duban_policy::source::organisation_schema(),
            };
            // A schema is JSON for whoever reads it.
            Show::new(true).print(&schema, |_| String::new())?;
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Coverage { set, regulation } => coverage::run(&set, regulation.as_deref(), show),
    }
}
