//! The program `duban`: reads the command line and hands over to the library.

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = duban::Cli::parse();
    let json = cli.json;
    match duban::run(cli).await {
        Ok(code) => code,
        Err(error) => duban::exit::tell(&error, json),
    }
}
