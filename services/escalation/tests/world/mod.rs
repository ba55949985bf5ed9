//! The world of these tests: a Postgres and a broker of their own, copies of escalation on a clock that only the test moves, and services
//! that tell it what they would tell.

#![allow(dead_code)] // each test file uses its part

use anyhow::Context;
use async_nats::jetstream::consumer::PullConsumer;
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::policy::PolicySource;
use duban_contracts::{NewEvent, Problem, Timestamp};
use duban_escalation::{App, Rounds};
use duban_local::Ground;
use duban_platform::clock::control::{self, Change};
use duban_platform::config::{Common, LogFormat};
use duban_platform::rpc::Call;
use duban_platform::{Platform, Ts};
use duban_policy::directory::{Absence, Delegation, Directory};
use duban_policy::organisation::Organisation;
use duban_policy::policy::correction::{Correction, Corrects};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub const PACK: &str = include_str!("pack.toml");
pub const ORGANISATION: &str = include_str!("organisation.toml");
const CALENDAR: &str = include_str!("../../../../policies/calendars/always.toml");
const OFFICE: &str = include_str!("office.toml");
const BASICS: &str = include_str!("../../../../policies/basics.toml");

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

/// Monday, nine in the morning in Shanghai.
pub const START: &str = "2026-03-02T01:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many minutes after the start.
pub fn minutes(count: i64) -> Timestamp {
    Timestamp::from_second(at(START).as_second() + count * 60).unwrap()
}

pub fn hours(count: i64) -> Timestamp {
    minutes(count * 60)
}

pub struct World {
    pub ground: Ground,
    superuser: PgPool,
    operator: async_nats::Client,
    intake: Platform,
    pub gateway: Platform,
    pub archive: Platform,
    pub notifications: Platform,
    pub directory: Directory,
    /// Rest between two audits of copies that are started from now on.
    pub audit: Duration,
}

/// A running copy of escalation.
pub struct Copy {
    pub platform: Platform,
    pub app: Arc<App>,
}

impl Copy {
    /// Breaks it off, wherever it is.
    pub async fn end(self) -> anyhow::Result<()> {
        self.platform.shutdown.cancel();
        // Nobody waits for it to confirm a step of the clock.
        self.platform.bus.client.drain().await?;
        Ok(())
    }
}

impl Deref for Copy {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

impl World {
    /// Nothing of escalation runs yet.
    pub async fn new() -> anyhow::Result<Self> {
        let ground = Ground::for_test().await?;
        let superuser = PgPool::connect(ground.superuser_url()).await?;
        let operator = ground.connect_nats("operator").await?;
        control::set(&superuser, &operator, Change::Begin { at: at(START), factor: 0.0 }).await?;
        let (intake, gateway) = (service(&ground, "intake").await?, service(&ground, "gateway").await?);
        // They own streams that escalation reads.
        let (archive, notifications) = (service(&ground, "archive").await?, service(&ground, "notifications").await?);
        let directory = directory(ORGANISATION, 1);
        Ok(Self { ground, superuser, operator, intake, gateway, archive, notifications, directory, audit: Duration::from_secs(600) })
    }

    /// Starts a copy of escalation, with policy and directory in place, and waits until it is ready to raise.
    pub async fn copy(&self) -> anyhow::Result<Copy> {
        self.copy_that_knows(&[]).await
    }

    /// The same, with corrections that it knows of before it does anything.
    pub async fn copy_that_knows(&self, corrections: &[Correcting]) -> anyhow::Result<Copy> {
        let platform = Platform::start("escalation", &settings(&self.ground, "escalation")?, sqlx::migrate!("./migrations")).await?;
        platform.policies.put(1, &sources(&[]), true, at("2026-01-01T00:00:00Z")).map_err(|faults| anyhow::anyhow!(faults))?;
        platform.learn(corrections)?;
        platform.directory.put(self.directory.clone());
        wait("migrated", platform.db.migrated()).await?;
        wait("the clock is the test's", platform.clock.known()).await?;
        let app = duban_escalation::start(&platform, Rounds { tick: Duration::from_millis(50), audit: self.audit, keep_days: 400 }).await?;
        // What the broker answers came to it after the subscriptions: from here on it hands requests over.
        platform.bus.client.request("$JS.API.INFO", "".into()).await?;
        until("caught up", async || Ok(platform.caught_up())).await?;
        anyhow::ensure!(
            platform.clock.now() >= at(START) && platform.clock.now() < at("2030-01-01T00:00:00Z"),
            "the clock is not the test's"
        );
        Ok(Copy { platform, app })
    }

