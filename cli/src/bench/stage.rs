//! Where the measuring takes place: a durable stack of its own with the demonstration's packs, and what the parts of the bench share.

use super::BenchArguments;
use super::load::Target;
use super::plain::PlainSettings;
use crate::demo::script::Script;
use crate::install::{self, InstallSettings, Installation};
use crate::show::Show;
use anyhow::Context;
use duban_contracts::report::Report;
use duban_local::process::{Process, Signal};
use duban_local::{Port, Stack, StackSettings};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The stack and its surroundings.
pub struct Theatre {
    pub stack: Stack,
    pub installation: Installation,
    /// The database as its owner: for counting, and for a million duties.
    pub database: PgPool,
    bodies: Arc<Vec<String>>,
    plain_port: Port,
    show: Show,
    nth: u64,
}

impl Theatre {
    /// # Errors
    /// When a part does not start.
    pub async fn open(arguments: &BenchArguments, show: Show) -> anyhow::Result<Self> {
        let note = |text: &str| eprintln!("… {text}");
        note("starting Postgres, NATS and the services");
        let sampled = |name: &str, value: &str| ("*".to_owned(), name.to_owned(), value.to_owned());
        let settings = StackSettings {
            durable: true,
            extra: vec![
                sampled("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                sampled("OTEL_TRACES_SAMPLER_ARG", "0.01"),
                sampled("RUST_LOG", "warn"),
            ],
            ..StackSettings::test()
        };
        let mut stack = Stack::launch(settings).await?;
        let install_settings = InstallSettings { policies: arguments.policies.clone(), ..InstallSettings::default() };
        let installation = install::install(&stack, &install_settings).await?;
        stack.wait_until_ready().await?;
        let database = PgPoolOptions::new().max_connections(4).connect(stack.ground.superuser_url()).await?;
        let bodies = Arc::new(bodies(Path::new("demo/reports.jsonl"))?);
        Ok(Self { stack, installation, database, bodies, plain_port: Port::reserve()?, show, nth: 0 })
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
        let mut last = (0, Instant::now());
        loop {
            let (cases, duties) = (self.count("select count(*) from intake.cases").await?, self.behind().await?);
            if cases != last.0 {
                last = (cases, Instant::now());
            }
            if duties == 0 && last.1.elapsed() > Duration::from_secs(2) {
                sqlx::query("checkpoint").execute(&self.database).await?;
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "{duties} events are still not handled by escalation");
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

    /// Events of intake that escalation has not handled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn behind(&self) -> anyhow::Result<i64> {
        self.count("select (select count(*) from intake.outbox) - (select count(*) from escalation.inbox where stream = 'INTAKE')").await
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

/// The demonstration's reports as bodies, without what ties them together, and with telephone numbers of their own: four thousand of them.
fn bodies(file: &Path) -> anyhow::Result<Vec<String>> {
    let script = Script::written(file)?;
    let reports: Vec<Report> = script.entries.into_iter().map(|entry| entry.report).filter(|report| report.follows.is_none()).collect();
    let mut bodies = Vec::new();
    for (number, report) in reports.iter().cycle().take(4000).enumerate() {
        let mut report = report.clone();
        if report.reporter.phone.is_some() {
            report.reporter.phone = Some(format!("199{number:08}"));
        }
        bodies.push(serde_json::to_string(&report)?);
    }
    Ok(bodies)
}
