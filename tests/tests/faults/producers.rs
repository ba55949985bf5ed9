//! The two producers of the fault test: web forms over HTTP and a hotline over NATS, each asking again under the same key until it has an
//! answer, as a producer must.

use anyhow::Context;
use duban_contracts::report::{Accepted, Refused, Report};
use duban_tests::{World, world};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Reports a second from each of the two producers: what a busy machine's timer loses still leaves 200 a second.
const PACE: u32 = 110;
/// How long a producer goes on asking.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was answered as accepted. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Sendings that were begun, and those of them that have no answer yet.
    begun: usize,
    waiting: usize,
    /// Receipts by idempotency key.
    accepted: BTreeMap<String, Uuid>,
    /// Of reports sent under a key that another body had already: how many were refused at once, and the receipts of those accepted.
    refused: usize,
    conflicting: Vec<Uuid>,
}

impl Sent {
    pub fn accepted(&self) -> usize {
        self.kept().accepted.len()
    }

    /// How many sendings were begun.
    pub fn begun(&self) -> usize {
        self.kept().begun
    }

    /// How many sendings are on their way: begun, and not answered yet.
    pub fn waiting(&self) -> usize {
        self.kept().waiting
    }

    pub fn receipts(&self) -> Vec<Uuid> {
        self.kept().accepted.values().copied().collect()
    }

    /// Receipts under which a second body was accepted too, which must stand as rejected in the end.
    pub fn conflicting(&self) -> Vec<Uuid> {
        self.kept().conflicting.clone()
    }

    pub fn story(&self) -> String {
        let kept = self.kept();
        format!("of second bodies under a known key {} were refused at once and {} accepted", kept.refused, kept.conflicting.len())
    }

    fn begin(&self) {
        let mut kept = self.kept();
        kept.begun += 1;
        kept.waiting += 1;
    }

    fn keep(&self, key: &str, receipt: Uuid) {
        let mut kept = self.kept();
        kept.waiting -= 1;
        let known = kept.accepted.insert(key.to_owned(), receipt);
        assert!(known.is_none_or(|known| known == receipt), "{key} has two receipts");
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both producers at work.
pub struct Flow {
    flowing: Arc<AtomicBool>,
    producers: [JoinHandle<anyhow::Result<()>>; 2],
}

/// Lets both send until they are stopped.
pub fn flow(world: &World, sent: &Sent) -> Flow {
    let flowing = Arc::new(AtomicBool::new(true));
    let token = |producer: &str| world.installation.producers.get(producer).cloned().unwrap_or_default();
    let (web, hotline) = (token("web"), token("hotline"));
    let (url, broker) = (world.installation.url.clone(), world.stack.ground.nats_url().to_owned());
    let (http_sent, nats_sent) = (sent.clone(), sent.clone());
    let (http_flowing, nats_flowing) = (flowing.clone(), flowing.clone());
    let http = tokio::spawn(async move { pace("web", Way::http(url, web)?, http_flowing, http_sent).await });
    let nats = tokio::spawn(async move { pace("phone", Way::nats(broker, hotline).await?, nats_flowing, nats_sent).await });
    Flow { flowing, producers: [http, nats] }
}

impl Flow {
    /// Nothing new is sent; returns when what was sent has its answer.
    ///
    /// # Errors
    /// When a producer failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.flowing.store(false, Ordering::Relaxed);
        for producer in self.producers {
            producer.await??;
        }
        Ok(())
    }
}

#[derive(Clone)]
enum Way {
    Http { client: reqwest::Client, url: String, token: String },
    Nats(async_nats::Client),
}

/// How a sending ended.
enum Answer {
    Accepted(Uuid),
    /// The key stands for another body.
    Conflict,
    /// None, or none that says what became of it: why not.
    Unknown(String),
}

impl Way {
    fn http(url: String, token: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self::Http { client, url: format!("{url}/v1/reports"), token })
    }

    async fn nats(url: String, token: String) -> anyhow::Result<Self> {
        let options = async_nats::ConnectOptions::with_user_and_password("hotline".into(), token)
            .custom_inbox_prefix("_INBOX_hotline")
            .retry_on_initial_connect()
            .request_timeout(Some(Duration::from_secs(5)));
        Ok(Self::Nats(options.connect(url).await.context("the hotline's connection")?))
    }

