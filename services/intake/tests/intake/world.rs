//! The world of these tests: a real Postgres and broker, intake itself, a small organisation, and hands to send reports and to act.

use anyhow::Context;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use base64::Engine;
use clap::Parser;
use duban_contracts::case::{CaseAct, CaseActRequest, CaseActed, CaseDetail, CaseEvent, CaseList, CaseListRequest, CaseShowRequest};
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::event::header;
use duban_contracts::identity::IdentityKeys;
use duban_contracts::policy::PolicySource;
use duban_contracts::report::{AcceptedReport, KnownAnswer, KnownRequest, Report};
use duban_contracts::{Problem, Timestamp, ids, subjects};
use duban_intake::app::App;
use duban_intake::settings::Settings;
use duban_local::Ground;
use duban_platform::rpc::Call;
use duban_platform::{Platform, config};
use duban_policy::directory::{Directory, Watched};
use duban_policy::organisation::Organisation;
use ed25519_dalek::SigningKey;
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, clap::Parser)]
struct Config {
    #[command(flatten)]
    common: config::Common,
    #[command(flatten)]
    settings: Settings,
}

pub struct World {
    pub ground: Ground,
    pub gateway: async_nats::Client,
    pub keys: IdentityKeys,
    claims: SigningKey,
    config: Config,
    pub copies: Vec<(Platform, App)>,
    heard: OnceCell<Heard>,
}

/// Subjects and bodies of events, as another service hears them.
type Heard = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The policy set of these tests.
pub fn sources() -> Vec<PolicySource> {
    let source = |name: &str, text: &str| PolicySource { name: name.to_owned(), text: text.to_owned() };
    vec![
        source("shop.toml", include_str!("shop.toml")),
        source("basics.toml", include_str!("basics.toml")),
        source("calendars/always.toml", include_str!("calendar.toml")),
        source("organisation.toml", include_str!("organisation.toml")),
    ]
}

fn directory(organisation: &PolicySource, version: i64) -> anyhow::Result<Directory> {
    Ok(Organisation::parse(organisation).map_err(|faults| anyhow::anyhow!("{faults:?}"))?.directory(version))
}

