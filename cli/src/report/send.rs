//! `duban report send`.

use super::sender::Sender;
use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::Show;
use anyhow::{Context, bail};
use duban_contracts::report::{Accepted, Attachment, Report, Reporter};
use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// Over what a report goes to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    Http,
    Nats,
}

#[derive(Debug, clap::Args)]
pub struct SendArguments {
    /// Whole report as JSON from this file (`-`: standard input) instead of from flags.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "text", "kind", "unit"])]
    pub file: Option<PathBuf>,
    /// Idempotency key; without one a fresh key is made and printed.
    #[arg(long)]
    pub key: Option<String>,
    #[arg(long, value_enum, default_value = "http")]
    pub via: Via,
    /// How it came: phone, web, store …
    #[arg(long, default_value = "web")]
    pub channel: String,
    /// Kind, by the pack's id or title; absent: the pack's choice.
    #[arg(long)]
    pub kind: Option<String>,
    /// Unit code; absent: the producer's own.
    #[arg(long)]
    pub unit: Option<String>,
    #[arg(long)]
    pub subject: Option<String>,
    #[arg(long)]
    pub text: Option<String>,
    /// The reporter's name.
    #[arg(long)]
    pub name: Option<String>,
    #[arg(long)]
    pub phone: Option<String>,
    #[arg(long)]
    pub email: Option<String>,
    #[arg(long)]
    pub anonymous: bool,
    /// When it happened, e.g. 2026-03-30T09:12:00+08:00.
    #[arg(long, value_name = "TIME")]
    pub occurred_at: Option<jiff::Timestamp>,
    /// A field of the kind: plate=川A12345. May be repeated.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub fields: Vec<(String, String)>,
    /// A reference to something kept elsewhere: NAME=REFERENCE. May be repeated.
    #[arg(long = "attachment", value_name = "NAME=REFERENCE", value_parser = name_and_value)]
    pub attachments: Vec<(String, String)>,
    /// This is a supplement: the earlier report's key (same producer) or tracking code.
    #[arg(long, value_name = "KEY|CODE")]
    pub follows: Option<String>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "NAME=VALUE is expected".to_owned())
}

pub(super) async fn run(arguments: &SendArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let report = match &arguments.file {
        Some(file) => from_file(file)?,
        None => from_flags(arguments)?,
    };
    let key = arguments.key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let accepted = sender(arguments.via, &report.channel, connection).await?.send(&key, &report).await?;
    show.print(&serde_json::json!({ "key": key, "accepted": accepted }), |_| told(&key, &accepted))?;
    Ok(ExitCode::SUCCESS)
}

/// The way that flags and settings name, for reports of `channel`.
///
/// # Errors
/// When credentials are missing or the broker refuses them.
pub async fn sender(via: Via, channel: &str, connection: &Connection) -> anyhow::Result<Sender> {
    match via {
        Via::Http => Ok(Sender::Http(Gateway::new(connection.gateway_url()?, connection.producer_token(channel)?)?)),
        Via::Nats => Sender::nats(&connection.producer_nats_url()?).await,
    }
}

fn told(key: &str, accepted: &Accepted) -> String {
    let mut text = format!(
        "accepted\n  receipt        {}\n  tracking code  {}\n  key            {key}\n  look it up     {}",
        accepted.receipt, accepted.tracking_code, accepted.links.track
    );
    for warning in &accepted.warnings {
        text.push_str(&format!("\n  warning        {}: {} / {}", warning.field, warning.message, warning.message_zh));
    }
    text
}

fn from_file(file: &PathBuf) -> anyhow::Result<Report> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?
    };
    serde_json::from_str(&text).with_context(|| format!("{} is not a report", file.display()))
}

fn from_flags(arguments: &SendArguments) -> anyhow::Result<Report> {
    if arguments.subject.is_none() && arguments.text.is_none() {
        bail!("--subject or --text is needed (or --file with the whole report)");
    }
    Ok(Report {
        channel: arguments.channel.clone(),
        kind: arguments.kind.clone(),
        unit: arguments.unit.clone(),
        occurred_at: arguments.occurred_at,
        reporter: Reporter {
            name: arguments.name.clone(),
            phone: arguments.phone.clone(),
            email: arguments.email.clone(),
            anonymous: arguments.anonymous,
        },
        subject: arguments.subject.clone(),
        text: arguments.text.clone(),
        fields: arguments.fields.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect(),
        attachments: arguments
            .attachments
            .iter()
            .map(|(name, reference)| Attachment { name: name.clone(), reference: reference.clone(), media_type: None })
            .collect(),
        follows: arguments.follows.clone(),
    })
}
