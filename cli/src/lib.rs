//! The command line of Duban.
//!
//! - [`up`]: a whole installation on this machine, from nothing; [`demo`] the same with an accelerated clock and a play.
//! - [`admin`], [`report`], [`case`], [`dead`], [`clock`]: what a person does to a running installation. Everything but
//!   `admin create`, `dead` and `clock` goes through the gateway's HTTP API, as anybody's program would.
//! - [`policy`]: packs on paper, checked and explained without any server; and sets of them submitted, approved, withdrawn, gone back to.
//! - [`bench`]: how fast it is, as ratios to simpler ways of doing the same.
//!
//! Every command answers for people or, with `--json`, for programs, and ends with one of the codes in [`exit`].

pub mod admin;
pub mod arguments;
pub mod bench;
pub mod case;
pub mod clock;
pub mod connection;
pub mod credentials;
pub mod dead;
pub mod demo;
pub mod env_file;
pub mod exit;
pub mod gateway;
pub mod install;
pub mod install_command;
pub mod policy;
pub mod report;
pub mod show;
pub mod up;
pub mod welcome;

pub use arguments::Cli;

use arguments::Command;
use show::Show;
use std::process::ExitCode;

/// Does what the command line says.
///
/// # Errors
/// Whatever went wrong; [`exit::tell`] makes the message and the exit code of it.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let show = Show::new(cli.json);
    let connection = cli.connection;
    match cli.command {
        Command::Up(arguments) => up::run(&arguments, &connection, show).await,
        Command::Demo(arguments) => demo::run(&arguments, show).await,
        Command::Down => up::down(&connection, show).await,
        Command::Clean => up::clean(&connection, show).await,
        Command::Install(arguments) => install_command::run(&arguments, &connection, show).await,
        Command::Admin(command) => admin::run(command, &connection, show).await,
        Command::Policy(command) => policy::run(command, &connection, show).await,
        Command::Report(command) => report::run(command, &connection, show).await,
        Command::Case(command) => case::run(command, &connection, show).await,
        Command::Dead(command) => dead::run(command, &connection, show).await,
        Command::Bench(arguments) => bench::run(&arguments, show).await,
        Command::Clock(command) => clock::run(command, &connection, show).await,
    }
}
