//! What an installation in containers needs besides the services: see docker-compose.yml.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use duban_local::{Error, MailCatcher, Result, Secrets, containers, postgres, provision};

#[derive(Parser)]
#[command(version, about = "What an installation in containers needs besides the services")]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Make what is missing of the installation's secrets and hand each service its own.
    Secrets {
        /// Folder of volumes: all, gateway, intake, escalation, archive, notifications, nats, postgres, operator.
        dir: PathBuf,
        /// Give these folders, too, to the user of the containers.
        #[arg(long)]
        own: Vec<PathBuf>,
    },
    /// Make roles, schemas and grants, with the passwords in the folder of secrets; waits for the database.
    Database {
        dir: PathBuf,
        #[arg(long)]
        url: Option<String>,
    },
    /// Catch mail: SMTP in, pages and JSON out.
    Mail {
        dir: PathBuf,
        #[arg(long, default_value = "0.0.0.0:1025")]
        smtp: String,
        #[arg(long, default_value = "0.0.0.0:8025")]
        http: String,
    },
    /// Ask an address; succeeds if it answers 200. For health checks in an image without curl.
    Ask { url: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse().act).await else { return ExitCode::SUCCESS };
    eprintln!("duban-container: {error}");
    ExitCode::FAILURE
}

async fn run(act: Act) -> Result<()> {
    match act {
        Act::Secrets { dir, own } => {
            containers::hand_out_secrets(&dir)?;
            own.iter().try_for_each(|path| containers::own(path))
        }
        Act::Database { dir, url } => {
            let secrets = Secrets::in_folder(dir.join("all"))?;
            let url = url.unwrap_or_else(containers::socket_url);
            postgres::wait_for(&url, Duration::from_secs(120)).await?;
            provision::provision(&url, |role| secrets.database_password(role)).await
        }
        Act::Mail { dir, smtp, http } => tokio::select! {
            ended = MailCatcher::run(dir, &smtp, &http) => ended,
            stopped = duban_local::stack::interrupted() => stopped,
        },
        Act::Ask { url } => ask(&url).await,
    }
}

async fn ask(url: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(4)).no_proxy().build();
    let asked = match client {
        Ok(client) => client.get(url).send().await,
        Err(error) => Err(error),
    };
    match asked.and_then(reqwest::Response::error_for_status) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Wrong(error.to_string())),
    }
}
