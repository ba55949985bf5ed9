//! `duban clock`: shows domain time, and steps it where it is not real. A step returns when every copy of every service has confirmed it.

use crate::connection::Connection;
use crate::dead::Broker;
use crate::show::{Show, instant};
use anyhow::{Context, bail};
use duban_contracts::subjects;
use duban_local::ClockSetting;
use futures::StreamExt;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub enum ClockCommand {
    /// Domain time now, and how it runs.
    Show,
    /// Move domain time ahead; never back. Refused where it is the real time, unless --leave-real-time is given.
    Step {
        /// By how much: 3d, 36h, 1h 30m …
        #[arg(long, conflicts_with = "to", required_unless_present = "to")]
        by: Option<jiff::SignedDuration>,
        /// To an instant: 2026-04-03T09:00:00+08:00.
        #[arg(long)]
        to: Option<jiff::Timestamp>,
        /// Take a clock that is real off the real time. There is no way back for the data that is there.
        #[arg(long)]
        leave_real_time: bool,
    },
}

/// How domain time runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reading {
    pub now: jiff::Timestamp,
    /// 1: real pace; 0: stands still until stepped.
    pub factor: f64,
    /// Whether it is the real time.
    pub real: bool,
    pub version: i64,
}

/// # Errors
/// When the database is not ours to reach, the step would go back, or a copy does not confirm.
pub async fn run(command: ClockCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let operator = connection.operator()?;
    let database = operator
        .superuser_url
        .clone()
        .context("the clock is set in the database: set DUBAN_SUPERUSER_URL, or run this where `duban up` keeps its data")?;
    let reading = read(&database).await?;
    let reading = match command {
        ClockCommand::Show => reading,
        ClockCommand::Step { by, to, leave_real_time } => {
            if reading.real && !leave_real_time {
                bail!(
                    "domain time is the real time here; a clock for stepping belongs to a demonstration or test (--leave-real-time insists)"
                );
            }
            let target = match (to, by) {
                (Some(to), _) => to,
                (None, Some(by)) => reading.now.checked_add(by)?,
                (None, None) => bail!("--by or --to is needed"),
            };
            if target < reading.now {
                bail!("domain time never steps back: it is {}", instant(reading.now));
            }
            let version = setting(target, reading.factor).write(&database).await?;
            told_everywhere(&Broker::connect(&operator).await?, version).await?;
            read(&database).await?
        }
    };
    show.print(&reading, |reading| {
        let pace = if reading.real {
            "the real time".to_owned()
        } else if reading.factor == 0.0 {
            "stands still".to_owned()
        } else {
            format!("{} times real pace", reading.factor)
        };
        format!("{} ({}), {pace}", instant(reading.now), reading.now)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn setting(start: jiff::Timestamp, factor: f64) -> ClockSetting {
    let start = start.to_string();
    if factor == 0.0 { ClockSetting::Stepped { start } } else { ClockSetting::Accelerated { start, factor } }
}

/// Reads the setting and computes domain time by the database's clock.
///
/// # Errors
/// When the database does not answer.
pub async fn read(database: &str) -> anyhow::Result<Reading> {
    let mut connection = PgConnection::connect(database).await.context("reading the clock")?;
    let (micros, factor, real, version): (i64, f64, bool, i64) = sqlx::query_as(
        "select (extract(epoch from domain_start + (clock_timestamp() - real_start) * factor) * 1000000)::bigint, factor,
                domain_start = real_start and factor = 1, version
         from clock.setting",
    )
    .fetch_one(&mut connection)
    .await
    .context("reading the clock")?;
    connection.close().await?;
    Ok(Reading { now: jiff::Timestamp::from_microsecond(micros)?, factor, real, version })
}

/// Tells every copy to read the setting again and waits for all that answer a ping.
///
/// # Errors
/// When a copy that is there has not confirmed within ten seconds.
pub async fn told_everywhere(broker: &Broker, version: i64) -> anyhow::Result<()> {
    confirmed_by(broker, version, copies(broker).await?.len()).await
}

/// The copies of services that are there.
///
/// # Errors
/// When the broker does not answer.
pub async fn copies(broker: &Broker) -> anyhow::Result<BTreeSet<String>> {
    answers(broker, "$SRV.PING".into(), Duration::from_millis(500), usize::MAX, |ping| ping["id"].as_str().map(str::to_owned)).await
}

/// Tells every copy to read the setting again, and waits for none.
///
/// # Errors
/// When the broker does not answer.
pub async fn tell(broker: &Broker) -> anyhow::Result<()> {
    broker.client.publish(subjects::CLOCK_RELOAD, Vec::new().into()).await?;
    Ok(broker.client.flush().await?)
}

/// Tells every copy to read the setting again and waits until so many have confirmed it.
///
/// # Errors
/// When they have not within ten seconds.
pub async fn confirmed_by(broker: &Broker, version: i64, copies: usize) -> anyhow::Result<()> {
    let confirmed = answers(broker, subjects::CLOCK_RELOAD.into(), Duration::from_secs(10), copies, |answer| {
        (answer["version"].as_i64() >= Some(version)).then(|| answer["copy"].as_str().map(str::to_owned)).flatten()
    })
    .await?;
    if confirmed.len() < copies {
        bail!("{} of {copies} copies have confirmed the step; the others will follow within a minute", confirmed.len());
    }
    Ok(())
}

/// Asks all and gathers what `read` makes of the answers, until `enough` or the time is over.
async fn answers(
    broker: &Broker,
    subject: String,
    wait: Duration,
    enough: usize,
    read: impl Fn(&serde_json::Value) -> Option<String>,
) -> anyhow::Result<BTreeSet<String>> {
    let inbox = broker.client.new_inbox();
    let mut replies = broker.client.subscribe(inbox.clone()).await?;
    broker.client.publish_with_reply(subject, inbox, Vec::new().into()).await?;
    let mut found = BTreeSet::new();
    let deadline = tokio::time::Instant::now() + wait;
    while found.len() < enough {
        match tokio::time::timeout_at(deadline, replies.next()).await {
            Ok(Some(reply)) => found.extend(serde_json::from_slice(&reply.payload).ok().as_ref().and_then(&read)),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(found)
}