    /// Another state of the organisation, for all copies given.
    pub fn reorganise(&mut self, organisation: &str, copies: &[&Copy]) {
        self.directory = directory(organisation, self.directory.version() + 1);
        for copy in copies {
            copy.directory.put(self.directory.clone());
        }
    }

    /// Who is away and who acts for whom from now on, for all copies given.
    pub fn set_away(&mut self, away: impl IntoIterator<Item = (String, Absence)>, delegations: Vec<Delegation>, copies: &[&Copy]) {
        self.directory = directory(ORGANISATION, self.directory.version() + 1).with_absences(away).with_delegations(delegations);
        for copy in copies {
            copy.directory.put(self.directory.clone());
        }
    }

    /// Moves domain time for every copy that runs.
    pub async fn step_to(&self, to: Timestamp) -> anyhow::Result<()> {
        control::set(&self.superuser, &self.operator, Change::Step(to)).await?;
        Ok(())
    }

    /// Intake tells of its cases.
    pub async fn tell(&self, events: &[NewEvent]) -> anyhow::Result<()> {
        let mut tx = self.intake.db.begin().await?;
        self.intake.outbox.write(&mut tx, events).await?;
        tx.commit().await?;
        self.intake.outbox.wake();
        Ok(())
    }

    /// Waits until the broker has all that was told.
    pub async fn published(&self) -> anyhow::Result<()> {
        until("published", async || {
            let waiting: i64 =
                sqlx::query_scalar("select count(*) from outbox where published_at is null").fetch_one(self.intake.db.pool()).await?;
            Ok(waiting == 0)
        })
        .await
    }

    /// Waits until escalation has acknowledged all that intake has published: what came twice has been dropped, or has had its effect.
    pub async fn worked_off(&self, copy: &Copy) -> anyhow::Result<()> {
        until("worked off", async || {
            let consumer: PullConsumer = copy.bus.jetstream.get_consumer_from_stream("escalation", "INTAKE").await?;
            let info = consumer.cached_info();
            Ok((info.num_pending, info.num_ack_pending) == (0, 0))
        })
        .await
    }

    /// Tells, and waits until escalation has handled it all.
    pub async fn tell_and_wait(&self, copy: &Copy, events: &[NewEvent]) -> anyhow::Result<()> {
        self.tell(events).await?;
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        until("handled", async || {
            let handled: i64 =
                sqlx::query_scalar("select count(*) from inbox where id = any ($1)").bind(&ids).fetch_one(copy.db.pool()).await?;
            Ok(usize::try_from(handled)? == ids.iter().collect::<std::collections::BTreeSet<_>>().len())
        })
        .await
    }

    /// Publishes once more what is in the outbox, as a broker or a relay may do.
    pub async fn double(&self, events: &[NewEvent]) -> anyhow::Result<()> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        sqlx::query("update outbox set published_at = null where id = any ($1)").bind(ids).execute(self.intake.db.pool()).await?;
        self.intake.outbox.wake();
        self.published().await
    }

    /// Asks as a person.
    pub async fn ask<Req: Serialize, Res: DeserializeOwned>(&self, person: &str, name: &str, request: &Req) -> Result<Res, Problem> {
        let asker = Asker::Person { person: person.to_owned(), session: Uuid::nil() };
        self.ask_as(asker, Uuid::now_v7(), name, request).await
    }

    pub async fn ask_as<Req: Serialize, Res: DeserializeOwned>(
        &self,
        asker: Asker,
        id: Uuid,
        name: &str,
        request: &Req,
    ) -> Result<Res, Problem> {
        let claim = self.claim(asker).map_err(|_| Problem::internal())?;
        let call = Call::new("escalation", name).claim(&claim).request_id(id).body(request)?;
        self.gateway.bus.call(call).await
    }

    /// Asks as a person who has seen this version of what he acts on.
    pub async fn ask_seeing<Req: Serialize, Res: DeserializeOwned>(
        &self,
        person: &str,
        version: i64,
        name: &str,
        request: &Req,
    ) -> Result<Res, Problem> {
        let asker = Asker::Person { person: person.to_owned(), session: Uuid::nil() };
        let claim = self.claim(asker).map_err(|_| Problem::internal())?;
        let call = Call::new("escalation", name).claim(&claim).request_id(Uuid::now_v7()).expected_version(version).body(request)?;
        self.gateway.bus.call(call).await
    }

    fn claim(&self, asker: Asker) -> anyhow::Result<String> {
        let seed = duban_platform::config::key_of(&self.ground.secrets().claim_seed()?)?;
        Ok(Claim::new(asker, Timestamp::now().as_second()).sign(&ed25519_dalek::SigningKey::from_bytes(&seed)))
    }
}