    async fn send(&self, key: &str, report: &Report) -> Answer {
        match self {
            Self::Http { client, url, token } => {
                let request = client.post(url).bearer_auth(token).header("Idempotency-Key", key).json(report);
                match request.send().await {
                    Ok(answer) if answer.status() == reqwest::StatusCode::CONFLICT => Answer::Conflict,
                    Ok(answer) => {
                        let (status, body) = (answer.status(), answer.text().await.unwrap_or_default());
                        let accepted = serde_json::from_str::<Accepted>(&body);
                        accepted
                            .map_or_else(|_| Answer::Unknown(format!("{status}: {body}")), |accepted| Answer::Accepted(accepted.receipt))
                    }
                    Err(error) => Answer::Unknown(format!("{error:?}")),
                }
            }
            Self::Nats(client) => {
                let mut headers = async_nats::HeaderMap::new();
                headers.insert("Idempotency-Key", key);
                let body = serde_json::to_vec(report).unwrap_or_default();
                let answer = match client.request_with_headers("duban.report.v1.phone.hotline", headers, body.into()).await {
                    Ok(answer) => answer.payload,
                    Err(error) => return Answer::Unknown(format!("{error:?}, {:?}", client.connection_state())),
                };
                if let Ok(accepted) = serde_json::from_slice::<Accepted>(&answer) {
                    return Answer::Accepted(accepted.receipt);
                }
                match serde_json::from_slice::<Refused>(&answer) {
                    Ok(refused) if refused.error.status == 409 => Answer::Conflict,
                    _ => Answer::Unknown(String::from_utf8_lossy(&answer).into_owned()),
                }
            }
        }
    }

    /// Asks until there is an answer that says something: the receipt, or None where another body stands under the key.
    async fn send_until_answered(&self, key: &str, report: &Report) -> anyhow::Result<Option<Uuid>> {
        let begun = Instant::now();
        loop {
            match self.send(key, report).await {
                Answer::Accepted(receipt) => return Ok(Some(receipt)),
                Answer::Conflict => return Ok(None),
                Answer::Unknown(why) => {
                    anyhow::ensure!(begun.elapsed() < PATIENCE, "{key} has no answer in {PATIENCE:?}: {why}");
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        }
    }
}

/// Sends at a pace until told to stop.
async fn pace(channel: &'static str, way: Way, flowing: Arc<AtomicBool>, sent: Sent) -> anyhow::Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut sendings = JoinSet::new();
    let mut n = 0;
    while flowing.load(Ordering::Relaxed) {
        pace.tick().await;
        while let Some(ended) = sendings.try_join_next() {
            ended??;
        }
        n += 1;
        let (way, sent) = (way.clone(), sent.clone());
        sendings.spawn(async move {
            let key = format!("{channel}-{n}");
            sent.begin();
            let receipt = way.send_until_answered(&key, &report(channel, n)).await?.with_context(|| format!("{key} was refused"))?;
            sent.keep(&key, receipt);
            if n % 40 == 3 {
                send_another_body(&way, &key, channel, n, &sent).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = sendings.join_next().await {
        // A receipt that differs from the first one panics in there.
        ended??;
    }
    Ok(())
}

/// The same key with another body: refused, or accepted and later told as rejected.
async fn send_another_body(way: &Way, key: &str, channel: &str, n: u32, sent: &Sent) -> anyhow::Result<()> {
    if n % 80 == 3 {
        // By then the first is registered, as a rule, and the key's other body is refused before it is accepted.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let other = Report { text: Some("换一种说法".to_owned()), ..report(channel, n) };
    match way.send_until_answered(key, &other).await? {
        Some(receipt) => sent.kept().conflicting.push(receipt),
        None => sent.kept().refused += 1,
    }
    Ok(())
}

/// Mostly complaints at stores, whose clocks run for days; some nobody knows how to sort, some major ones at a car dealer, whose ladders
/// begin at once; some that follow an earlier one, or one that comes only later.
fn report(channel: &str, n: u32) -> Report {
    let mut report = match n % 400 {
        60 | 160 | 260 | 360 => ordinary(channel, "", n),
        200 => major(channel, n),
        _ => ordinary(channel, "MD01", n),
    };
    match n % 50 {
        17 if n > 17 => report.follows = Some(format!("{channel}-{}", n - 9)),
        31 => report.follows = Some(format!("{channel}-{}", n + 12)),
        // Somebody who complained before.
        43 => report.reporter.phone = phone(n - 5),
        _ => {}
    }
    report
}

/// A complaint of a customer of his own.
pub fn ordinary(channel: &str, unit: &str, n: u32) -> Report {
    let mut report = world::report(channel, unit, &format!("第 {n} 件"));
    report.unit = Some(unit.to_owned()).filter(|unit| !unit.is_empty());
    report.reporter.phone = phone(n);
    report
}

fn major(channel: &str, n: u32) -> Report {
    let mut report = ordinary(channel, "BJ01", n);
    report.fields = [("about", "car"), ("demand", "return")].map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    report
}

fn phone(n: u32) -> Option<String> {
    Some(format!("139{n:08}"))
}
