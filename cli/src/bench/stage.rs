//! Where the measuring takes place: a durable stack of its own with the demonstration's packs, and what the parts of the bench share.

use super::bodies::Bodies;
use super::collector::Collector;
use super::load::Target;
use super::memory::Starts;
use super::plain::PlainSettings;
use crate::install::{self, InstallSettings, Installation};
use crate::show::Show;
use anyhow::Context;
use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use duban_contracts::subjects::{service, stream};
use duban_local::process::{Process, Signal};
use duban_local::{Port, Stack, StackSettings};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is played.
#[derive(Debug, Clone, Copy)]
pub enum Play<'a> {
    /// The demonstration's packs, or others in their place.
    Demonstration(&'a Path),
    /// One kind and one duty for each case, nobody alerted before it is due: as much as a pipeline does that writes one row for each report.
    OneDuty,
}

/// The reports of both.
const REPORTS: &str = "demo/reports.jsonl";

/// Lays the smallest set of packs down in a folder; gives where.
fn one_duty(dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = dir.join("one-duty");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in [
        ("organisation.toml", include_str!("one-duty/organisation.toml")),
        ("one-duty.toml", include_str!("one-duty/one-duty.toml")),
        ("always.toml", include_str!("one-duty/always.toml")),
    ] {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}

/// What is not done yet.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    /// Accepted and not registered.
    pub reports: u64,
    /// Events of intake that escalation has not handled.
    pub events: u64,
}

impl Behind {
    pub fn is_nothing(self) -> bool {
        self.reports == 0 && self.events == 0
    }
}

/// Most customers of one run.
const CUSTOMERS: u64 = 1_000_000;

/// The stack and its surroundings.
pub struct Theatre {
    pub stack: Stack,
    pub installation: Installation,
    /// The database as its owner: for counting, and for a million duties.
    pub database: PgPool,
    jetstream: jetstream::Context,
    pub collector: Collector,
    pub starts: Starts,
    pub bodies: Arc<Bodies>,
    plain_port: Port,
    show: Show,
    nth: u64,
}

