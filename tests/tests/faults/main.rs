//! Nothing lost, nothing twice: while reports flow over HTTP and NATS, processes are killed, and in the end everything adds up.
//!
//! `DUBAN_FAULT_ROUNDS` (20; `make faults` sets 200) and `DUBAN_FAULT_SEED` (random, printed) say how often and which.

mod adding_up;
mod in_hand;
mod producers;
mod receiving;
mod staff;

use duban_contracts::case::CaseListRequest;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, journey, until};
use in_hand::InHand;
use producers::Sent;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use receiving::Receiver;
use std::time::{Duration, Instant};

/// How long after the last kill everything may take to settle.
const SETTLING: Duration = Duration::from_secs(240);

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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_while_processes_are_killed() -> anyhow::Result<()> {
    let rounds: u32 = setting("DUBAN_FAULT_ROUNDS", 20);
    let seed: u64 = setting("DUBAN_FAULT_SEED", rand::random());
    println!("rounds {rounds}, seed {seed} (DUBAN_FAULT_SEED={seed} plays it again)");
    let mut random = StdRng::seed_from_u64(seed);
    // So fast that clocks run out and ladders climb while processes die, and not so fast that everything that ever came in is overdue.
    let factor = (2400.0 / f64::from(rounds.max(1))).clamp(12.0, 240.0);
    let clock = ClockSetting::Accelerated { start: "2026-03-02T08:30:00+08:00".into(), factor };
    let receiver = Receiver::start().await?;
    let settings = StackSettings { clock: Some(clock), ..StackSettings::durable_test() };
    let mut world = World::with_policies(settings, &receiver.policies()?).await?;

    let sent = Sent::default();
    let flow = producers::flow(&world, &sent);
    let staff = staff::at_work(&world).await?;
    let messages = InHand::of(&world, &sent).await?;
    let started = Instant::now();
    for round in 1..=rounds {
        let victims = choose(&mut random, round, rounds);
        let before = sent.accepted();
        until("reports to be flowing again", SETTLING, || async { (sent.accepted() > before + 20).then_some(()).ok_or("none accepted") })
            .await?;
        let begun = sent.begun();
        let in_hand = messages.wait(&victims).await?;
        kill(&mut world, &victims).await?;
        tokio::time::sleep(Duration::from_millis(random.random_range(10..600))).await;
        revive(&mut world, &victims, &mut random).await?;
        // Whatever the machine's speed: a flow that stood still meanwhile would show nothing.
        anyhow::ensure!(sent.begun() > begun, "round {round}: no report was sent while {victims:?} were down");
        println!("round {round}: {victims:?} killed with {in_hand:?} messages in hand, {} accepted so far", sent.accepted());
    }
    let offered = sent.begun() as f64 / started.elapsed().as_secs_f64();
    anyhow::ensure!(offered >= 200.0, "only {offered:.0} reports a second were sent");
    flow.stop().await?;
    let done = match staff.stop(adding_up::settling(&sent)).await {
        Ok(done) => done,
        Err(error) => return Err(error.context(adding_up::standing(&world).await?)),
    };
    let (accepted, took) = (sent.accepted(), started.elapsed());
    println!("{accepted} reports accepted in {took:?}, {offered:.0} a second sent, {}", sent.story());
    println!("{} notes written, {} cases closed, {} alerts acknowledged", done.noted, done.closed.len(), done.acknowledged.len());

    adding_up::settled(&world, &sent).await?;
    adding_up::check(&world, &sent).await?;
    adding_up::check_acts(&world, &done).await?;
    receiving::check(&world, &receiver).await?;
    world.stack.stop().await;
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Each victim has its turn; after that two or three at once, and in the last round all of them.
fn choose(random: &mut StdRng, round: u32, rounds: u32) -> Vec<Victim> {
    if round == rounds {
        return VICTIMS.to_vec();
    }
    match VICTIMS.get(round as usize - 1) {
        Some(victim) => vec![*victim],
        None => {
            let count = random.random_range(1..=3);
            VICTIMS.choose_multiple(random, count).copied().collect()
        }
    }
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

/// The store of the broker is lost behind the services' backs, after what was accepted is registered (on one node the reports had only that
/// disk): what was committed is published again, and a service that was down meanwhile misses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_broker_loses_no_event_that_was_committed() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    const DOWN: [&str; 3] = ["escalation", "notifications", "archive"];
    for service in DOWN {
        world.stack.stop_copy(service, 0).await?;
    }
    let web = world.installation.producer("web")?;
    for n in 0..40 {
        web.send_report(&format!("w-{n}"), &producers::ordinary("web", "BJ01", n)).await?;
    }
    let handler = world.installation.person(journey::HANDLER).await?;
    let to_close = until("cases to be closed", SETTLING, || async {
        let filter = CaseListRequest { unit: Some("BJ01".into()), limit: Some(3), ..CaseListRequest::default() };
        let listed = handler.cases(&filter).await?.cases;
        anyhow::ensure!(listed.len() == 3, "{} are there", listed.len());
        anyhow::Ok(listed)
    })
    .await?;
    for case in to_close {
        journey::settle(&world, case.case).await?;
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
    for service in DOWN {
        world.stack.restart(service, 0).await?;
    }
    until("every case to have its duties, to be known to who sends messages, and to be filed if closed", SETTLING, || async {
        let without = world.count(adding_up::CASES_WITHOUT_DUTY).await?;
        let known = world.count("select count(*) from notifications.case_copy").await?;
        let filed = world.count("select count(distinct case_id) from archive.record").await?;
        anyhow::ensure!((without, known, filed) == (0, 40, 3), "{without} cases have no duty, {known} are known, {filed} are filed");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    world.stack.stop().await;
    Ok(())
}

/// Reports go on being accepted while Postgres is down, also by a gateway that starts meanwhile; afterwards all are registered and nothing
/// was given up. `DUBAN_OUTAGE_SECONDS` says how long (20; `make soak` takes an hour).
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_postgres_dead_letters_nothing() -> anyhow::Result<()> {
    let outage = Duration::from_secs(setting("DUBAN_OUTAGE_SECONDS", 20));
    let mut world = World::start().await?;
    let web = world.installation.producer("web")?;
    for n in 0..20 {
        web.send_report(&format!("before-{n}"), &producers::ordinary("web", "MD01", n)).await?;
    }
    world.stack.ground.postgres()?.kill9().await;
    let (began, mut accepted) = (Instant::now(), 20);
    for n in 0..20 {
        web.send_report(&format!("during-{n}"), &producers::ordinary("web", "MD01", 100 + n)).await?;
        accepted += 1;
    }
    world.stack.kill9("gateway", 0).await?;
    world.stack.restart("gateway", 0).await?;
    while began.elapsed() < outage {
        let n = accepted;
        web.send_report(&format!("restarted-{n}"), &producers::ordinary("web", "MD01", 200 + n)).await?;
        accepted += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    world.stack.ground.postgres()?.restart().await?;
    until("all to be registered with their duties", SETTLING, || async {
        let cases = world.count("select count(*) from intake.cases").await?;
        let without = world.count(adding_up::CASES_WITHOUT_DUTY).await?;
        anyhow::ensure!((cases, without) == (i64::from(accepted), 0), "{cases} of {accepted} cases, {without} without a duty");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    // What is still on its way, or waits to be tried again, might yet be given up.
    until("everything to have reached whom it is for", SETTLING, || async {
        let under_way = world.count(adding_up::UNDER_WAY).await?;
        let known = world.count("select count(*) from notifications.case_copy").await?;
        anyhow::ensure!((under_way, known) == (0, i64::from(accepted)), "{under_way} events are under way, {known} cases are known");
        anyhow::Ok(())
    })
    .await?;
    anyhow::ensure!(world.count(adding_up::DEAD_LETTERS).await? == 0, "something was given up");
    world.stack.stop().await;
    Ok(())
}
