//! `duban admin person` and `duban admin token`.

use super::away::{self, AwayCommand};
use super::producer::token_told;
use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, instant, table};
use duban_contracts::Problem;
use duban_contracts::delivery::Webhook;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::process::ExitCode;
use uuid::Uuid;

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
    /// Let a person who was disabled in again, with his password; his tokens stay revoked.
    Enable {
        id: String,
    },
    /// A new password, shown once; it ends all sessions, and leaves tokens as they are.
    Reset {
        id: String,
    },
    /// The tokens of a person that are good (not the tokens themselves, which were shown once).
    Tokens {
        id: String,
    },
    /// Revoke a token of a person at once.
    Revoke {
        id: String,
        /// Its name, or its id, as `tokens` lists them.
        #[arg(value_name = "TOKEN")]
        listed: String,
    },
    #[command(flatten)]
    Away(AwayCommand),
}

#[derive(Debug, clap::Args)]
pub struct TokenArguments {
    /// Person id.
    pub person: String,
    /// What it is for.
    #[arg(long, default_value = "api")]
    pub name: String,
    /// How long it is good, in days.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub days: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

/// As the gateway lists one; real time.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    id: Uuid,
    name: String,
    created_at: Timestamp,
    created_by: String,
    expires_at: Timestamp,
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
        PersonCommand::Enable { id } => {
            let done: Value = gateway.send(Method::POST, &format!("/v1/people/{id}/enable"), &json!({})).await?;
            show.print(&done, |_| format!("{id} is enabled"))?;
        }
        PersonCommand::Tokens { id } => {
            let tokens: Tokens = gateway.get(&format!("/v1/people/{id}/tokens"), &()).await?;
            show.print(&tokens, |tokens| tokens_listed(&id, &tokens.tokens))?;
        }
        PersonCommand::Revoke { id, listed } => {
            let tokens: Tokens = gateway.get(&format!("/v1/people/{id}/tokens"), &()).await?;
            let is_meant = |token: &&Token| token.name == listed || token.id.to_string() == listed;
            let none = || {
                let detail = format!("{id} has no token '{listed}' that is good (`duban admin person tokens {id}` lists them)");
                Problem::not_found().with_detail(detail)
            };
            let token = tokens.tokens.iter().find(is_meant).ok_or_else(none)?.id;
            let done: Value = gateway.send(Method::POST, &format!("/v1/people/{id}/tokens/{token}/revoke"), &json!({})).await?;
            show.print(&done, |_| format!("token {listed} of {id} is revoked"))?;
        }
        PersonCommand::Reset { id } => {
            let made: Value = gateway.send(Method::POST, &format!("/v1/people/{id}/reset"), &json!({})).await?;
            show.print(&made, |made| password_told(&id, made))?;
        }
        PersonCommand::Away(command) => away::run(command, &gateway, show).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn token(arguments: &TokenArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let TokenArguments { person, name, days } = arguments;
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    let request = json!({ "name": name, "days": days });
    let made: Value = gateway.send(Method::POST, &format!("/v1/people/{person}/token"), &request).await?;
    show.print(&made, |made| token_told(person, made))?;
    Ok(ExitCode::SUCCESS)
}

fn tokens_listed(person: &str, tokens: &[Token]) -> String {
    if tokens.is_empty() {
        return format!("{person} has no token");
    }
    let mut rows = table(["token", "name", "made", "by", "good until"]);
    for token in tokens {
        let Token { id, name, created_at, created_by, expires_at } = token;
        rows.add_row([id.to_string(), name.clone(), instant(*created_at), created_by.clone(), instant(*expires_at)]);
    }
    rows.to_string()
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
