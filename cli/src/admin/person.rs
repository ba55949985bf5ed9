//! `duban admin person` and `duban admin token`.

use super::away::{self, AwayCommand};
use super::producer::token_told;
use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, table};
use duban_contracts::delivery::Webhook;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum PersonCommand {
    List,
    /// Make a person; the password is shown once. Posts are given by the organisation file (`PUT /v1/organisation`).
    Create {
        /// Id: lower-case letters, digits, - and _; also the login.
        id: String,
        #[arg(long)]
        name: String,
        #[arg(long)]
        email: Option<String>,
        #[arg(long)]
        phone: Option<String>,
        #[arg(long, default_value = "zh", value_parser = ["zh", "en"])]
        language: String,
        /// Where alerts are sent besides mail, signed: an address that takes POST.
        #[arg(long, value_name = "URL")]
        webhook: Option<String>,
    },
    /// The secret that signs what is sent to a person's webhook (without an id: to that of the token's own person).
    Webhook {
        id: Option<String>,
    },
    /// End all sessions and tokens; the person cannot log in any more.
    Disable {
        id: String,
    },
    /// A new password, shown once.
    Reset {
        id: String,
    },
    #[command(flatten)]
    Away(AwayCommand),
}

pub(super) async fn run(command: PersonCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    match command {
        PersonCommand::List => {
            let list: Value = gateway.get("/v1/people", &()).await?;
            show.print(&list, listed)?;
        }
        PersonCommand::Create { id, name, email, phone, language, webhook } => {
            let body = json!({ "id": id, "name": name, "email": email, "phone": phone, "language": language, "webhook": webhook });
            let made: Value = gateway.send(Method::POST, "/v1/people", &body).await?;
            show.print(&made, |made| password_told(&id, made))?;
        }
        PersonCommand::Webhook { id } => {
            let path = id.map_or_else(|| "/v1/me/webhook".to_owned(), |id| format!("/v1/people/{id}/webhook"));
            let webhook: Webhook = gateway.get(&path, &()).await?;
            show.print(&webhook, |webhook| format!("{}\n  address  {}\n  secret   {}", webhook.person, webhook.address, webhook.secret))?;
        }
        PersonCommand::Disable { id } => {
            let done: Value = gateway.send(Method::POST, &format!("/v1/people/{id}/disable"), &json!({})).await?;
            show.print(&done, |_| format!("{id} is disabled"))?;
        }
        PersonCommand::Reset { id } => {
            let made: Value = gateway.send(Method::POST, &format!("/v1/people/{id}/reset"), &json!({})).await?;
            show.print(&made, |made| password_told(&id, made))?;
        }
        PersonCommand::Away(command) => away::run(command, &gateway, show).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn token(person: &str, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    let made: Value = gateway.send(Method::POST, &format!("/v1/people/{person}/token"), &json!({})).await?;
    show.print(&made, |made| token_told(person, made))?;
    Ok(ExitCode::SUCCESS)
}

fn listed(list: &Value) -> String {
    let mut rows = table(["id", "name", "email", "disabled"]);
    for person in list["people"].as_array().or_else(|| list.as_array()).into_iter().flatten() {
        let text = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
        rows.add_row([text("id"), text("name"), text("email"), person["disabled"].as_bool().unwrap_or_default().to_string()]);
    }
    rows.to_string()
}

fn password_told(id: &str, made: &Value) -> String {
    format!("{id}\n  password  {}\nShown once: keep it.", made["password"].as_str().unwrap_or_default())
}
