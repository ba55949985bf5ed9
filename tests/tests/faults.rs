//! Nothing lost, nothing twice: while reports flow over HTTP and NATS, processes are killed, and in the end everything adds up.
//!
//! `DUBAN_FAULT_ROUNDS` (20; `make faults` sets 200) and `DUBAN_FAULT_SEED` (random, printed) say how often and which.

use anyhow::Context;
use duban_contracts::report::Accepted;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, until, world};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Reports a second from each kind of producer.
const PACE: u32 = 110;
/// How long after the last kill everything may take to settle.
const SETTLING: Duration = Duration::from_secs(120);

/// What dies in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Service(&'static str),
    Broker,
    Database,
}

const VICTIMS: [Victim; 7] = [
    Victim::Service("gateway"),
    Victim::Service("intake"),
    Victim::Service("escalation"),
    Victim::Service("notifications"),
    Victim::Service("archive"),
    Victim::Broker,
    Victim::Database,
];

/// Receipts by idempotency key, of what was answered as accepted.
type Receipts = Arc<Mutex<BTreeMap<String, Uuid>>>;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_while_processes_are_killed() -> anyhow::Result<()> {
    let rounds: usize = setting("DUBAN_FAULT_ROUNDS", 20);
    let seed: u64 = setting("DUBAN_FAULT_SEED", rand::random());
    println!("rounds {rounds}, seed {seed} (DUBAN_FAULT_SEED={seed} plays it again)");
    let mut random = StdRng::seed_from_u64(seed);
    // Twenty minutes of the organisation pass in each second, so that clocks run out and ladders climb while processes die.
    let clock = ClockSetting::Accelerated { start: "2026-03-02T08:30:00+08:00".into(), factor: 1200.0 };
    let mut world = World::with(StackSettings { clock: Some(clock), ..StackSettings::durable_test() }).await?;

    let flowing = Arc::new(AtomicBool::new(true));
    let receipts: Receipts = Arc::default();
    let http = tokio::spawn(over_http(
        world.installation.url.clone(),
        world.installation.producers["web"].clone(),
        flowing.clone(),
        receipts.clone(),
    ));
    let nats = tokio::spawn(over_nats(
        world.stack.ground.nats_url().to_owned(),
        world.installation.producers["hotline"].clone(),
        flowing.clone(),
        receipts.clone(),
    ));

    let started = Instant::now();
    for round in 1..=rounds {
        let victims = choose(&mut random, round, rounds);
        let before = accepted(&receipts);
        until("reports to be flowing again", Duration::from_secs(60), || async {
            (accepted(&receipts) > before + 20).then_some(()).ok_or("none accepted")
        })
        .await?;
        kill(&mut world, &victims).await?;
        tokio::time::sleep(Duration::from_millis(random.random_range(10..600))).await;
        revive(&mut world, &victims, &mut random).await?;
        println!("round {round}: {victims:?}, {} accepted so far", accepted(&receipts));
    }
    flowing.store(false, Ordering::Relaxed);
    let sent = http.await??.max(1) + nats.await??;
    let all = receipts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{} reports accepted in {:?}, {sent} sent", all.len(), started.elapsed());

    settle(&world, &all).await?;
    add_up(&world, &all).await?;
    world.stack.stop().await;
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn accepted(receipts: &Receipts) -> usize {
    receipts.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Each victim has its turn; after that two or three at once, and in the last round all of them.
fn choose(random: &mut StdRng, round: usize, rounds: usize) -> Vec<Victim> {
    if round <= VICTIMS.len() {
        return vec![VICTIMS[round - 1]];
    }
    if round == rounds {
        return VICTIMS.to_vec();
    }
    let count = random.random_range(1..=3);
    VICTIMS.choose_multiple(random, count).copied().collect()
}

async fn kill(world: &mut World, victims: &[Victim]) -> anyhow::Result<()> {
    for victim in victims {
        match victim {
            Victim::Service(name) => world.stack.kill9(name, 0).await?,
            Victim::Broker => world.stack.ground.nats()?.kill9().await,
            Victim::Database => world.stack.ground.postgres()?.kill9().await,
        }
    }
    Ok(())
}

/// In random order, so that services also start while what they need is still down.
async fn revive(world: &mut World, victims: &[Victim], random: &mut StdRng) -> anyhow::Result<()> {
    let mut order = victims.to_vec();
    order.shuffle(random);
    for victim in order {
        match victim {
            Victim::Service(name) => world.stack.respawn(name, 0).await?,
            Victim::Broker => world.stack.ground.nats()?.restart().await?,
            Victim::Database => world.stack.ground.postgres()?.restart().await?,
        }
    }
    world.stack.wait_until_ready().await?;
    Ok(())
}

/// Sends at a pace over HTTP until told to stop; an answer that did not come is asked for again under the same key.
async fn over_http(url: String, token: String, flowing: Arc<AtomicBool>, receipts: Receipts) -> anyhow::Result<usize> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut sendings = tokio::task::JoinSet::new();
    let mut sent = 0;
    while flowing.load(Ordering::Relaxed) {
        pace.tick().await;
        while sendings.try_join_next().is_some() {}
        let key = format!("h-{sent}");
        sent += 1;
        let request =
            client.post(format!("{url}/v1/reports")).bearer_auth(&token).header("Idempotency-Key", &key).json(&sample("web", sent));
        let receipts = receipts.clone();
        sendings.spawn(async move {
            for _ in 0..200 {
                let Some(request) = request.try_clone() else { return };
                if let Ok(answer) = request.send().await
                    && answer.status() == reqwest::StatusCode::ACCEPTED
                    && let Ok(accepted) = answer.json::<Accepted>().await
                {
                    keep(&receipts, &key, accepted.receipt);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
    }
    while sendings.join_next().await.is_some() {}
    Ok(sent)
}

/// The same over NATS, as a hotline would: a request with its key, repeated until the receipt is there.
async fn over_nats(url: String, token: String, flowing: Arc<AtomicBool>, receipts: Receipts) -> anyhow::Result<usize> {
    let client = async_nats::ConnectOptions::with_user_and_password("hotline".into(), token)
        .custom_inbox_prefix("_INBOX_hotline")
        .retry_on_initial_connect()
        .request_timeout(Some(Duration::from_secs(5)))
        .connect(url)
        .await?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut sendings = tokio::task::JoinSet::new();
    let mut sent = 0;
    while flowing.load(Ordering::Relaxed) {
        pace.tick().await;
        while sendings.try_join_next().is_some() {}
        let key = format!("n-{sent}");
        sent += 1;
        let body = serde_json::to_vec(&sample("phone", sent))?;
        let (client, receipts) = (client.clone(), receipts.clone());
        sendings.spawn(async move {
            for _ in 0..200 {
                let mut headers = async_nats::HeaderMap::new();
                headers.insert("Idempotency-Key", key.as_str());
                let answer = client.request_with_headers("duban.report.v1.phone.hotline", headers, body.clone().into()).await;
                if let Ok(answer) = answer
                    && let Ok(accepted) = serde_json::from_slice::<Accepted>(&answer.payload)
                {
                    keep(&receipts, &key, accepted.receipt);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
    }
    while sendings.join_next().await.is_some() {}
    Ok(sent)
}

fn sample(channel: &str, n: usize) -> duban_contracts::report::Report {
    let mut report = world::report(channel, "", &format!("第 {n} 件"));
    report.unit = None;
    // Many customers, some of whom come back.
    report.reporter.phone = Some(format!("139{:08}", n % 5_000));
    report
}

fn keep(receipts: &Receipts, key: &str, receipt: Uuid) {
    let known = receipts.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), receipt);
    assert!(known.is_none_or(|known| known == receipt), "{key} has two receipts");
}

/// Waits until nothing is on its way any more.
async fn settle(world: &World, all: &BTreeMap<String, Uuid>) -> anyhow::Result<()> {
    let receipts: Vec<Uuid> = all.values().copied().collect();
    until("every accepted report to be registered", SETTLING, || async {
        let missing = missing(world, &receipts).await?;
        anyhow::ensure!(missing == 0, "{missing} of {} are missing", receipts.len());
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    until("the outboxes to be empty", SETTLING, || async {
        for schema in ["intake", "escalation", "notifications", "archive"] {
            let waiting = world.count(&format!("select count(*) from {schema}.outbox where published_at is null")).await?;
            anyhow::ensure!(waiting == 0, "{waiting} events of {schema} are unpublished");
        }
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    until("every case to have its duties", SETTLING, || async {
        let without = world.count(CASES_WITHOUT_DUTY).await?;
        anyhow::ensure!(without == 0, "{without} cases have no duty");
        Ok::<_, anyhow::Error>(())
    })
    .await
}

const CASES_WITHOUT_DUTY: &str =
    "select count(*) from intake.cases c where not exists (select 1 from escalation.duty d where d.case_id = c.id)";

async fn missing(world: &World, receipts: &[Uuid]) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(
        "select count(*) from unnest($1::uuid[]) as sent (receipt)
         where not exists (select 1 from intake.identity i where i.receipt = sent.receipt)
           and not exists (select 1 from intake.rejected r where r.receipt = sent.receipt)",
    )
    .bind(receipts)
    .fetch_one(&world.database)
    .await?)
}

/// One case each, nothing twice, no alert without its breach, no dead letter.
async fn add_up(world: &World, all: &BTreeMap<String, Uuid>) -> anyhow::Result<()> {
    let none = [
        ("a receipt with two cases", "select count(*) from (select receipt from intake.cases group by receipt having count(*) > 1) twice"),
        (
            "a registered report without its case",
            "select count(*) from intake.identity i where i.state = 'registered' and not exists (select 1 from intake.cases c where c.id = i.case_id)",
        ),
        ("a case number twice", "select count(*) from (select number from intake.cases group by number having count(*) > 1) twice"),
        (
            "a breach without an alert",
            "select count(*) from escalation.duty d where d.state = 'breached' and not exists (select 1 from escalation.alert a where a.duty = d.id)",
        ),
        (
            "a rung raised twice",
            "select count(*) from (select 1 from escalation.alert group by duty, run, rung, repetition having count(*) > 1) twice",
        ),
        ("a dead letter of intake", "select count(*) from intake.dead_letter"),
        ("a dead letter of escalation", "select count(*) from escalation.dead_letter"),
        ("a dead letter of notifications", "select count(*) from notifications.dead_letter"),
        ("a dead letter of archive", "select count(*) from archive.dead_letter"),
    ];
    for (what, sql) in none {
        let count = world.count(sql).await.with_context(|| what.to_owned())?;
        anyhow::ensure!(count == 0, "{what}: {count}");
    }
    // More cases than receipts would mean that one report was registered under two identities.
    let cases = world.count("select count(*) from intake.identity").await?;
    let sent = i64::try_from(all.len())?;
    anyhow::ensure!(cases >= sent, "{cases} identities for {sent} accepted reports");
    let breaches = world.count("select count(*) from escalation.alert").await?;
    anyhow::ensure!(breaches > 0, "no alert was raised, so the test shows nothing of them");
    at_the_receiving_end(world).await
}

/// A mail may arrive again after a kill, but then under the same id; one alert never has two ids for one person.
async fn at_the_receiving_end(world: &World) -> anyhow::Result<()> {
    let twice = world
        .count("select count(*) from (select 1 from notifications.delivery group by alert, person, channel having count(*) > 1) twice")
        .await?;
    anyhow::ensure!(twice == 0, "{twice} deliveries have two ids");
    // What really arrived: the link is of one alert and one person, so all mails with it are one message, sent once or again.
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mails = world.stack.mail.messages();
    for mail in &mails {
        let link = mail.link("/a/").context("a mail without its link")?;
        ids.entry(link).or_default().insert(mail.message_id.clone().context("a mail without Message-ID")?);
    }
    println!("{} mails of {} messages arrived", mails.len(), ids.len());
    if let Some((link, ids)) = ids.iter().find(|(_, ids)| ids.len() > 1) {
        anyhow::bail!("{link} came under {} ids", ids.len());
    }
    Ok(())
}

/// The store of the broker is lost behind the services' backs, after what was accepted is registered (on one node the reports had only that
/// disk): what was committed is published again, and a service that was down meanwhile misses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_broker_loses_no_event_that_was_committed() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    world.stack.stop_copy("escalation", 0).await?;
    let web = world.installation.producer("web")?;
    for n in 0..40 {
        let mut report = sample("web", n);
        report.unit = Some("BJ01".to_owned());
        web.send_report(&format!("w-{n}"), &report).await?;
    }
    until("all to be registered and told", SETTLING, || async {
        let cases = world.count("select count(*) from intake.cases").await?;
        let untold = world.count("select count(*) from intake.outbox where published_at is null").await?;
        anyhow::ensure!((cases, untold) == (40, 0), "{cases} cases, {untold} untold");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    world.stack.ground.nats()?.kill9().await;
    world.stack.ground.nats()?.wipe_store()?;
    world.stack.ground.nats()?.restart().await?;
    world.stack.restart("escalation", 0).await?;
    until("every case to have its duties", SETTLING, || async {
        let without = world.count(CASES_WITHOUT_DUTY).await?;
        anyhow::ensure!(without == 0, "{without} cases have no duty");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    world.stack.stop().await;
    Ok(())
}