/// The files of the tests' set, with some text of them replaced, which must stand there.
pub fn sources(edits: &[(&str, &str)]) -> Vec<PolicySource> {
    let files = [
        ("desk.toml", PACK),
        ("basics.toml", BASICS),
        ("always.toml", CALENDAR),
        ("office.toml", OFFICE),
        ("organisation.toml", ORGANISATION),
    ];
    let mut sources = files.map(|(name, text)| PolicySource { name: name.to_owned(), text: text.to_owned() });
    for (from, to) in edits {
        let found = sources.iter_mut().find(|source| source.text.contains(from)).unwrap_or_else(|| panic!("no {from}"));
        found.text = found.text.replacen(from, to, 1);
    }
    sources.to_vec()
}

/// A version in force that corrects.
#[derive(Debug, Clone)]
pub struct Correcting {
    pub version: i64,
    pub since: Timestamp,
    pub edits: Vec<(&'static str, &'static str)>,
    pub places: Vec<&'static str>,
}

/// What a copy hears of the gateway, in these tests from the test itself.
pub trait Learns {
    fn learn(&self, corrections: &[Correcting]) -> anyhow::Result<()>;
}

impl Learns for Platform {
    fn learn(&self, corrections: &[Correcting]) -> anyhow::Result<()> {
        for Correcting { version, since, edits, .. } in corrections {
            self.policies.put(*version, &sources(edits), true, *since).map_err(|faults| anyhow::anyhow!(faults))?;
        }
        let correction = |correcting: &Correcting| Correction {
            version: correcting.version,
            since: correcting.since,
            corrects: Corrects::read(&correcting.places.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>()),
            approved_by: Some("qian".to_owned()),
        };
        self.policies.put_corrections(corrections.iter().map(correction).collect());
        Ok(())
    }
}

fn directory(organisation: &str, version: i64) -> Directory {
    let source = PolicySource { name: "organisation.toml".to_owned(), text: organisation.to_owned() };
    Organisation::parse(&source).unwrap_or_else(|faults| panic!("{faults:?}")).directory(version)
}

async fn service(ground: &Ground, name: &'static str) -> anyhow::Result<Platform> {
    let none = sqlx::migrate::Migrator::with_migrations(Vec::new());
    let platform = Platform::start(name, &settings(ground, name)?, none).await?;
    wait("migrated", platform.db.migrated()).await?;
    wait("connected", platform.bus.connected()).await?;
    Ok(platform)
}

fn settings(ground: &Ground, name: &str) -> anyhow::Result<Common> {
    let secrets = ground.secrets();
    Ok(Common {
        config: None,
        nats_url: ground.nats_url().to_owned(),
        nats_user: Some(name.to_owned()),
        nats_password: Some(secrets.nats_password(name)?.parse()?),
        database_url: ground.database_url(name)?.parse()?,
        database_connections: 8,
        bind: "127.0.0.1:0".parse()?,
        claim_public: Some(secrets.claim_public()?),
        seal_key: secrets.seal_key(name)?.parse()?,
        state_dir: None,
        log_format: LogFormat::Human,
        demonstration: true,
        keep_outbox_days: 3,
        keep_dead_letter_days: 90,
    })
}