impl World {
    /// One copy of intake, ready to register.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// The same with settings, e.g. `("follow-patience", "1")`.
    pub async fn with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let ground = Ground::for_test().await?;
        let mut arguments = vec!["duban-intake".to_owned()];
        for setting in ground.settings("intake")? {
            let name = setting.name.trim_start_matches("DUBAN_").to_lowercase().replace('_', "-");
            arguments.push(format!("--{name}={}", setting.value));
        }
        arguments.extend(settings.iter().map(|(name, value)| format!("--{name}={value}")));
        let config = Config::try_parse_from(arguments)?;
        let gateway = ground.connect_nats("gateway").await?;
        let seed = ground.settings("gateway")?.into_iter().find(|s| s.name == "DUBAN_CLAIM_SEED").context("no claim seed")?;
        let seed: [u8; 32] =
            base64::engine::general_purpose::STANDARD.decode(seed.value.trim())?.try_into().map_err(|_| anyhow::anyhow!("seed"))?;
        let keys = IdentityKeys { identity: config.settings.identity_key.key()?, check: config.settings.check_key.key()? };
        let mut world =
            Self { ground, gateway, keys, claims: SigningKey::from_bytes(&seed), config, copies: Vec::new(), heard: OnceCell::new() };
        world.make_queue().await?;
        world.start_copy().await?;
        let complete = tokio::time::timeout(PATIENCE, world.platform().db.migrated());
        complete.await.context("the schema is not complete in time")?;
        eventually("an answer", || async {
            let asked = KnownRequest { reports: Vec::new() };
            Call::new("intake", "report.known").body(&asked).ok()?.send::<KnownAnswer>(&world.gateway).await.ok()
        })
        .await?;
        // What the broker answers came to it after the subscriptions: from here on it hands requests over.
        world.platform().bus.client.request("$JS.API.INFO", "".into()).await?;
        Ok(world)
    }

    /// The work queue, as the gateway makes it.
    pub async fn make_queue(&self) -> anyhow::Result<()> {
        jetstream::new(self.gateway.clone())
            .get_or_create_stream(stream::Config {
                name: subjects::stream::REPORTS.to_owned(),
                subjects: vec![subjects::REPORT_ACCEPTED.to_owned()],
                retention: stream::RetentionPolicy::WorkQueue,
                discard: stream::DiscardPolicy::New,
                allow_atomic_publish: true,
                deny_delete: true,
                ..stream::Config::default()
            })
            .await?;
        Ok(())
    }

    /// Another copy of intake on the same ground.
    pub async fn start_copy(&mut self) -> anyhow::Result<usize> {
        let platform = Platform::start("intake", &self.config.common, sqlx::migrate!()).await?;
        let sources = sources();
        let organisation = sources.iter().find(|source| source.name == "organisation.toml").context("no organisation")?;
        platform.directory.put(directory(organisation, 1)?);
        platform.policies.put(1, &sources, true, "2020-01-01T00:00:00Z".parse()?).map_err(anyhow::Error::msg)?;
        let app = duban_intake::start(&platform, &self.config.settings).await?;
        self.copies.push((platform, app));
        Ok(self.copies.len() - 1)
    }

    pub fn platform(&self) -> &Platform {
        &self.copies[0].0
    }

    /// From now on the organisation is another: each of the pairs is what stood in its file, and what stands there instead.
    pub fn reorganise(&self, version: i64, changes: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut organisation = sources().into_iter().find(|source| source.name == "organisation.toml").context("no organisation")?;
        for (was, is) in changes {
            anyhow::ensure!(organisation.text.contains(was), "the organisation has no {was}");
            organisation.text = organisation.text.replace(was, is);
        }
        self.platform().directory.put(directory(&organisation, version)?);
        Ok(())
    }

    /// From now on these producers are watched, each with how long it may be silent, and no others.
    pub fn watch(&self, version: i64, watched: &[(&str, &str)]) -> anyhow::Result<()> {
        let organisation = sources().into_iter().find(|source| source.name == "organisation.toml").context("no organisation")?;
        let watched = watched.iter().map(|(producer, silent_after)| {
            Ok(Watched { producer: (*producer).to_owned(), unit: "EAST".to_owned(), silent_after: silent_after.parse()? })
        });
        let directory = directory(&organisation, version)?.with_watched(watched.collect::<anyhow::Result<Vec<_>>>()?);
        self.copies.iter().for_each(|(platform, _)| platform.directory.put(directory.clone()));
        Ok(())
    }

    pub fn receipt(&self, producer: &str, key: &str) -> Uuid {
        self.keys.receipt(producer, key)
    }

    /// The report as the gateway would put it on the queue.
    pub fn accepted(&self, key: &str, body: &Value) -> AcceptedReport {
        self.accepted_of("hotline", key, body)
    }

    pub fn accepted_of(&self, producer: &str, key: &str, body: &Value) -> AcceptedReport {
        let report: Report = serde_json::from_value(body.clone()).expect("a report");
        let follows = report.follows.as_deref();
        let code = follows.and_then(|text| text.parse::<duban_contracts::identity::TrackingCode>().ok());
        AcceptedReport {
            receipt: self.receipt(producer, key),
            producer: producer.to_owned(),
            idempotency_key: key.to_owned(),
            body_hash: hex::encode(self.keys.body_hash(body)),
            received_at: self.platform().clock.now(),
            unit: report.unit.clone().unwrap_or_else(|| "EAST".to_owned()),
            follows: follows.filter(|_| code.is_none()).map(|key| self.receipt(producer, key)),
            follows_code: code.map(|code| code.hash.to_string()),
            report,
        }
    }

    /// Puts a report on the queue and returns its receipt.
    pub async fn report(&self, key: &str, body: Value) -> anyhow::Result<Uuid> {
        self.report_of("hotline", key, body).await
    }

    pub async fn report_of(&self, producer: &str, key: &str, body: Value) -> anyhow::Result<Uuid> {
        let accepted = self.accepted_of(producer, key, &body);
        self.put(serde_json::to_vec(&accepted)?, accepted.received_at, None).await?;
        Ok(accepted.receipt)
    }

    /// Puts any bytes on the queue as an event.
    pub async fn put(&self, body: Vec<u8>, time: Timestamp, traceparent: Option<&str>) -> anyhow::Result<()> {
        Self::put_over(&self.gateway, body, time, traceparent).await
    }

    /// The same by another gateway.
    pub async fn put_over(gateway: &async_nats::Client, body: Vec<u8>, time: Timestamp, traceparent: Option<&str>) -> anyhow::Result<()> {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(header::SPEC_VERSION, "1.0");
        headers.insert(header::ID, ids::fresh().to_string());
        headers.insert(header::TYPE, subjects::REPORT_ACCEPTED);
        headers.insert(header::SOURCE, "/duban/gateway");
        headers.insert(header::TIME, time.to_string());
        if let Some(traceparent) = traceparent {
            headers.insert(header::TRACEPARENT, traceparent);
        }
        jetstream::new(gateway.clone()).publish_with_headers(subjects::REPORT_ACCEPTED, headers, body.into()).await?.await?;
        Ok(())
    }

    /// A signed claim of a person.
    pub fn claim(&self, person: &str) -> String {
        self.claim_of(Asker::Person { person: person.to_owned(), session: Uuid::nil() })
    }

    pub fn claim_of(&self, asker: Asker) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Claim::new(asker, i64::try_from(now).unwrap_or(0)).sign(&self.claims)
    }

    pub async fn ask<Req: Serialize, Res: DeserializeOwned>(&self, person: &str, name: &str, body: &Req) -> Result<Res, Problem> {
        Call::new("intake", name).body(body)?.claim(&self.claim(person)).timeout(PATIENCE).send(&self.gateway).await
    }

    pub async fn list(&self, person: &str, request: CaseListRequest) -> Result<CaseList, Problem> {
        self.ask(person, "case.list", &request).await
    }

    pub async fn show(&self, person: &str, case: Uuid) -> Result<CaseDetail, Problem> {
        self.ask(person, "case.show", &CaseShowRequest { case: Some(case), number: None }).await
    }

    /// Does something to a case as it now stands.
    pub async fn act(&self, person: &str, case: Uuid, act: CaseAct) -> Result<CaseActed, Problem> {
        let version = self.version(case).await;
        self.act_as(person, case, act, ids::fresh(), version).await
    }

    pub async fn act_as(&self, person: &str, case: Uuid, act: CaseAct, request: Uuid, expected: i64) -> Result<CaseActed, Problem> {
        Call::new("intake", "case.act")
            .body(&CaseActRequest { case, act })?
            .claim(&self.claim(person))
            .request_id(request)
            .expected_version(expected)
            .timeout(PATIENCE)
            .send(&self.gateway)
            .await
    }

    pub async fn step(&self, person: &str, case: Uuid, name: &str, fields: Value) -> Result<CaseActed, Problem> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        self.act(person, case, CaseAct::Step { name: name.to_owned(), fields, note: None }).await
    }

    /// Whether a text stands readable in a table of ours: as text, or as bytes of a text, which come out in hexadecimal.
    pub async fn lies_open(&self, table: &str, text: &str) -> anyhow::Result<bool> {
        let statement = format!("select coalesce(string_agg(row_to_json(t)::text, ' '), '') from intake.{table} t");
        let all: String = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut self.database().await?).await?;
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        Ok(all.contains(text) || all.contains(&bytes))
    }

    /// The database as its owner sees it.
    pub async fn database(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.ground.superuser_url()).await?)
    }

    async fn version(&self, case: Uuid) -> i64 {
        let Ok(mut database) = self.database().await else { return 0 };
        sqlx::query_scalar("select version from intake.cases where id = $1").bind(case).fetch_one(&mut database).await.unwrap_or(0)
    }

    /// The case of a report, once it has one.
    pub async fn case_of(&self, receipt: Uuid) -> anyhow::Result<Uuid> {
        let pool = self.platform().db.pool().clone();
        eventually("a case", || async {
            let found: Option<Option<Uuid>> =
                sqlx::query_scalar("select case_id from identity where receipt = $1").bind(receipt).fetch_optional(&pool).await.ok()?;
            found.flatten()
        })
        .await
    }

    /// What a query counts, when it has become this many.
    pub async fn counts(&self, what: &'static str, wanted: i64) -> anyhow::Result<()> {
        let pool = self.platform().db.pool().clone();
        eventually(what, || async {
            let count: i64 = sqlx::query_scalar(what).fetch_one(&pool).await.ok()?;
            (count == wanted).then_some(())
        })
        .await
    }

    /// Waits until everything that was put on the queue is done with: what is acknowledged is taken from it.
    pub async fn worked_off(&self) -> anyhow::Result<()> {
        let jetstream = jetstream::new(self.gateway.clone());
        eventually("an empty queue", || async {
            let stream = jetstream.get_stream(subjects::stream::REPORTS).await.ok()?;
            (stream.cached_info().state.messages == 0).then_some(())
        })
        .await
    }

    pub async fn count(&self, what: &'static str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(what).fetch_one(self.platform().db.pool()).await?)
    }

    /// Everything that intake has told of a case, in the order of its versions, once there are as many.
    pub async fn told(&self, case: Uuid, how_many: usize) -> anyhow::Result<Vec<(String, CaseEvent)>> {
        let heard = self.heard().await?;
        eventually("events of the case", || async {
            let mut found: Vec<(String, CaseEvent)> = Vec::new();
            for (name, body) in heard.lock().await.iter().filter(|(name, _)| name.starts_with("case.")) {
                let event: CaseEvent = serde_json::from_slice(body).ok()?;
                if event.case == case {
                    found.push((name.clone(), event));
                }
            }
            found.sort_by_key(|(_, event)| event.version);
            found.dedup_by_key(|(_, event)| event.version);
            (found.len() >= how_many).then_some(found)
        })
        .await
    }

    /// The events of a name, once there are as many.
    pub async fn told_of<T: DeserializeOwned>(&self, name: &str, how_many: usize) -> anyhow::Result<Vec<T>> {
        let heard = self.heard().await?;
        eventually("events of the name", || async {
            let all = heard.lock().await;
            let found: Vec<T> = all.iter().filter(|(n, _)| n == name).filter_map(|(_, body)| serde_json::from_slice(body).ok()).collect();
            (found.len() >= how_many).then_some(found)
        })
        .await
    }

    /// The stream of intake's events, read from its beginning as escalation reads it.
    async fn heard(&self) -> anyhow::Result<Heard> {
        self.heard.get_or_try_init(|| self.listen()).await.cloned()
    }

    async fn listen(&self) -> anyhow::Result<Heard> {
        let reader = self.ground.connect_nats("escalation").await?;
        let stream = eventually("the stream", || async { jetstream::new(reader.clone()).get_stream("INTAKE").await.ok() }).await?;
        let wanted = pull::Config { durable_name: Some("escalation".to_owned()), ack_policy: AckPolicy::None, ..Default::default() };
        let consumer = stream.get_or_create_consumer("escalation", wanted).await?;
        let heard = Heard::default();
        let into = heard.clone();
        tokio::spawn(async move {
            let Ok(mut messages) = consumer.messages().await else { return };
            while let Some(Ok(message)) = messages.next().await {
                let name = message.subject.trim_start_matches("duban.intake.v1.").to_owned();
                into.lock().await.push((name, message.payload.to_vec()));
            }
        });
        Ok(heard)
    }
}

/// Waits until something is there, with a limit.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> anyhow::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        anyhow::ensure!(Instant::now() < until, "not in {} s: {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A complaint about East shop.
pub fn complaint() -> Value {
    json!({ "channel": "phone", "kind": "complaint", "unit": "EAST", "subject": "吹风机冒烟", "text": "昨天买的吹风机冒烟了",
            "reporter": { "name": "周先生", "phone": "138 1234 2345" } })
}

/// A body with some members changed.
pub fn with(mut body: Value, change: Value) -> Value {
    if let (Some(body), Some(change)) = (body.as_object_mut(), change.as_object()) {
        body.extend(change.clone());
    }
    body
}
