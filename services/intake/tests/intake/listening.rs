//! Sources that have gone silent.

use crate::world::{World, complaint, eventually};
use duban_contracts::source::{SourceEvent, SourceList, SourceListRequest};
use duban_contracts::{Problem, Timestamp};
use jiff::SignedDuration;

async fn told(world: &World, happened: &str, how_many: usize) -> anyhow::Result<Vec<SourceEvent>> {
    let mut told: Vec<SourceEvent> = world.told_of(&format!("source.{happened}"), how_many).await?;
    told.sort_by(|a, b| (&a.producer, a.version).cmp(&(&b.producer, b.version)));
    Ok(told)
}

fn names(told: &[SourceEvent]) -> Vec<&str> {
    told.iter().map(|event| event.producer.as_str()).collect()
}

fn before(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_sends_nothing_for_too_long_is_told_once_and_again_when_it_is_heard() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let receipt = world.report_of("hotline", "first", complaint()).await?;
    world.case_of(receipt).await?;
    world.report_of("unwatched", "first", complaint()).await?;
    world.watch(2, &[("hotline", "2s"), ("never", "2s"), ("patient", "30d")])?;

    let silent = told(&world, "silent", 2).await?;
    assert_eq!(names(&silent), ["hotline", "never"]);
    let (hotline, never) = (&silent[0], &silent[1]);
    assert_eq!((hotline.unit.as_str(), hotline.silent_after.as_str(), hotline.version), ("EAST", "2s", 1));
    assert_eq!(hotline.heard_at.map(|heard| hotline.silent_since.duration_since(heard).as_secs()), Some(2));
    assert_eq!(never.heard_at, None);
    let list: SourceList = world.ask("dora", "source.list", &SourceListRequest {}).await?;
    let shown: Vec<(&str, bool, bool)> =
        list.sources.iter().map(|source| (source.producer.as_str(), source.heard_at.is_some(), source.silent_since.is_some())).collect();
    assert_eq!(shown, [("hotline", true, true), ("never", false, true), ("patient", false, false), ("unwatched", true, false)]);
    let refused: Result<SourceList, Problem> = world.ask("eva", "source.list", &SourceListRequest {}).await;
    assert_eq!(refused.unwrap_err().status, 403);

    // It is heard: once, whatever it sends, and however many copies hear it.
    for number in 0..40 {
        world.report_of("hotline", &format!("again {number}"), complaint()).await?;
    }
    let heard = told(&world, "heard", 1).await?;
    assert_eq!((names(&heard), heard[0].version), (vec!["hotline"], 2));
    assert_eq!(heard[0].silent_since, hotline.silent_since);
    world.worked_off().await?;

    // Silent again; and who is not watched any longer is let go.
    let silent = told(&world, "silent", 3).await?;
    assert_eq!((names(&silent), silent[1].version), (vec!["hotline", "hotline", "never"], 3));
    world.watch(3, &[("hotline", "1d"), ("patient", "30d")])?;
    let released = told(&world, "released", 2).await?;
    assert_eq!(names(&released), ["hotline", "never"]);
    assert_eq!((released[0].silent_after.as_str(), released[1].silent_after.as_str()), ("1d", ""), "it was given more time");
    assert_eq!(told(&world, "heard", 1).await?.len(), 1);
    assert_eq!(world.count("select count(*) from source where silent_at is not null").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_while_nobody_read_it_was_heard_in_time() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let now = world.platform().clock.now();
    let sent = async |world: &World, key: &str, received_at: Timestamp| {
        let mut accepted = world.accepted_of("hotline", key, &complaint());
        accepted.received_at = received_at;
        world.put(serde_json::to_vec(&accepted)?, received_at, None).await?;
        anyhow::Ok(accepted.receipt)
    };
    let receipt = sent(&world, "old", before(now, 100)).await?;
    world.case_of(receipt).await?;
    let (platform, _app) = world.copies.remove(0);
    platform.stop().await;
    for number in 0..200 {
        sent_by(&world, &platform, number, before(now, 5)).await?;
    }
    let copy = world.start_copy().await?;
    assert_eq!(copy, 0);
    // An hour was over long ago by what was read before; by what waited it is not. Another falls silent, so it was looked.
    world.watch(2, &[("hotline", "1h"), ("never", "1s")])?;
    let silent = told(&world, "silent", 1).await?;
    assert_eq!(names(&silent), ["never"]);
    eventually("all is read", || async { (world.count("select count(*) from cases").await.ok()? == 201).then_some(()) }).await?;
    assert_eq!(names(&told(&world, "silent", 1).await?), ["never"]);
    Ok(())
}

/// While no copy runs, the clock of the one that was stopped says what time it is.
async fn sent_by(world: &World, platform: &duban_platform::Platform, number: usize, received_at: Timestamp) -> anyhow::Result<()> {
    let body = complaint();
    let report = serde_json::from_value(body.clone())?;
    let key = format!("while down {number}");
    let accepted = duban_contracts::report::AcceptedReport {
        receipt: world.receipt("hotline", &key),
        producer: "hotline".to_owned(),
        idempotency_key: key,
        body_hash: hex::encode(world.keys.body_hash(&body)),
        received_at,
        unit: "EAST".to_owned(),
        follows: None,
        follows_code: None,
        report,
    };
    world.put(serde_json::to_vec(&accepted)?, platform.clock.now(), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_report_that_is_read_late_sets_nothing_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let now = world.platform().clock.now();
    for (key, minutes) in [("newer", 1), ("older", 90)] {
        let mut accepted = world.accepted_of("hotline", key, &complaint());
        accepted.received_at = before(now, minutes);
        world.put(serde_json::to_vec(&accepted)?, now, None).await?;
        world.case_of(accepted.receipt).await?;
    }
    world.watch(2, &[("hotline", "1h"), ("never", "1s")])?;
    assert_eq!(names(&told(&world, "silent", 1).await?), ["never"]);
    let list: SourceList = world.ask("dora", "source.list", &SourceListRequest {}).await?;
    let hotline = list.sources.iter().find(|source| source.producer == "hotline").unwrap();
    assert!(hotline.heard_at.is_some_and(|heard| heard >= before(now, 2)), "{hotline:?}");
    Ok(())
}
