//! Sends reports as a producer does, over HTTP or over NATS, and tries again what may succeed later.

use crate::gateway::Gateway;
use anyhow::{Context, bail};
use async_nats::HeaderMap;
use duban_contracts::Problem;
use duban_contracts::event::header;
use duban_contracts::report::{Accepted, Refused, Report};
use std::time::Duration;

/// A way to the gateway.
#[derive(Debug, Clone)]
pub enum Sender {
    Http(Gateway),
    Nats { client: async_nats::Client, producer: String },
}

/// How often a report is tried before it is given up: with the pauses between, about a minute.
const ATTEMPTS: u32 = 8;

impl Sender {
    /// Over NATS, as the producer whose id and token stand in `url` (`nats://hotline:TOKEN@host:4222`).
    ///
    /// # Errors
    /// When the URL names no producer or the broker does not let him in.
    pub async fn nats(url: &str) -> anyhow::Result<Self> {
        let (address, producer, token) = credentials(url)?;
        let client = async_nats::ConnectOptions::with_user_and_password(producer.clone(), token)
            .custom_inbox_prefix(format!("_INBOX_{producer}"))
            .name(format!("duban report {producer}"))
            .request_timeout(Some(Duration::from_secs(10)))
            .connect(&address)
            .await
            .with_context(|| format!("connecting to the broker at {address} as {producer}"))?;
        Ok(Self::Nats { client, producer })
    }

    /// Sends once.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn send_once(&self, key: &str, report: &Report) -> anyhow::Result<Accepted> {
        match self {
            Sender::Http(gateway) => gateway.send_report(key, report).await,
            Sender::Nats { client, producer } => {
                let mut headers = HeaderMap::new();
                headers.insert(header::IDEMPOTENCY_KEY, key);
                let subject = format!("duban.report.v1.{}.{producer}", report.channel);
                let reply = client
                    .request_with_headers(subject, headers, serde_json::to_vec(report)?.into())
                    .await
                    .context("asking the gateway over the broker")?;
                if let Ok(refused) = serde_json::from_slice::<Refused>(&reply.payload) {
                    return Err(refused.error.into());
                }
                serde_json::from_slice(&reply.payload).context("the gateway's reply is not what this version expects")
            }
        }
    }

    /// Sends, again and again under the same key where that can help: the gateway away, busy, or its answer lost.
    ///
    /// # Errors
    /// A refusal at once; anything else after [`ATTEMPTS`] tries.
    pub async fn send(&self, key: &str, report: &Report) -> anyhow::Result<Accepted> {
        let mut pause = Duration::from_millis(100);
        for attempt in 1.. {
            match self.send_once(key, report).await {
                Ok(accepted) => return Ok(accepted),
                Err(error) if attempt >= ATTEMPTS || !may_succeed_later(&error) => return Err(error),
                Err(_) => {
                    // Jitter, so that many senders do not come back together.
                    let jitter = 0.5 + rand::random::<f64>();
                    tokio::time::sleep(pause.mul_f64(jitter)).await;
                    pause = (pause * 2).min(Duration::from_secs(15));
                }
            }
        }
        unreachable!("the loop returns")
    }
}

/// Whether the same report may be taken later: everything but a refusal.
pub fn may_succeed_later(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Problem>() {
        Some(problem) => problem.status >= 500 || problem.status == 429,
        None => true,
    }
}

/// Address, producer and token of a broker's URL.
fn credentials(url: &str) -> anyhow::Result<(String, String, String)> {
    let mut parsed = reqwest::Url::parse(url).context("the broker's URL")?;
    let producer = parsed.username().to_owned();
    let Some(token) = parsed.password().map(str::to_owned) else {
        bail!("the broker's URL names no producer: nats://PRODUCER:TOKEN@HOST:PORT is expected");
    };
    let cleared = parsed.set_username("").and_then(|()| parsed.set_password(None));
    if cleared.is_err() || producer.is_empty() {
        bail!("the broker's URL names no producer: nats://PRODUCER:TOKEN@HOST:PORT is expected");
    }
    Ok((parsed.to_string(), producer, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brokers_url_names_producer_and_token() {
        let (address, producer, token) = credentials("nats://hotline:s3cret@127.0.0.1:4222").unwrap();
        assert_eq!((address.as_str(), producer.as_str(), token.as_str()), ("nats://127.0.0.1:4222", "hotline", "s3cret"));
        assert!(credentials("nats://127.0.0.1:4222").is_err());
    }

    #[test]
    fn a_refusal_is_final_and_silence_is_not() {
        assert!(!may_succeed_later(&Problem::malformed("x").into()));
        assert!(may_succeed_later(&Problem::unavailable("x").into()));
        assert!(may_succeed_later(&anyhow::anyhow!("connection reset")));
    }
}
