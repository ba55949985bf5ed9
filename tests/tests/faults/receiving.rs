//! The receiving end: what really arrived by mail and at a webhook. A sending that a kill cut off may arrive again, but then under the same id.

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use duban_local::process::TemporaryFolder;
use duban_tests::{World, world};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What came to people's webhooks.
#[derive(Default)]
struct Came {
    /// Ids by the person and the alert that they tell of.
    ids: BTreeMap<(String, String), BTreeSet<String>>,
    calls: usize,
}

#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Came>>);

/// A receiver of webhooks on a free port, and the demonstration's policies with its address in them.
pub struct Receiver {
    calls: Calls,
    url: String,
    folder: TemporaryFolder,
}

impl Receiver {
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let calls = Calls::default();
        let router = axum::Router::new().route("/hook/{person}", post(receive)).with_state(calls.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { calls, url, folder: TemporaryFolder::new()? })
    }

    /// A copy of the policies in which everybody is told by webhook too: of one person alone nothing may come, when each alert is acknowledged
    /// before it is sent.
    ///
    /// # Errors
    /// When they cannot be copied, or nobody stands in them as expected.
    pub fn policies(&self) -> anyhow::Result<PathBuf> {
        let policies = world::edited_policies(self.folder.path(), |organisation| {
            organisation.lines().map(|line| self.with_webhook(line)).collect::<Vec<_>>().join("\n")
        })?;
        let told = std::fs::read_to_string(policies.join("organisation.toml"))?.contains(&self.url);
        anyhow::ensure!(told, "people stand differently in the organisation file");
        Ok(policies)
    }

    /// A line of one person (`id = { name = …, phone = "…", … }`) who has no webhook gets one of his own.
    fn with_webhook(&self, line: &str) -> String {
        match line.split_once(" = { name = ") {
            Some((person, rest)) if rest.contains("phone = ") && !rest.contains("webhook = ") => {
                format!(r#"{person} = {{ webhook = "{}/{person}", name = {rest}"#, self.url)
            }
            _ => line.to_owned(),
        }
    }
}

async fn receive(State(calls): State<Calls>, Path(person): Path<String>, headers: HeaderMap, body: axum::Json<Value>) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let alert = body.pointer("/data/alert").or_else(|| body.get("alert")).and_then(Value::as_str).unwrap_or_default().to_owned();
    // A digest tells of many.
    let gathered = body.pointer("/data/alerts").and_then(Value::as_array);
    let alerts = gathered.map_or_else(|| vec![alert], |all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let mut calls = calls.0.lock().unwrap_or_else(PoisonError::into_inner);
    for alert in alerts {
        calls.ids.entry((person.clone(), alert)).or_default().insert(id.clone());
    }
    calls.calls += 1;
    StatusCode::NO_CONTENT
}

/// One alert never has two ids for one person and channel.
pub async fn check(world: &World, receiver: &Receiver) -> anyhow::Result<()> {
    let twice = world
        .count("select count(*) from (select 1 from notifications.delivery where alert is not null group by alert, person, channel having count(*) > 1) twice")
        .await?;
    anyhow::ensure!(twice == 0, "{twice} deliveries have two ids");
    mails(world)?;
    let came = receiver.calls.0.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{} webhook calls of {} alerts arrived", came.calls, came.ids.len());
    anyhow::ensure!(came.calls > 0, "no webhook arrived, so the test shows nothing of them");
    match came.ids.iter().find(|((_, alert), ids)| alert.is_empty() || ids.len() != 1) {
        Some(((person, alert), ids)) => anyhow::bail!("the webhook of alert '{alert}' to {person} came under {} ids", ids.len()),
        None => Ok(()),
    }
}

/// A link is of one alert and one person, so all mails with it are one message, sent once or again: by itself or in one digest, not in both.
fn mails(world: &World) -> anyhow::Result<()> {
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mails = world.stack.mail.messages();
    for mail in &mails {
        let id = mail.message_id.clone().context("a mail without Message-ID")?;
        let links: BTreeSet<String> = mail.links("/a/").collect();
        anyhow::ensure!(!links.is_empty(), "a mail without its link: {}", mail.subject);
        for link in links {
            ids.entry(link).or_default().insert(id.clone());
        }
    }
    println!("{} mails of {} alerts arrived", mails.len(), ids.len());
    anyhow::ensure!(!mails.is_empty(), "no mail arrived, so the test shows nothing of them");
    match ids.iter().find(|(_, ids)| ids.len() > 1) {
        Some((link, ids)) => anyhow::bail!("{link} came under {} ids", ids.len()),
        None => Ok(()),
    }
}
