//! The neighbours of one service under test: the broker as the other services use it. They publish events, answer requests and ask, each
//! with its own user and no more rights than it has in earnest.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::{Client, HeaderMap, jetstream};
use base64::{Engine, engine::general_purpose::STANDARD};
use duban_contracts::{
    NewEvent, Problem,
    claim::{Asker, Claim},
    directory::Snapshot,
    event::header,
    policy::{PolicySnapshot, PolicySource, PolicyVersion},
    subjects,
};
use ed25519_dalek::SigningKey;
use futures::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Error, Ground, Result};

/// Everybody around the service under test.
pub struct Neighbours {
    clients: BTreeMap<String, Client>,
    operator: Client,
    archive: Client,
    claim_key: SigningKey,
}

impl Neighbours {
    /// Connects as these services and makes their event streams.
    pub async fn of(ground: &Ground, services: &[&str]) -> Result<Neighbours> {
        let mut clients = BTreeMap::new();
        for service in services {
            let client = ground.connect_nats(service).await?;
            let stream = service.to_uppercase();
            let config = jetstream::stream::Config {
                subjects: subjects::stream::subjects(&stream).iter().map(|subject| (*subject).to_owned()).collect(),
                name: stream,
                ..Default::default()
            };
            jetstream::new(client.clone()).get_or_create_stream(config).await.map_err(wrong("making a stream"))?;
            clients.insert((*service).to_owned(), client);
        }
        let seed = STANDARD.decode(ground.secrets().claim_seed()?).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let claim_key = SigningKey::from_bytes(&seed.ok_or_else(|| Error::Wrong("the claim seed is not 32 bytes".into()))?);
        let (operator, archive) = (ground.connect_nats("operator").await?, ground.connect_nats("archive").await?);
        Ok(Neighbours { clients, operator, archive, claim_key })
    }

    /// The connection of a service.
    pub fn client(&self, service: &str) -> Result<&Client> {
        self.clients.get(service).ok_or_else(|| Error::Wrong(format!("{service} is not among the neighbours")))
    }

    /// The gateway's part: answers who asks for the directory and for the packs, in force since 1970.
    pub async fn answer_as_gateway(&self, directory: Value, version: i64, sources: Vec<PolicySource>) -> Result<()> {
        self.answer("gateway", "directory.snapshot", move |_| {
            Ok(json!(Snapshot { version, page: 0, pages: 1, directory: directory.clone() }))
        })
        .await?;
        self.answer("gateway", "policy.held", |_| Ok(Value::Null)).await?;
        self.answer("gateway", "policy.snapshot", move |request| {
            let applied = PolicyVersion {
                version: 1,
                state: "applied".into(),
                effective_from: Default::default(),
                corrects: Vec::new(),
                approved_by: None,
            };
            let versions = if sources.is_empty() { Vec::new() } else { vec![applied] };
            let asked = request.get("version").is_some_and(|version| !version.is_null());
            Ok(json!(PolicySnapshot { versions, sources: if asked { sources.clone() } else { Vec::new() }, pages: 1 }))
        })
        .await
    }

