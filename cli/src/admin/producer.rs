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
        ProducerCommand::Create { id, name, unit } => {
            let made: Value = gateway.send(Method::POST, "/v1/producers", &json!({ "id": id, "name": name, "unit": unit })).await?;
            show.print(&made, |made| token_told(&id, made))?;
        }
        ProducerCommand::Token { id } => {
            let made: Value = gateway.send(Method::POST, &format!("/v1/producers/{id}/token"), &json!({})).await?;
            show.print(&made, |made| token_told(&id, made))?;
        }
        ProducerCommand::Disable { id } => {
            let done: Value = gateway.send(Method::POST, &format!("/v1/producers/{id}/disable"), &json!({})).await?;
            show.print(&done, |_| format!("producer {id} is disabled"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(list: &Value) -> String {
    let mut rows = table(["id", "name", "unit", "disabled"]);
    for producer in list["producers"].as_array().or_else(|| list.as_array()).into_iter().flatten() {
        let text = |name: &str| producer[name].as_str().unwrap_or_default().to_owned();
        rows.add_row([text("id"), text("name"), text("unit"), producer["disabled"].as_bool().unwrap_or_default().to_string()]);
    }
    rows.to_string()
}

pub(super) fn token_told(id: &str, made: &Value) -> String {
    format!("{id}\n  token  {}\nShown once: keep it.", made["token"].as_str().unwrap_or_default())
}
