//! Nothing lost, nothing done twice, from one service's outbox to another's effects.

mod world;

use duban_contracts::NewEvent;
use duban_contracts::subjects::stream;
use duban_platform::consumer::Consume;
use std::sync::atomic::Ordering;
use std::time::Duration;
use world::{EFFECTS, EVENTS, Word, World, WriteDown, number, tell, until, words, worked_off};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_handled_once_by_two_copies_though_it_is_sent_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let first = world.service("escalation").await?;
    let second = world.service("escalation").await?;
    let consumer = first.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE).batch(50));
    second.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE).batch(50));
    tell(&intake, &words(&intake, 0..600)).await?;
    until(first.db.pool(), EFFECTS, 600, SOON).await?;

    // As after a crash of the relay before its mark: everything is published again.
    sqlx::query("update outbox set published_at = null").execute(intake.db.pool()).await?;
    intake.outbox.wake();
    tell(&intake, &words(&intake, 600..700)).await?;
    until(first.db.pool(), EVENTS, 700, SOON).await?;
    until(intake.db.pool(), "select count(*) from outbox where published_at is null", 0, SOON).await?;
    worked_off(&first, stream::INTAKE, SOON).await?;
    assert_eq!(number(first.db.pool(), EFFECTS).await?, 700);
    assert_eq!(number(first.db.pool(), "select count(*) from inbox").await?, 700);

    let end = tokio::time::Instant::now() + SOON;
    while !consumer.caught_up() {
        assert!(tokio::time::Instant::now() < end, "never caught up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for platform in [intake, first, second] {
        platform.stop().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_id_under_another_message_id_is_dropped_by_the_inbox() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    tell(&intake, &words(&intake, 0..1)).await?;
    until(escalation.db.pool(), EFFECTS, 1, SOON).await?;
    let id: uuid::Uuid = sqlx::query_scalar("select id from outbox").fetch_one(intake.db.pool()).await?;
    for _ in 0..3 {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", id.to_string());
        headers.insert("ce-time", "2026-03-01T08:00:00Z");
        intake.bus.jetstream.publish_with_headers("duban.intake.v1.case.registered", headers, r#"{"word":"again"}"#.into()).await?.await?;
    }
    tell(&intake, &words(&intake, 1..2)).await?;
    until(escalation.db.pool(), EVENTS, 2, SOON).await?;
    worked_off(&escalation, stream::INTAKE, SOON).await?;
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_rolled_back_is_never_told() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    let mut tx = intake.db.begin().await?;
    intake.outbox.write(&mut tx, &words(&intake, 0..5)).await?;
    drop(tx);
    tell(&intake, &words(&intake, 5..6)).await?;
    until(escalation.db.pool(), EFFECTS, 1, SOON).await?;
    assert_eq!(number(escalation.db.pool(), "select count(*) from effect where word = 'word 5'").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_pauses_and_counts_nothing() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE).batch(20).attempts(1));
    tell(&intake, &words(&intake, 0..50)).await?;
    until(escalation.db.pool(), EFFECTS, 50, SOON).await?;

    world.ground.postgres()?.kill9().await;
    for number in 50..150 {
        let event = NewEvent::new("intake", "case.registered", "case/x", 1, intake.clock.next(), &Word { word: format!("word {number}") });
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", event.id.to_string());
        headers.insert("ce-time", event.time.to_string());
        intake.bus.jetstream.publish_with_headers(event.subject, headers, event.body.into()).await?.await?;
    }
    // Long enough for several tries, each of which would have been an attempt.
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.ground.postgres()?.restart().await?;
    until(escalation.db.pool(), EVENTS, 150, SOON).await?;
    worked_off(&escalation, stream::INTAKE, SOON).await?;
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, 150);
    assert_eq!(number(escalation.db.pool(), "select count(*) from dead_letter").await?, 0);
    assert_eq!(number(escalation.db.pool(), "select count(*) from set_aside").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_waits_is_set_aside_and_holds_up_nothing_and_counts_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    let handler = WriteDown::default();
    handler.waits.store(true, Ordering::SeqCst);
    let consumer = escalation.consume(Consume::new(handler.clone()).stream(stream::INTAKE).attempts(1));
    tell(&intake, &words(&intake, 0..40)).await?;
    until(escalation.db.pool(), "select count(*) from set_aside", 40, SOON).await?;
    // What is set aside is acknowledged: the service counts as caught up.
    let end = tokio::time::Instant::now() + SOON;
    while !consumer.caught_up() {
        assert!(tokio::time::Instant::now() < end, "never caught up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, 0);
    handler.waits.store(false, Ordering::SeqCst);
    until(escalation.db.pool(), EVENTS, 40, SOON).await?;
    until(escalation.db.pool(), "select count(*) from set_aside", 0, SOON).await?;
    assert_eq!(number(escalation.db.pool(), EFFECTS).await?, 40);
    Ok(())
}
