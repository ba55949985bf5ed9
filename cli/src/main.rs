//! The program `duban`: reads the command line and hands over to the library.

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = duban_cli::Cli::parse();
    let json = cli.json;
    match duban_cli::run(cli).await {
        Ok(code) => code,
        Err(error) => duban_cli::exit::tell(&error, json),
    }
}