impl Theatre {
    /// Of the traces the part `traced`, from 0 to 1, is sent to the collector.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn open(play: Play<'_>, traced: f64, show: Show) -> anyhow::Result<Self> {
        let note = |text: &str| eprintln!("… {text}");
        note("starting Postgres, NATS and the services");
        let collector = Collector::start().await?;
        let everywhere = |name: &str, value: &str| ("*".to_owned(), name.to_owned(), value.to_owned());
        let settings = StackSettings {
            durable: true,
            extra: vec![
                everywhere("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
                everywhere("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                everywhere("OTEL_TRACES_SAMPLER_ARG", &traced.to_string()),
                everywhere("RUST_LOG", "warn"),
            ],
            ..StackSettings::test()
        };
        let mut stack = Stack::launch(settings).await?;
        let policies = match play {
            Play::Demonstration(policies) => policies.to_path_buf(),
            Play::OneDuty => one_duty(stack.dir())?,
        };
        let install_settings = InstallSettings { policies, ..InstallSettings::default() };
        let installation = install::install(&stack, &install_settings).await?;
        stack.wait_until_ready().await?;
        let mut starts = Starts::default();
        starts.note(&mut stack)?;
        let database = PgPoolOptions::new().max_connections(4).connect(stack.ground.superuser_url()).await?;
        let bodies = Arc::new(match play {
            Play::Demonstration(_) => Bodies::read(REPORTS.as_ref())?,
            Play::OneDuty => Bodies::read_bare(REPORTS.as_ref())?,
        });
        let jetstream = jetstream::new(stack.ground.connect_nats("operator").await?);
        Ok(Self { stack, installation, database, jetstream, collector, starts, bodies, plain_port: Port::reserve()?, show, nth: 0 })
    }

    /// The real gateway; every call has keys of its own.
    ///
    /// # Errors
    /// When there is no token.
    pub fn gateway(&mut self) -> anyhow::Result<Target> {
        self.nth += 1;
        Ok(Target {
            address: self.installation.url.trim_start_matches("http://").to_owned(),
            path: "/v1/reports".into(),
            token: self.installation.producers.get("web").cloned().context("the web producer's token")?,
            bodies: self.bodies.clone(),
            first: self.nth * CUSTOMERS,
            prefix: format!("bench{}-{}", std::process::id(), self.nth),
        })
    }

    /// The plain service with a pool of this size, started, and how to reach it. It ends when it is dropped.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn plain(&mut self, pool: u32) -> anyhow::Result<(Process, Target)> {
        let port = self.plain_port.number();
        let settings = PlainSettings {
            port,
            database: self.stack.ground.superuser_url().to_owned(),
            pool,
            producer: "web".into(),
            token: self.gateway()?.token,
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bench").arg("--plain").arg(serde_json::to_string(&settings)?);
        let log: PathBuf = self.stack.dir().join("logs/plain.log");
        let process = Process::spawn("the plain service", command, &log, Signal::KILL)?;
        let target = Target { address: format!("127.0.0.1:{port}"), ..self.gateway()? };
        let deadline = Instant::now() + Duration::from_secs(20);
        while tokio::net::TcpStream::connect(&target.address).await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "the plain service does not start: {}", process.tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok((process, target))
    }

    /// Waits until all that was accepted is registered and all that was told has been handled, so that one measurement does not pay
    /// for another.
    ///
    /// # Errors
    /// When that does not come about in ten minutes.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(600);
        let mut quiet_since = Instant::now();
        loop {
            let behind = self.behind().await?;
            if !behind.is_nothing() {
                quiet_since = Instant::now();
            }
            if quiet_since.elapsed() > Duration::from_secs(2) {
                sqlx::query("checkpoint").execute(&self.database).await?;
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "after ten minutes still {behind:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Has Postgres note when each transaction committed, so that the time of a registration can be asked for afterwards.
    ///
    /// # Errors
    /// When Postgres does not come back.
    pub async fn record_commits(&mut self) -> anyhow::Result<()> {
        sqlx::query("alter system set track_commit_timestamp = on").execute(&self.database).await?;
        let postgres = self.stack.ground.postgres()?;
        postgres.stop().await;
        postgres.restart().await?;
        self.stack.wait_until_ready().await?;
        self.settle().await
    }

    /// What is still to be done, asked for in the order in which it is done, so that nothing slips through between two questions; and
    /// asked of indexes and of the broker's counters, so that asking costs nearly nothing.
    ///
    /// # Errors
    /// When database or broker does not answer.
    pub async fn behind(&self) -> anyhow::Result<Behind> {
        let reports = self.pending(stream::REPORTS, service::INTAKE).await?;
        let told = self.count("select count(*) from intake.outbox where published_at is null").await?;
        let events = self.pending(stream::INTAKE, service::ESCALATION).await?;
        Ok(Behind { reports, events: events + u64::try_from(told)? })
    }

    /// Messages that a consumer has not acknowledged.
    async fn pending(&self, stream: &str, consumer: &str) -> anyhow::Result<u64> {
        let found: Result<PullConsumer, _> = self.jetstream.get_consumer_from_stream(consumer, stream).await;
        let found = found.with_context(|| format!("the consumer {consumer} of {stream}"))?;
        let info = found.cached_info();
        Ok(info.num_pending + info.num_ack_pending as u64)
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, sql: &'static str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.database).await?)
    }

    pub fn note(&self, text: impl AsRef<str>) {
        if !self.show.json {
            eprintln!("… {}", text.as_ref());
        }
    }

    pub async fn close(mut self) {
        self.stack.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_packs_are_sound() {
        let folder = std::env::temp_dir().join(format!("duban-one-duty-{}", std::process::id()));
        let packs = one_duty(&folder).unwrap();
        let policy = crate::policy::sources::compile(&packs);
        std::fs::remove_dir_all(&folder).unwrap();
        let policy = policy.unwrap();
        assert!(policy.duty_rule("one-duty", "close").is_some());
    }
}
