//! The relay: one at a time, taken over, and what it does when the broker has lost something.

mod world;

use duban_contracts::subjects::stream;
use duban_platform::Platform;
use duban_platform::consumer::Consume;
use std::time::Duration;
use world::{EFFECTS, EVENTS, World, WriteDown, number, tell, until, words, worked_off};

const SOON: Duration = Duration::from_secs(120);
const WAITING: &str = "select count(*) from outbox where published_at is null";

/// Waits until a figure as `/metrics` shows it is as wanted.
async fn shown(platform: &Platform, figure: &str, wanted: impl Fn(f64) -> bool) -> anyhow::Result<f64> {
    let end = tokio::time::Instant::now() + SOON;
    loop {
        let text = platform.metrics.text();
        let line = text.lines().find(|line| line.strip_prefix(figure).is_some_and(|rest| rest.starts_with('{')));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        match value {
            Some(value) if wanted(value) => return Ok(value),
            _ if tokio::time::Instant::now() > end => anyhow::bail!("{figure} is {value:?}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_published_or_not_handled_shows_as_lag_and_age_until_it_is() -> anyhow::Result<()> {
    const OUTBOX: &str = "duban_outbox_lag";
    const AGE: &str = "duban_outbox_age_seconds";
    const CONSUMER: &str = "duban_consumer_lag";
    let mut world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    shown(&intake, OUTBOX, |lag| lag == 0.0).await?;
    shown(&escalation, CONSUMER, |lag| lag == 0.0).await?;

    // Somebody is in the way of what escalation would write.
    let mut in_the_way = escalation.db.begin().await?;
    sqlx::query("lock table effect").execute(&mut *in_the_way).await?;
    tell(&intake, &words(&intake, 0..5)).await?;
    shown(&escalation, CONSUMER, |lag| lag == 5.0).await?;
    in_the_way.rollback().await?;
    shown(&escalation, CONSUMER, |lag| lag == 0.0).await?;

    until(intake.db.pool(), WAITING, 0, SOON).await?;
    world.ground.nats()?.kill9().await;
    tell(&intake, &words(&intake, 5..12)).await?;
    shown(&intake, OUTBOX, |lag| lag == 7.0).await?;
    let age = shown(&intake, AGE, |age| age > 0.0).await?;
    shown(&intake, AGE, |later| later > age).await?;

    world.ground.nats()?.restart().await?;
    shown(&intake, OUTBOX, |lag| lag == 0.0).await?;
    shown(&intake, AGE, |age| age == 0.0).await?;
    until(escalation.db.pool(), EVENTS, 12, SOON).await?;
    shown(&escalation, CONSUMER, |lag| lag == 0.0).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_runs_out_is_taken_over_under_a_higher_epoch() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    tell(&intake, &words(&intake, 0..10)).await?;
    until(intake.db.pool(), WAITING, 0, SOON).await?;

    // As if a copy elsewhere had taken it and then died.
    sqlx::query("update relay_lease set holder = 'dead copy', epoch = epoch + 1, until = clock_timestamp() + interval '6 seconds'")
        .execute(intake.db.pool())
        .await?;
    // The former holder notices at its next renewal, and marks nothing meanwhile.
    until(intake.db.pool(), "select count(*) from relay_lease where holder <> 'dead copy' and epoch = 3", 1, SOON).await?;
    tell(&intake, &words(&intake, 10..20)).await?;
    until(intake.db.pool(), WAITING, 0, SOON).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_stops_publishes_its_last_events_and_hands_over_at_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.service("intake").await?;
    tell(&first, &words(&first, 0..10)).await?;
    until(first.db.pool(), WAITING, 0, SOON).await?;
    let second = world.service("intake").await?;
    tell(&first, &words(&first, 10..500)).await?;
    first.stop().await;
    // Given up, or taken by the other already: nobody waits for it to run out.
    let given_up = "select count(*) from relay_lease where until = '-infinity' or epoch = 2";
    assert_eq!(number(second.db.pool(), given_up).await?, 1);
    until(second.db.pool(), WAITING, 0, SOON).await?;
    until(second.db.pool(), "select count(*) from relay_lease where epoch = 2", 1, SOON).await?;
    // What the other copy committed is seen without being told.
    let mut tx = second.db.begin().await?;
    second.outbox.write(&mut tx, &words(&second, 500..510)).await?;
    tx.commit().await?;
    until(second.db.pool(), WAITING, 0, SOON).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_store_is_filled_again_from_the_outbox() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    tell(&intake, &words(&intake, 0..700)).await?;
    until(escalation.db.pool(), EFFECTS, 700, SOON).await?;

    world.ground.nats()?.kill9().await;
    world.ground.nats()?.wipe_store()?;
    tell(&intake, &words(&intake, 700..710)).await?;
    world.ground.nats()?.restart().await?;

    // One that never saw them gets all, one that did does nothing twice.
    let archive = world.service("archive").await?;
    archive.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    until(archive.db.pool(), EVENTS, 710, SOON).await?;
    until(escalation.db.pool(), EVENTS, 710, SOON).await?;
    until(intake.db.pool(), "select count(*) from republication where done_at is null", 0, SOON).await?;
    assert_eq!(number(intake.db.pool(), "select count(*) from republication").await?, 1);
    for service in [&escalation, &archive] {
        worked_off(service, stream::INTAKE, SOON).await?;
    }
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, 710);
    assert_eq!(number(archive.db.pool(), EFFECTS).await?, 710);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_no_event() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    let mut told = 0;
    for _ in 0..4 {
        for _ in 0..5 {
            tell(&intake, &words(&intake, told..told + 40)).await?;
            told += 40;
        }
        // With acknowledged messages that are not written yet.
        world.ground.nats()?.kill9().await;
        world.ground.nats()?.restart().await?;
    }
    until(escalation.db.pool(), EVENTS, i64::try_from(told)?, SOON).await?;
    until(intake.db.pool(), "select count(*) from republication where done_at is null", 0, SOON).await?;
    worked_off(&escalation, stream::INTAKE, SOON).await?;
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, i64::try_from(told)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_when_they_are_old_and_every_consuming_service_has_handled_them() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut settings = world.settings("intake")?;
    settings.keep_outbox_days = 0;
    let intake = Platform::start("intake", &settings, sqlx::migrate::Migrator::with_migrations(Vec::new())).await?;
    intake.db.migrated().await;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    tell(&intake, &words(&intake, 0..20)).await?;
    until(escalation.db.pool(), EFFECTS, 20, SOON).await?;
    tell(&intake, &words(&intake, 20..21)).await?;
    // Told four times a minute, cleaned twice; the event that was reached stays.
    until(intake.db.pool(), "select count(*) from outbox", 1, Duration::from_secs(300)).await?;
    assert_eq!(number(escalation.db.pool(), "select count(*) from inbox_floor where stream = 'INTAKE'").await?, 1);
    Ok(())
}
