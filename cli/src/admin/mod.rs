//! `duban admin`: the first administrator, and afterwards producers, people and their tokens. A token or password is shown once.

mod away;
mod create;
mod person;
mod producer;

pub use create::{Administrator, create, fresh_password};

use crate::connection::Connection;
use crate::show::Show;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum AdminCommand {
    /// Make the first administrator (works beside the gateway's API, as the operator; once there is one, he makes the others).
    Create(create::CreateArguments),
    /// Those who may send reports: list, create, disable, give a new token.
    #[command(subcommand)]
    Producer(producer::ProducerCommand),
    /// People: list, create, disable and enable, reset a password, list and revoke tokens; who is away and who is back.
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Make a token for the API, for a person. It takes the place of his older one of the same name.
    Token(person::TokenArguments),
}

/// # Errors
/// The gateway's problem, or that it cannot be reached.
pub async fn run(command: AdminCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::Create(arguments) => create::run(&arguments, connection, show).await,
        AdminCommand::Producer(command) => producer::run(command, connection, show).await,
        AdminCommand::Person(command) => person::run(command, connection, show).await,
        AdminCommand::Token(arguments) => person::token(&arguments, connection, show).await,
    }
}
