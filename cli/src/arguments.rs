//! The command line's grammar.

use crate::connection::Connection;
use crate::{admin, bench, case, clock, dead, demo, exit, install_command, policy, report, up};

/// Duban: watches over a matter until it is done 督办.
#[derive(Debug, clap::Parser)]
#[command(name = "duban", version, after_help = exit::HELP, max_term_width = 110)]
pub struct Cli {
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start everything on this machine from nothing, or continue with the data that is there; stays in the foreground.
    ///
    /// A private PostgreSQL and NATS, the five services and a mail catcher, all under one folder (--dir), on 127.0.0.1 alone.
    Up(up::UpArguments),
    /// The same with an accelerated clock: a fortnight of reports and a scripted staff in a few minutes.
    Demo(demo::DemoArguments),
    /// Stop what `up` or `demo` started in the folder; the data stays.
    Down,
    /// Stop it and forget the folder with all its data.
    Clean,
    /// Fill an installation that runs elsewhere (containers): the first administrator, packs, organisation, demonstration producers.
    Install(install_command::InstallArguments),
    /// Administrators, producers, people, their tokens.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Policy packs: check them, have a rule explained, play scenarios (without any server); submit, approve and read what is in force (with one).
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Send a report, import a file of them, look one up.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Cases: list them, show one with its whole timeline.
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Messages that could not be handled: look at them, give them back.
    #[command(subcommand)]
    Dead(dead::DeadCommand),
    /// Domain time: show it, step it (demonstrations and tests).
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// How fast it is on this machine, as ratios to simpler ways of doing the same (a quarter of an hour; build with --release).
    Bench(bench::BenchArguments),
}
