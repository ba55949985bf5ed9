//! The naive one-process pipeline: consume, insert, publish, ack. It has no inbox, no outbox, no numbering, no rules: a crash between two
//! of its steps loses or doubles. On a broker with the default sync (a flush every two minutes), which is the faster and the unsafe one.

use super::bodies::Bodies;
use super::stage::Theatre;
use anyhow::Context;
use async_nats::jetstream::{self, consumer::PullConsumer, stream};
use duban_local::process::{Process, Signal};
use duban_local::{Port, programs};
use futures::StreamExt;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

const SCHEMA: &str = "create schema if not exists naive; drop table if exists naive.cases;
    create table naive.cases (id uuid primary key, unit text, kind text, stage text not null, body jsonb not null,
    registered_at timestamptz not null default clock_timestamp())";

/// Cases a second of the two ways to write it: `(one at a time on many tasks, in batches)`.
///
/// # Errors
/// When broker or database stops answering.
pub async fn measure(theatre: &Theatre, reports: usize) -> anyhow::Result<(f64, f64)> {
    sqlx::raw_sql(SCHEMA).execute(&theatre.database).await?;
    let broker = Broker::start(theatre).await?;
    let pool = PgPoolOptions::new().max_connections(16).connect(theatre.stack.ground.superuser_url()).await?;
    let each = broker.fill(reports, &theatre.bodies, "EACH").await?;
    let begin = Instant::now();
    one_at_a_time(&broker.context, &each, &pool, reports).await?;
    let one = reports as f64 / begin.elapsed().as_secs_f64();
    let batches = broker.fill(reports, &theatre.bodies, "BATCHES").await?;
    let begin = Instant::now();
    in_batches(&broker.context, &batches, &pool, reports).await?;
    Ok((one, reports as f64 / begin.elapsed().as_secs_f64()))
}

/// A broker of its own, with the default sync.
struct Broker {
    context: jetstream::Context,
    _process: Process,
    _port: Port,
}

impl Broker {
    async fn start(theatre: &Theatre) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let store = theatre.stack.dir().join("naive-nats");
        let mut command = Command::new(programs::nats_server()?);
        command.args(["--jetstream", "--addr", "127.0.0.1", "--port", &port.number().to_string(), "--store_dir"]).arg(&store);
        let process =
            Process::spawn("a broker with default sync", command, &theatre.stack.dir().join("logs/naive-nats.log"), Signal::TERM)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        let client = loop {
            match async_nats::connect(format!("nats://127.0.0.1:{}", port.number())).await {
                Ok(client) => break client,
                Err(error) if Instant::now() > deadline => return Err(error).context("the broker with default sync"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Ok(Self { context: jetstream::new(client), _process: process, _port: port })
    }

    /// A work queue with so many reports in it, and a stream for what is published.
    async fn fill(&self, reports: usize, bodies: &Bodies, name: &str) -> anyhow::Result<PullConsumer> {
        let subject = format!("{}.reports", name.to_lowercase());
        let queue = stream::Config {
            name: name.into(),
            subjects: vec![subject.clone()],
            retention: stream::RetentionPolicy::WorkQueue,
            ..Default::default()
        };
        let queue = self.context.create_stream(queue).await?;
        let told =
            stream::Config { name: format!("{name}-TOLD"), subjects: vec![format!("{}.told", name.to_lowercase())], ..Default::default() };
        self.context.create_stream(told).await?;
        let mut waiting = Vec::new();
        for number in 0..reports {
            let body = bodies.text(number as u64);
            waiting.push(self.context.publish(subject.clone(), body.into()).await?.into_future());
            if waiting.len() == 500 {
                futures::future::try_join_all(waiting.drain(..)).await?;
            }
        }
        futures::future::try_join_all(waiting).await?;
        let consumer =
            jetstream::consumer::pull::Config { durable_name: Some("naive".into()), max_ack_pending: 10_000, ..Default::default() };
        Ok(queue.create_consumer(consumer).await?)
    }
}

/// 64 messages in hand at a time, each with its own INSERT, publish and ack.
async fn one_at_a_time(context: &jetstream::Context, consumer: &PullConsumer, pool: &PgPool, reports: usize) -> anyhow::Result<()> {
    let messages = consumer.stream().max_messages_per_batch(500).messages().await?;
    let handled = messages.take(reports).map(|message| async move {
        let message = message?;
        let body: Value = serde_json::from_slice(&message.payload)?;
        let id = Uuid::now_v7();
        sqlx::query("insert into naive.cases (id, unit, kind, stage, body) values ($1, $2, $3, 'registered', $4)")
            .bind(id)
            .bind(body["unit"].as_str())
            .bind(body["kind"].as_str())
            .bind(&body)
            .execute(pool)
            .await?;
        context.publish("each.told", serde_json::to_vec(&told(id, &body))?.into()).await?.await?;
        message.ack().await.map_err(|error| anyhow::anyhow!("{error}"))
    });
    let mut handled = handled.buffer_unordered(64);
    while let Some(done) = handled.next().await {
        done?;
    }
    Ok(())
}

/// 500 messages in hand at a time: one INSERT, their publishes together, their acks.
async fn in_batches(context: &jetstream::Context, consumer: &PullConsumer, pool: &PgPool, reports: usize) -> anyhow::Result<()> {
    let mut done = 0;
    while done < reports {
        let batch: Vec<_> = consumer.fetch().max_messages(500).messages().await?.collect().await;
        let batch: Vec<jetstream::Message> = batch.into_iter().collect::<Result<_, _>>().map_err(|error| anyhow::anyhow!("{error}"))?;
        let bodies: Vec<Value> = batch.iter().map(|message| serde_json::from_slice(&message.payload)).collect::<Result<_, _>>()?;
        let ids: Vec<Uuid> = bodies.iter().map(|_| Uuid::now_v7()).collect();
        let of = |name: &str| bodies.iter().map(|body| body[name].as_str().map(str::to_owned)).collect::<Vec<Option<String>>>();
        sqlx::query("insert into naive.cases (id, unit, kind, stage, body) select id, unit, kind, 'registered', body from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as t (id, unit, kind, body)")
            .bind(&ids)
            .bind(of("unit"))
            .bind(of("kind"))
            .bind(&bodies)
            .execute(pool)
            .await?;
        let mut published = Vec::new();
        for (id, body) in ids.iter().zip(&bodies) {
            published.push(context.publish("batches.told", serde_json::to_vec(&told(*id, body))?.into()).await?.into_future());
        }
        futures::future::try_join_all(published).await?;
        for message in &batch {
            message.ack().await.map_err(|error| anyhow::anyhow!("{error}"))?;
        }
        done += batch.len();
    }
    Ok(())
}

fn told(id: Uuid, body: &Value) -> Value {
    serde_json::json!({ "case": id, "unit": body["unit"], "kind": body["kind"], "stage": "registered", "fields": body["fields"] })
}
