//! Setting the clock of a demonstration or a test. Only the operator may: the table refuses everyone else.

pub use super::keeping::Confirmation;
use super::{Setting, store};
use anyhow::{Context, bail};
use duban_contracts::{Timestamp, subjects};
use futures::StreamExt;
use serde::Deserialize;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// What to do to the clock.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Jump ahead to an instant and go on as before.
    Step(Timestamp),
    /// Run at another factor from now on.
    Factor(f64),
    /// Both: from `at` at `factor`. Before any case exists this may also go back.
    Begin { at: Timestamp, factor: f64 },
}

/// How long copies are given to say that they are there.
const ROLL_CALL: Duration = Duration::from_millis(200);
/// How long all of them are given to confirm.
const PATIENCE: Duration = Duration::from_secs(15);

/// The present setting and domain time.
///
/// # Errors
/// The database does not answer, or has no schema `clock`.
pub async fn read(db: &PgPool) -> anyhow::Result<(Setting, Timestamp)> {
    let setting = store::setting(db).await?.context("the database has no schema clock")?;
    let now = setting.domain(store::real_time(db).await?.as_microsecond());
    Ok((setting, Timestamp::from_microsecond(now)?))
}

/// Sets the clock and returns when every copy that is running has confirmed the new setting.
///
/// # Errors
/// A step back; a database or broker that does not answer; a copy that does not confirm, by name.
pub async fn set(db: &PgPool, nats: &async_nats::Client, change: Change) -> anyhow::Result<Setting> {
    let mut tx = db.begin().await?;
    let (before, real) = store::lock(&mut tx).await?;
    let setting = changed(&before, real, change)?;
    store::write(&mut tx, &setting).await?;
    tx.commit().await?;
    confirm(nats, setting.version).await?;
    Ok(setting)
}

fn changed(before: &Setting, real: Timestamp, change: Change) -> anyhow::Result<Setting> {
    let now = Timestamp::from_microsecond(before.domain(real.as_microsecond()))?;
    let (domain_start, factor) = match change {
        Change::Step(to) if to < now => bail!("domain time is {now} already and never steps back"),
        Change::Step(to) => (to, before.factor),
        Change::Factor(factor) => (now, factor),
        Change::Begin { at, factor } => (at, factor),
    };
    if !(factor.is_finite() && factor >= 0.0) {
        bail!("the factor must be a number from 0");
    }
    Ok(Setting { version: before.version + 1, real_start: real, domain_start, factor })
}

/// Asks all copies to read the setting again until each has confirmed `version`. A copy that ends meanwhile is not waited for; one that
/// starts meanwhile reads the new setting anyway.
async fn confirm(nats: &async_nats::Client, version: i64) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut confirmed = BTreeSet::new();
    loop {
        let inbox = nats.new_inbox();
        let mut answers = nats.subscribe(inbox.clone()).await?;
        let expected = roll_call(nats).await?;
        nats.publish_with_reply(subjects::CLOCK_RELOAD, inbox, "".into()).await?;
        nats.flush().await?;
        let until = Instant::now() + Duration::from_secs(1);
        while !expected.keys().all(|copy| confirmed.contains(copy)) {
            let Ok(Some(answer)) = tokio::time::timeout_at(until, answers.next()).await else { break };
            if let Ok(answer) = serde_json::from_slice::<Confirmation>(&answer.payload)
                && answer.version >= version
            {
                confirmed.insert(answer.copy);
            }
        }
        let missing: Vec<_> =
            expected.iter().filter(|(copy, _)| !confirmed.contains(*copy)).map(|(copy, service)| format!("{service} {copy}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("the clock is set, but these have not confirmed it: {}", missing.join(", "));
        }
    }
}

/// The copies that are running, by id, with the name of their service: those whose NATS service carries a `copy`.
async fn roll_call(nats: &async_nats::Client) -> anyhow::Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Pong {
        name: String,
        #[serde(default)]
        metadata: BTreeMap<String, String>,
    }
    let inbox = nats.new_inbox();
    let mut answers = nats.subscribe(inbox.clone()).await?;
    nats.publish_with_reply("$SRV.PING", inbox, "".into()).await?;
    nats.flush().await?;
    let until = Instant::now() + ROLL_CALL;
    let mut copies = BTreeMap::new();
    while let Ok(Some(answer)) = tokio::time::timeout_at(until, answers.next()).await {
        if let Ok(mut pong) = serde_json::from_slice::<Pong>(&answer.payload)
            && let Some(copy) = pong.metadata.remove("copy")
        {
            copies.insert(copy, pong.name);
        }
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_factor_goes_on_from_the_present_and_a_step_back_is_refused() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let before = Setting { version: 4, real_start: at("2026-03-01T00:00:00Z"), domain_start: at("2026-06-01T00:00:00Z"), factor: 60.0 };
        let real = at("2026-03-01T00:01:00Z");
        let faster = changed(&before, real, Change::Factor(600.0)).unwrap();
        assert_eq!((faster.version, faster.domain_start), (5, at("2026-06-01T01:00:00Z")));
        assert!(changed(&before, real, Change::Step(at("2026-06-01T00:30:00Z"))).is_err());
        assert!(changed(&before, real, Change::Factor(-1.0)).is_err());
    }
}