async fn wait(what: &'static str, condition: impl Future<Output = ()>) -> anyhow::Result<()> {
    tokio::time::timeout(LIMIT, condition).await.context(what)
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let end = tokio::time::Instant::now() + LIMIT;
    while !holds().await? {
        anyhow::ensure!(tokio::time::Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A case of store one, as intake tells of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub id: Uuid,
    pub unit: &'static str,
    pub handler: Option<&'static str>,
    pub excluded: Vec<&'static str>,
    pub excluded_units: Vec<&'static str>,
    pub added: Vec<&'static str>,
}

impl Case {
    pub fn new() -> Self {
        Self { id: Uuid::now_v7(), unit: "BR-1", handler: None, excluded: Vec::new(), excluded_units: Vec::new(), added: Vec::new() }
    }

    /// What happened to it, at which version and time.
    pub fn event(&self, happened: &str, version: i64, time: Timestamp) -> NewEvent {
        self.event_with(happened, version, time, json!({}))
    }

    /// The same, with more members or other ones.
    pub fn event_with(&self, happened: &str, version: i64, time: Timestamp, more: Value) -> NewEvent {
        let mut body = json!({
            "case": self.id, "number": format!("SX-{}", self.id.simple()), "pack": "desk", "kind": "matter", "unit": self.unit,
            "severity": "ordinary", "stage": "received", "channel": "web", "producer": "web", "title": "Matter", "title_zh": "事项",
            "occurred_at": time, "received_at": time, "registered_at": time, "repeats": 0, "policy": 1, "version": version,
            "handler": self.handler, "excluded_people": self.excluded, "excluded_units": self.excluded_units,
            "people_named": self.added,
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        NewEvent::new("intake", &format!("case.{happened}"), format!("case/{}", self.id), version, time, &body)
            .with_policy(1)
            .with_case(self.id)
    }
}

/// A duty in short: rule, state, closed and due, in minutes from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: Uuid,
    pub rule: String,
    pub state: String,
    pub due: i64,
    pub closed: Option<i64>,
}

/// The duties of a case, by rule and opening.
pub async fn duties(copy: &Copy, case: &Case) -> anyhow::Result<Vec<Seen>> {
    let found = duban_escalation::store::case::duties(copy.db.pool(), case.id).await?;
    let mut seen: Vec<_> = found
        .into_iter()
        .map(|duty| {
            let short = Seen {
                id: duty.id,
                rule: duty.rule.clone(),
                state: duty.state.as_str().to_owned(),
                due: since_start(duty.due_at),
                closed: duty.ended.as_ref().map(|ended| since_start(ended.moment.at)),
            };
            (duty.rule, duty.opened.at, short)
        })
        .collect();
    seen.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    Ok(seen.into_iter().map(|(_, _, short)| short).collect())
}

/// States of the duties of one rule, in the order of opening.
pub async fn states(copy: &Copy, case: &Case, rule: &str) -> anyhow::Result<Vec<String>> {
    Ok(duties(copy, case).await?.into_iter().filter(|duty| duty.rule == rule).map(|duty| duty.state).collect())
}

fn since_start(at: Timestamp) -> i64 {
    (at.as_second() - self::at(START).as_second()) / 60
}

/// An alert in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    pub id: Uuid,
    pub rung: i32,
    pub repetition: i32,
    pub people: Vec<String>,
    pub how: Vec<String>,
    pub late: bool,
    pub state: String,
}

/// The alerts of a case, in the order in which they were raised.
pub async fn alerts(copy: &Copy, case: &Case) -> anyhow::Result<Vec<Raised>> {
    let ids: Vec<Uuid> = duties(copy, case).await?.into_iter().map(|duty| duty.id).collect();
    let mut connection = copy.db.pool().acquire().await?;
    let mut found = duban_escalation::store::alerts::of_duties(&mut connection, &ids).await?;
    found.sort_by_key(|alert| (alert.raised_at, alert.rung, alert.repetition));
    Ok(found
        .into_iter()
        .map(|alert| Raised {
            id: alert.id,
            rung: alert.rung,
            repetition: alert.repetition,
            people: alert.recipients.iter().map(|told| told.person.clone()).collect(),
            how: alert.recipients.iter().map(|told| told.how.clone()).collect(),
            late: alert.late,
            state: alert.state.as_str().to_owned(),
        })
        .collect())
}

/// Waits until so many alerts were raised for a case, and gives them.
pub async fn raised(copy: &Copy, case: &Case, count: usize) -> anyhow::Result<Vec<Raised>> {
    until(&format!("{count} alerts"), async || Ok(alerts(copy, case).await?.len() >= count)).await?;
    alerts(copy, case).await
}

/// Waits until nothing is due any more as the clock was last set, also if the copy hears of it only now: what is raised by then is all.
pub async fn settled(copy: &Copy) -> anyhow::Result<()> {
    until("nothing due", async || {
        let set: Ts = sqlx::query_scalar("select domain_start from clock.setting").fetch_one(copy.db.pool()).await?;
        let due = duban_escalation::store::duties::next_timer(copy.db.pool()).await?;
        Ok(copy.clock.now() >= set.0 && due.is_none_or(|due| due > copy.clock.now()))
    })
    .await
}

/// Names of the events told about a subject, in the order of versions.
pub async fn told(copy: &Copy, about: &str) -> anyhow::Result<Vec<String>> {
    let subjects: Vec<String> = sqlx::query_scalar("select subject from outbox where about = $1 order by version, time")
        .bind(about)
        .fetch_all(copy.db.pool())
        .await?;
    Ok(subjects.into_iter().map(|subject| subject.trim_start_matches("duban.escalation.v1.").to_owned()).collect())
}

/// How often each event was told, by name.
pub async fn told_counts(copy: &Copy) -> anyhow::Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as("select subject, count(*) from outbox group by 1").fetch_all(copy.db.pool()).await?;
    Ok(rows.into_iter().map(|(subject, count)| (subject.trim_start_matches("duban.escalation.v1.").to_owned(), count)).collect())
}

pub fn value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}
