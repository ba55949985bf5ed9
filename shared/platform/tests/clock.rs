//! The clock: one for all copies, set by the operator alone, never stepping back.

mod world;

use duban_contracts::Timestamp;
use duban_platform::clock::control::{self, Change};
use sqlx::PgPool;
use std::time::Duration;
use world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_returns_when_every_copy_has_taken_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copies = [world.service("intake").await?, world.service("escalation").await?, world.service("escalation").await?];
    let superuser = PgPool::connect(world.ground.superuser_url()).await?;
    let operator = world.ground.connect_nats("operator").await?;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();

    control::set(&superuser, &operator, Change::Begin { at: at("2027-01-04T01:00:00Z"), factor: 0.0 }).await?;
    for copy in &copies {
        assert_eq!(copy.clock.now(), at("2027-01-04T01:00:00Z"), "{}", copy.service);
    }
    let sleeper = tokio::spawn({
        let clock = copies[0].clock.clone();
        async move { clock.sleep_until("2027-04-01T00:00:00Z".parse().unwrap()).await }
    });
    control::set(&superuser, &operator, Change::Step(at("2027-04-04T01:00:00Z"))).await?;
    for copy in &copies {
        assert_eq!(copy.clock.now(), at("2027-04-04T01:00:00Z"), "{}", copy.service);
    }
    tokio::time::timeout(Duration::from_secs(60), sleeper).await??;
    assert!(control::set(&superuser, &operator, Change::Step(at("2027-04-03T00:00:00Z"))).await.is_err());

    // A copy that starts later agrees, and a running factor runs on all.
    control::set(&superuser, &operator, Change::Factor(3600.0)).await?;
    let late = world.service("archive").await?;
    let end = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let (one, other) = (late.clock.now(), copies[1].clock.now());
        // An hour a second: a tenth of a second apart is six minutes.
        if one.duration_until(other).abs() < jiff::SignedDuration::from_mins(6) {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "{one} and {other} do not agree");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_service_can_set_the_clock() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    assert!(sqlx::query("update clock.setting set factor = 2").execute(intake.db.pool()).await.is_err());
    let now = intake.clock.now();
    let real = Timestamp::now();
    assert!(now.duration_until(real).abs() < jiff::SignedDuration::from_secs(60), "{now} {real}");
    Ok(())
}
