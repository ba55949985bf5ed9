//! `duban admin producer`.

use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, table};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum ProducerCommand {
    List,
    /// Make a producer; its token is shown once.
    Create {
        /// Id: lower-case letters, digits, - and _. It stands in subjects and never changes.
        id: String,
        #[arg(long)]
        name: String,
        /// Unit of reports that name none.
        #[arg(long)]
        unit: String,
        /// For how long it may send nothing before that is told, in its unit's calendar: 4wh, 1wd, 24h.
        #[arg(long)]
        silent_after: Option<String>,
    },
    /// Say for how long a producer may send nothing before that is told; without a time its silence is not told any longer.
    Watch {
        id: String,
        /// In its unit's calendar: 4wh, 1wd, 24h.
        #[arg(long)]
        silent_after: Option<String>,
    },
    /// Give it a new token; the old one stops working.
    Token {
        id: String,
    },
    /// Stop taking its reports.
    Disable {
        id: String,
    },
}

pub(super) async fn run(command: ProducerCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    match command {
        ProducerCommand::List => {
            let list: Value = gateway.get("/v1/producers", &()).await?;
            show.print(&list, listed)?;
        }
        ProducerCommand::Create { id, name, unit, silent_after } => {
            let new = json!({ "id": id, "name": name, "unit": unit, "silent_after": silent_after });
            let made: Value = gateway.send(Method::POST, "/v1/producers", &new).await?;
            show.print(&made, |made| token_told(&id, made))?;
        }
        ProducerCommand::Token { id } => {
            let made: Value = gateway.send(Method::POST, &format!("/v1/producers/{id}/token"), &json!({})).await?;
            show.print(&made, |made| token_told(&id, made))?;
        }
        ProducerCommand::Watch { id, silent_after } => {
            let watch = json!({ "silent_after": silent_after });
            let done: Value = gateway.send(Method::POST, &format!("/v1/producers/{id}/watch"), &watch).await?;
            show.print(&done, |_| match silent_after {
                Some(time) => format!("producer {id} is silent after {time} without a report"),
                None => format!("producer {id} is not watched"),
            })?;
        }
        ProducerCommand::Disable { id } => {
            let done: Value = gateway.send(Method::POST, &format!("/v1/producers/{id}/disable"), &json!({})).await?;
            show.print(&done, |_| format!("producer {id} is disabled"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(list: &Value) -> String {
    let mut rows = table(["id", "name", "unit", "silent after", "disabled"]);
    for producer in list["producers"].as_array().or_else(|| list.as_array()).into_iter().flatten() {
        let text = |name: &str| producer[name].as_str().unwrap_or_default().to_owned();
        rows.add_row([
            text("id"),
            text("name"),
            text("unit"),
            text("silent_after"),
            producer["disabled"].as_bool().unwrap_or_default().to_string(),
        ]);
    }
    rows.to_string()
}

pub(super) fn token_told(id: &str, made: &Value) -> String {
    format!("{id}\n  token  {}\nShown once: keep it.", made["token"].as_str().unwrap_or_default())
}
