//! What the gateway's tests stand on: a private Postgres and NATS, gateways as processes, an administrator, a producer.
#![allow(dead_code, reason = "each test file uses its own part")]

use anyhow::{Context, bail};
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_local::{Ground, Port};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);

pub struct World {
    pub ground: Ground,
    pub http: Client,
    /// Bearer token of the first administrator, `root`.
    pub admin: String,
    folder: TemporaryFolder,
}

/// A running gateway. Dropped, it is stopped.
pub struct Gateway {
    pub url: String,
    pub process: Process,
    http: Client,
    _port: Port,
}

impl World {
    /// Postgres, NATS, no gateway yet.
    pub async fn bare() -> anyhow::Result<Self> {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(LIMIT).build()?;
        Ok(Self { ground: Ground::for_test().await?, http, admin: String::new(), folder: TemporaryFolder::new()? })
    }

    /// With a gateway (`a`), the administrator `root`, and the producer `hotline`, whose token is given back.
    pub async fn start() -> anyhow::Result<(Self, Gateway, String)> {
        Self::start_with(&[]).await
    }

    pub async fn start_with(extra: &[(&str, &str)]) -> anyhow::Result<(Self, Gateway, String)> {
        let mut world = Self::bare().await?;
        let gateway = world.gateway("a", extra).await?;
        world.admin = world.first_administrator().await?;
        let token = world.producer(&gateway, "hotline").await?;
        Ok((world, gateway, token))
    }

    /// Starts a gateway with a state folder of its name. Settings win over the usual ones.
    pub async fn gateway(&self, name: &str, extra: &[(&str, &str)]) -> anyhow::Result<Gateway> {
        let port = Port::reserve()?;
        let url = format!("http://127.0.0.1:{}", port.number());
        let mut command = Command::new(env!("CARGO_BIN_EXE_duban-gateway"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for setting in self.ground.settings("gateway")? {
            command.env(setting.name, setting.value);
        }
        command
            .env("DUBAN_BIND", format!("127.0.0.1:{}", port.number()))
            .env("DUBAN_PUBLIC_URL", "https://duban.example")
            .env("DUBAN_STATE_DIR", self.state_dir(name))
            .env("RUST_LOG", "info,async_nats=warn,sqlx=warn")
            .envs(extra.iter().copied());
        let process = Process::spawn("gateway", command, &self.folder.path().join(format!("{name}.log")), Signal::TERM)?;
        let mut gateway = Gateway { url, process, http: self.http.clone(), _port: port };
        gateway.until_ready().await?;
        Ok(gateway)
    }

    pub fn state_dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As the command line makes him: over the broker, as the operator.
    pub async fn first_administrator(&self) -> anyhow::Result<String> {
        let operator = self.ground.connect_nats("operator").await?;
        let body = json!({ "person": "chief", "name": "Chief", "email": "chief@duban.example", "password": "correct horse" });
        let deadline = Instant::now() + LIMIT;
        loop {
            let answer = operator.request("duban.gateway.rpc.v1.admin.create", body.to_string().into()).await;
            let answer: Value = match answer {
                Ok(message) => serde_json::from_slice(&message.payload)?,
                Err(error) => json!({ "error": error.to_string() }),
            };
            if let Some(token) = answer["token"].as_str() {
                return Ok(token.to_owned());
            }
            if Instant::now() > deadline {
                bail!("no first administrator: {answer}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn producer(&self, gateway: &Gateway, id: &str) -> anyhow::Result<String> {
        let made = gateway.post("/v1/producers", &self.admin).json(&json!({ "id": id, "unit": "installation" })).send().await?;
        let made = expect(made, StatusCode::OK).await?;
        made["token"].as_str().map(str::to_owned).context("a token")
    }

    /// A person with the posts of nobody; his token.
    pub async fn person(&self, gateway: &Gateway, id: &str) -> anyhow::Result<String> {
        let body = json!({ "id": id, "name": id, "email": format!("{id}@duban.example"), "password": "correct horse" });
        expect(gateway.post("/v1/people", &self.admin).json(&body).send().await?, StatusCode::OK).await?;
        let made = gateway.post(&format!("/v1/people/{id}/token"), &self.admin).json(&json!({})).send().await?;
        expect(made, StatusCode::OK).await?["token"].as_str().map(str::to_owned).context("a token")
    }

    /// Connects as a producer does.
    pub async fn connect_producer(&self, id: &str, token: &str) -> Result<async_nats::Client, async_nats::ConnectError> {
        async_nats::ConnectOptions::new()
            .user_and_password(id.to_owned(), token.to_owned())
            .custom_inbox_prefix(format!("_INBOX_{id}"))
            .request_timeout(Some(LIMIT))
            .connect(self.ground.nats_url())
            .await
    }

    /// How many reports stand in the stream.
    pub async fn reports_in_stream(&self) -> anyhow::Result<u64> {
        let client = self.ground.connect_nats("gateway").await?;
        let stream = async_nats::jetstream::new(client).get_stream("REPORTS").await?;
        Ok(stream.cached_info().state.messages)
    }
}

impl Gateway {
    pub async fn until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            self.process.fail_if_ended()?;
            if let Ok(answer) = self.http.get(format!("{}/readyz", self.url)).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the gateway does not become ready:\n{}", self.process.tail());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.ask(Method::GET, path).bearer_auth(token)
    }

    pub fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.ask(Method::POST, path).bearer_auth(token)
    }

    /// A report by HTTP; status and answer.
    pub async fn report(&self, token: &str, key: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let answer = self.post("/v1/reports", token).header("Idempotency-Key", key).json(body).send().await?;
        Ok((answer.status(), answer.json().await?))
    }
}

pub fn a_report(text: &str) -> Value {
    json!({ "channel": "phone", "text": text, "reporter": { "name": "王芳", "phone": "13800002345" } })
}

/// The answer as JSON, if it has this status.
pub async fn expect(answer: Response, status: StatusCode) -> anyhow::Result<Value> {
    let found = answer.status();
    let text = answer.text().await?;
    if found != status {
        bail!("{found} instead of {status}: {text}");
    }
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}

/// Waits until `what` is so.
pub async fn until<F: Future<Output = anyhow::Result<bool>>>(what: &str, mut is_so: impl FnMut() -> F) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so().await? {
        if Instant::now() > deadline {
            bail!("not within {LIMIT:?}: {what}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
