//! A lean load generator over HTTP/1.1: raw connections that are kept, one request in flight on each, so that the generator, which shares
//! the machine with what it measures, costs as little as it can.

use super::bodies::Bodies;
use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

/// Where and what to send.
#[derive(Debug, Clone)]
pub struct Target {
    /// `127.0.0.1:8080`.
    pub address: String,
    pub path: String,
    pub token: String,
    pub bodies: Arc<Bodies>,
    /// The customer of the first sending; every run has customers of its own.
    pub first: u64,
    /// Keys are `<prefix>-<number>`.
    pub prefix: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Measured {
    pub requests: u64,
    pub failed: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// As fast as `connections` connections go, for `time`.
///
/// # Errors
/// When a connection cannot be made or breaks.
pub async fn closed_loop(target: &Target, connections: usize, time: Duration) -> anyhow::Result<Measured> {
    let counter = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let deadline = begin + time;
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (target, counter) = (target.clone(), counter.clone());
        workers.push(tokio::spawn(async move { worker(&target, &counter, deadline).await }));
    }
    let mut samples = Samples::default();
    for worker in workers {
        samples.add(worker.await??);
    }
    Ok(samples.measured(begin.elapsed()))
}

/// `rate` requests a second, each at its own time whether or not the earlier ones were answered (latency counts from when it should have
/// been sent), for `time`. Gives what was measured, and when each receipt was in its sender's hands.
///
/// # Errors
/// When a connection cannot be made or breaks.
pub async fn open_loop(
    target: &Target,
    connections: usize,
    rate: f64,
    time: Duration,
) -> anyhow::Result<(Measured, Vec<(Uuid, Timestamp)>)> {
    let counter = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let total = (rate * time.as_secs_f64()) as u64;
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (target, counter) = (target.clone(), counter.clone());
        workers.push(tokio::spawn(async move { paced_worker(&target, &counter, begin, rate, total).await }));
    }
    let mut samples = Samples::default();
    let mut accepted = Vec::new();
    for worker in workers {
        let (of_worker, keys) = worker.await??;
        samples.add(of_worker);
        accepted.extend(keys);
    }
    Ok((samples.measured(begin.elapsed()), accepted))
}

#[derive(Debug, Default)]
struct Samples {
    micros: Vec<u32>,
    failed: u64,
}

impl Samples {
    fn add(&mut self, other: Samples) {
        self.micros.extend(other.micros);
        self.failed += other.failed;
    }

    fn take(&mut self, answer: u16, since: Instant) {
        if (200..300).contains(&answer) {
            self.micros.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else {
            self.failed += 1;
        }
    }

    fn measured(mut self, elapsed: Duration) -> Measured {
        self.micros.sort_unstable();
        Measured {
            requests: self.micros.len() as u64,
            failed: self.failed,
            per_second: self.micros.len() as f64 / elapsed.as_secs_f64(),
            p50_ms: quantile(&self.micros, 0.50),
            p99_ms: quantile(&self.micros, 0.99),
        }
    }
}

/// A quantile of sorted microseconds, in milliseconds.
pub fn quantile(sorted: &[u32], q: f64) -> f64 {
    let nth = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(nth.saturating_sub(1)).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

async fn worker(target: &Target, counter: &AtomicU64, deadline: Instant) -> anyhow::Result<Samples> {
    let mut connection = Connection::open(target).await?;
    let mut samples = Samples::default();
    while Instant::now() < deadline {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let answer = connection.send(target, number).await?;
        samples.take(answer, sent);
    }
    Ok(samples)
}

async fn paced_worker(
    target: &Target,
    counter: &AtomicU64,
    begin: Instant,
    rate: f64,
    total: u64,
) -> anyhow::Result<(Samples, Vec<(Uuid, Timestamp)>)> {
    let mut connection = Connection::open(target).await?;
    let mut samples = Samples::default();
    let mut accepted = Vec::new();
    loop {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        if number >= total {
            return Ok((samples, accepted));
        }
        let at = begin + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(at.into()).await;
        let answer = connection.send(target, number).await?;
        samples.take(answer, at);
        if let Some(receipt) = connection.receipt() {
            accepted.push((receipt, Timestamp::now()));
        }
    }
}

/// A kept connection.
struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(target: &Target) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(&target.address).await.with_context(|| format!("connecting to {}", target.address))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(2048), buffer: Vec::with_capacity(4096) })
    }

    /// Sends the report of this number and reads the answer; gives its status.
    async fn send(&mut self, target: &Target, number: u64) -> anyhow::Result<u16> {
        let (body, customer) = target.bodies.of(target.first + number);
        let key = format!("{}-{number}", target.prefix);
        self.out.clear();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            target.path,
            target.address,
            target.token,
            body.bytes()
        );
        self.out.extend_from_slice(head.as_bytes());
        body.write(customer, &mut self.out);
        self.stream.write_all(&self.out).await?;
        self.answer().await
    }

    /// The receipt in the answer that was read last.
    fn receipt(&self) -> Option<Uuid> {
        const BEFORE: &[u8] = b"\"receipt\":\"";
        let from = find(&self.buffer, BEFORE)? + BEFORE.len();
        std::str::from_utf8(self.buffer.get(from..from + 36)?).ok()?.parse().ok()
    }

    /// Reads one answer with a Content-Length.
    async fn answer(&mut self) -> anyhow::Result<u16> {
        self.buffer.clear();
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end])?;
                let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
                let length = content_length(head).context("an answer without Content-Length")?;
                while self.buffer.len() < end + 4 + length {
                    self.read().await?;
                }
                return Ok(status);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection was closed");
        }
        Ok(())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn content_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_hundred() {
        let sorted: Vec<u32> = (1..=100).map(|n| n * 1000).collect();
        assert!((quantile(&sorted, 0.5) - 50.0).abs() < 1e-9 && (quantile(&sorted, 0.99) - 99.0).abs() < 1e-9);
        assert!(quantile(&[], 0.99).abs() < 1e-9);
    }

    #[test]
    fn a_length_is_found_in_any_case() {
        assert_eq!(content_length("HTTP/1.1 202 Accepted\r\ncontent-LENGTH: 12\r\nx: y"), Some(12));
    }
}
