//! `duban admin create`: the first administrator, by the operator.

use crate::connection::Connection;
use crate::dead::Broker;
use crate::show::Show;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct CreateArguments {
    /// Id: lower-case letters, digits, - and _; also the login.
    #[arg(long, default_value = "admin")]
    pub id: String,
    #[arg(long, default_value = "Administrator")]
    pub name: String,
    #[arg(long)]
    pub email: String,
    /// Password; without one, one is made and shown once. Where others can see the list of processes, give it by the environment instead.
    #[arg(long, env = "DUBAN_ADMIN_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
}

/// What was made. The secrets are not kept anywhere else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Administrator {
    pub person: String,
    pub login: String,
    pub password: String,
    pub token: String,
}

pub(super) async fn run(arguments: &CreateArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let broker = Broker::connect(&connection.operator()?).await?;
    let made = create(&broker, &arguments.id, &arguments.name, &arguments.email, arguments.password.as_deref()).await?;
    show.print(&made, |made| {
        format!(
            "administrator {}\n  login     {}\n  password  {}\n  token     {}\nShown once: keep them.",
            made.person, made.login, made.password, made.token
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Asks the gateway, over the broker, for the first administrator.
///
/// # Errors
/// The gateway's problem (there is one already), or that it does not answer.
pub async fn create(broker: &Broker, id: &str, name: &str, email: &str, password: Option<&str>) -> anyhow::Result<Administrator> {
    let password = password.map_or_else(fresh_password, str::to_owned);
    let body = json!({ "person": id, "name": name, "email": email, "password": password });
    let created: Created = broker.ask("gateway", "admin.create", &body).await?;
    Ok(Administrator { login: created.person.clone(), person: created.person, token: created.token, password })
}

#[derive(Deserialize)]
struct Created {
    person: String,
    token: String,
}

/// 20 letters and digits that cannot be confused: about 98 bits.
pub fn fresh_password() -> String {
    const SYMBOLS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..20).map(|_| char::from(SYMBOLS[rand::random_range(0..SYMBOLS.len())])).collect()
}
