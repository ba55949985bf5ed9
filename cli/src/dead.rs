//! `duban dead`: the dead letters of the services, asked for as the operator over the broker, so that it works without the gateway.

use crate::connection::{Connection, Operator};
use crate::show::{Show, instant, table};
use anyhow::Context;
use duban_contracts::Problem;
use duban_contracts::dead::{DeadDetail, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::event::header;
use duban_contracts::subjects::{self, service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

/// The services that take messages, and so may have to give one up. (The gateway takes none.)
const KEEPERS: [&str; 4] = [service::INTAKE, service::ESCALATION, service::ARCHIVE, service::NOTIFICATIONS];

#[derive(Debug, clap::Subcommand)]
pub enum DeadCommand {
    /// The dead letters of one service, or of all.
    List {
        #[arg(value_parser = KEEPERS)]
        service: Option<String>,
    },
    /// One dead letter with its reason. Its content is shown to the operator only, and that is recorded.
    Show {
        #[arg(value_parser = KEEPERS)]
        service: String,
        letter: uuid::Uuid,
    },
    /// Give a dead letter back to its service under the same id, after its cause was put right. Recorded.
    Replay {
        #[arg(value_parser = KEEPERS)]
        service: String,
        letter: uuid::Uuid,
    },
}

/// # Errors
/// The service's problem, or that the broker cannot be reached.
pub async fn run(command: DeadCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let broker = Broker::connect(&connection.operator()?).await?;
    match command {
        DeadCommand::List { service } => {
            let services = service.map_or_else(|| KEEPERS.map(str::to_owned).to_vec(), |one| vec![one]);
            let mut found = BTreeMap::new();
            for service in services {
                let list = all_of(&broker, &service).await?;
                found.insert(service, list);
            }
            show.print(&found, listed)?;
        }
        DeadCommand::Show { service, letter } => {
            let detail: DeadDetail = broker.ask_as_operator(&service, "dead.show", &DeadRequest { letter }).await?;
            show.print(&detail, told)?;
        }
        DeadCommand::Replay { service, letter } => {
            let answer: Value = broker.ask_as_operator(&service, "dead.replay", &DeadRequest { letter }).await?;
            show.print(&answer, |_| format!("{letter} was given back to {service}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every dead letter of a service, page after page.
async fn all_of(broker: &Broker, service: &str) -> anyhow::Result<DeadList> {
    let mut found = DeadList { letters: Vec::new(), total: 0, next: None };
    loop {
        let before = found.letters.last().map(|last| last.letter);
        let page: DeadList = broker.ask_as_operator(service, "dead.list", &DeadListRequest { before, limit: Some(200) }).await?;
        found.total = page.total;
        found.letters.extend(page.letters);
        if page.next.is_none() {
            return Ok(found);
        }
    }
}

fn listed(found: &BTreeMap<String, DeadList>) -> String {
    let mut rows = table(["service", "letter", "subject", "reason", "attempts", "given up", "replayed"]);
    for (service, list) in found {
        for letter in &list.letters {
            rows.add_row([
                service.clone(),
                letter.letter.to_string(),
                letter.subject.clone(),
                letter.reason.clone(),
                letter.attempts.to_string(),
                instant(letter.at),
                letter.replayed_at.map(instant).unwrap_or_default(),
            ]);
        }
    }
    if found.values().all(|list| list.letters.is_empty()) { "no dead letters".to_owned() } else { rows.to_string() }
}

fn told(detail: &DeadDetail) -> String {
    let letter = &detail.letter;
    let body = serde_json::to_string_pretty(&detail.body).unwrap_or_default();
    format!(
        "{}\n  subject   {}\n  reason    {}\n  attempts  {}\n  given up  {}\n\n{body}",
        letter.letter,
        letter.subject,
        letter.reason,
        letter.attempts,
        instant(letter.at)
    )
}

/// Who sits at the command line, for the record of who opened and replayed what.
fn login() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    if name.is_empty() || name.chars().any(|symbol| !symbol.is_ascii_graphic()) { "unknown".to_owned() } else { name }
}

/// The broker as `operator`.
#[derive(Debug, Clone)]
pub struct Broker {
    pub client: async_nats::Client,
}

impl Broker {
    /// # Errors
    /// When the broker cannot be reached or does not let the operator in.
    pub async fn connect(operator: &Operator) -> anyhow::Result<Self> {
        let client = async_nats::ConnectOptions::with_user_and_password("operator".into(), operator.password.clone())
            .custom_inbox_prefix("_INBOX_operator")
            .name("duban operator")
            .request_timeout(Some(Duration::from_secs(10)))
            .connect(&operator.nats_url)
            .await
            .with_context(|| format!("connecting to the broker at {} as operator", operator.nats_url))?;
        Ok(Self { client })
    }

    /// A request that only the operator may make, under the name of who sits at the terminal; the service records it.
    ///
    /// # Errors
    /// The service's problem, or that nobody answers.
    pub async fn ask_as_operator<T: DeserializeOwned>(&self, service: &str, name: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(header::OPERATOR, login());
        self.exchange(service, subjects::operator_rpc(service, name), headers, body).await
    }

    /// A request to a service.
    ///
    /// # Errors
    /// The service's problem, or that nobody answers.
    pub async fn ask<T: DeserializeOwned>(&self, service: &str, name: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.exchange(service, subjects::rpc(service, name), async_nats::HeaderMap::new(), body).await
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        service: &str,
        subject: String,
        headers: async_nats::HeaderMap,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let reply = match self.client.request_with_headers(subject, headers, serde_json::to_vec(body)?.into()).await {
            Ok(reply) => reply,
            Err(error) if error.kind() == async_nats::client::RequestErrorKind::NoResponders => {
                return Err(Problem::unavailable(service).into());
            }
            Err(error) => return Err(error).with_context(|| format!("asking {service}")),
        };
        let answer: Value = serde_json::from_slice(&reply.payload).with_context(|| format!("{service}'s answer is not JSON"))?;
        let is_problem = answer["type"].as_str().is_some_and(|kind| kind.starts_with("urn:duban:problem:"));
        if is_problem {
            return Err(serde_json::from_value::<Problem>(answer)?.into());
        }
        serde_json::from_value(answer).with_context(|| format!("{service}'s answer is not what this version expects"))
    }
}