    /// Answers requests `name` as `service` until the test ends.
    pub async fn answer<F>(&self, service: &str, name: &str, answer: F) -> Result<()>
    where
        F: Fn(Value) -> std::result::Result<Value, Problem> + Send + 'static,
    {
        let client = self.client(service)?.clone();
        let subject = subjects::rpc(service, name);
        let mut requests = client.queue_subscribe(subject, service.to_owned()).await.map_err(wrong("listening"))?;
        // What the broker answers came to it after the subscription: from here on it hands requests over.
        client.request("$JS.API.INFO", "".into()).await.map_err(wrong("listening"))?;
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                let Some(reply) = request.reply else { continue };
                let (mut headers, body) = (HeaderMap::new(), serde_json::from_slice(&request.payload).unwrap_or_default());
                let bytes = match answer(body) {
                    Ok(body) => serde_json::to_vec(&body),
                    Err(problem) => {
                        headers.insert(async_nats::service::NATS_SERVICE_ERROR, problem.title.as_str());
                        headers.insert(async_nats::service::NATS_SERVICE_ERROR_CODE, problem.status.to_string());
                        serde_json::to_vec(&problem)
                    }
                };
                // Who asked may have gone.
                let _ = client.publish_with_headers(reply, headers, bytes.unwrap_or_default().into()).await;
            }
        });
        Ok(())
    }

    /// Publishes an event as its service's relay does, and waits until the stream has it.
    pub async fn publish(&self, event: &NewEvent) -> Result<()> {
        let service = event.subject.split('.').nth(1).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(header::SPEC_VERSION, "1.0");
        headers.insert(header::ID, event.id.to_string());
        headers.insert(header::SOURCE, format!("/duban/{service}"));
        headers.insert(header::TYPE, event.subject.as_str());
        headers.insert(header::TIME, event.time.to_string());
        headers.insert(header::SUBJECT, event.about.as_str());
        headers.insert(header::SUBJECT_VERSION, event.version.to_string());
        headers.insert(header::POLICY, event.policy.to_string());
        headers.insert(header::CONTENT_TYPE, "application/json");
        if let Some(case) = event.case {
            headers.insert(header::CASE, case.to_string());
        }
        if let Some(traceparent) = &event.traceparent {
            headers.insert(header::TRACEPARENT, traceparent.as_str());
        }
        let jetstream = jetstream::new(self.client(service)?.clone());
        let sent = jetstream.publish_with_headers(event.subject.clone(), headers, event.body.clone().into());
        sent.await.map_err(wrong("publishing"))?.await.map_err(wrong("publishing"))?;
        Ok(())
    }

    /// Everything that `service` publishes from now on, as the gateway hears it.
    pub async fn hear(&self, service: &str) -> Result<Heard> {
        let subject = format!("duban.{service}.v1.>");
        let gateway = self.client("gateway")?;
        let messages = gateway.subscribe(subject).await.map_err(wrong("listening"))?;
        gateway.flush().await.map_err(wrong("listening"))?;
        Ok(Heard { messages, events: Vec::new() })
    }

    /// Asks as a person, the gateway vouching for him; the problem if it is refused. A case's dossier is asked for as archive, to which alone
    /// the broker allows it.
    pub async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        person: Option<&str>,
        service: &str,
        name: &str,
        request: &Q,
    ) -> Result<std::result::Result<A, Problem>> {
        let mut headers = HeaderMap::new();
        if let Some(person) = person {
            let asker = Asker::Person { person: person.into(), session: Uuid::nil() };
            headers.insert(header::CLAIM, Claim::new(asker, now()).sign(&self.claim_key));
        }
        let body = serde_json::to_vec(request).map_err(wrong("writing a request"))?;
        let asker = if name == "case.dossier" { &self.archive } else { &self.operator };
        let answer = asker.request_with_headers(subjects::rpc(service, name), headers, body.into()).await.map_err(wrong("asking"))?;
        let refused = answer.headers.as_ref().is_some_and(|headers| headers.get(async_nats::service::NATS_SERVICE_ERROR_CODE).is_some());
        if refused {
            return Ok(Err(serde_json::from_slice(&answer.payload).map_err(wrong("reading a problem"))?));
        }
        Ok(Ok(serde_json::from_slice(&answer.payload).map_err(wrong("reading an answer"))?))
    }
}

/// An event as the gateway heard it.
#[derive(Debug, Clone)]
pub struct HeardEvent {
    /// `delivery.sent`
    pub name: String,
    pub id: String,
    pub traceparent: Option<String>,
    pub body: Value,
}

/// Events heard so far, and those to come.
pub struct Heard {
    messages: async_nats::Subscriber,
    events: Vec<HeardEvent>,
}

impl Heard {
    /// Waits until `count` different events of this name have come; all of that name.
    pub async fn wait_for(&mut self, name: &str, count: usize, limit: Duration) -> Result<Vec<HeardEvent>> {
        let deadline = Instant::now() + limit;
        loop {
            let found: Vec<_> = self.events.iter().filter(|event| event.name == name).cloned().collect();
            if found.len() >= count {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.messages.next()).await {
                Ok(Some(message)) => self.take(&message),
                Ok(None) | Err(_) => {
                    let came: Vec<_> = self.events.iter().map(|event| event.name.as_str()).collect();
                    return Err(Error::Wrong(format!("{} of {count} {name} in {limit:?}; what came: {}", found.len(), came.join(", "))));
                }
            }
        }
    }

    /// How many of this name have been read so far, without waiting.
    pub fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|event| event.name == name).count()
    }

    fn take(&mut self, message: &async_nats::Message) {
        let text = |name: &str| message.headers.as_ref().and_then(|headers| headers.get(name)).map(|value| value.as_str().to_owned());
        let (Some(name), Some(id)) = (subjects::event_name(&message.subject), text(header::ID)) else { return };
        if self.events.iter().any(|event| event.id == id) {
            return;
        }
        let body = serde_json::from_slice(&message.payload).unwrap_or_default();
        self.events.push(HeardEvent { name: name.to_owned(), id, traceparent: text(header::TRACEPARENT), body });
    }
}

fn wrong<E: std::fmt::Display>(doing: &'static str) -> impl Fn(E) -> Error {
    move |error| Error::Wrong(format!("{doing}: {error}"))
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}
