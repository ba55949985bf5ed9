//! When something is wrong: with a message, with the database, with the broker, with the asker.

use crate::world::{World, complaint, eventually, with};
use duban_contracts::case::{CaseList, CaseListRequest};
use duban_contracts::dead::{DeadList, DeadListRequest};
use duban_platform::rpc::Call;
use serde_json::json;

#[tokio::test]
async fn a_poison_message_goes_to_the_dead_letters_and_holds_up_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let now = world.platform().clock.now();
    let before = world.report("k1", complaint()).await?;
    world.put(b"{\"not\": \"a report\"}".to_vec(), now, None).await?;
    let mut bad_hash = serde_json::to_value(world.accepted("k2", &complaint()))?;
    bad_hash["body_hash"] = json!("no hex");
    world.put(serde_json::to_vec(&bad_hash)?, now, None).await?;
    let after = world.report("k3", with(complaint(), json!({ "text": "\u{0}零字符" }))).await?;
    world.case_of(before).await?;
    world.case_of(after).await?;
    world.counts("select count(*) from dead_letter", 2).await?;
    // What can be read of them is there to be decided about.
    let rejected: Vec<String> = sqlx::query_scalar("select reason from rejected").fetch_all(world.platform().db.pool()).await?;
    assert_eq!(rejected, ["unprocessable"]);
    let letters: DeadList = world.ask("dora", "dead.list", &DeadListRequest::default()).await?;
    assert_eq!(letters.total, 2);
    let refused = world.ask::<_, DeadList>("eva", "dead.list", &DeadListRequest::default()).await.expect_err("not for her");
    assert_eq!(refused.status, 403);
    Ok(())
}

#[tokio::test]
async fn with_the_database_down_reports_wait_and_nothing_is_counted_against_them() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let first = world.report("k0", complaint()).await?;
    world.case_of(first).await?;
    world.ground.postgres()?.kill9().await;
    let mut receipts = Vec::new();
    for n in 1..=20 {
        receipts.push(world.report(&format!("k{n}"), complaint()).await?);
    }
    let down = world.list("eva", CaseListRequest::default()).await.expect_err("no database");
    assert_eq!((down.status, down.code.as_str()), (503, "unavailable"));
    world.ground.postgres()?.restart().await?;
    for receipt in receipts {
        world.case_of(receipt).await?;
    }
    world.counts("select count(*) from cases", 21).await?;
    world.counts("select count(*) from set_aside", 0).await?;
    assert_eq!(world.count("select count(*) from dead_letter").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_broker_that_dies_loses_no_report_that_it_took() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    for n in 0..50 {
        world.report(&format!("k{n}"), complaint()).await?;
    }
    world.ground.nats()?.kill9().await;
    world.ground.nats()?.restart().await?;
    world.counts("select count(*) from cases", 50).await?;
    world.counts("select count(*) from outbox where published_at is null", 0).await?;
    assert_eq!(world.count("select count(*) from dead_letter").await?, 0);
    Ok(())
}

#[tokio::test]
async fn nobody_is_believed_without_the_gateways_word() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ask = |claim: Option<String>| {
        let call = Call::new("intake", "case.list").body(&CaseListRequest::default());
        let call = call.map(|call| if let Some(claim) = &claim { call.claim(claim) } else { call });
        async { call?.send::<CaseList>(&world.gateway).await }
    };
    assert_eq!(ask(None).await.expect_err("no claim").status, 401);
    let mut forged = world.claim("dora");
    forged.replace_range(0..1, if forged.starts_with('A') { "B" } else { "A" });
    assert_eq!(ask(Some(forged)).await.expect_err("forged").status, 401);
    assert_eq!(ask(Some(world.claim("dora"))).await?.total, 0);
    Ok(())
}

#[tokio::test]
async fn a_second_copy_takes_over_what_the_first_leaves() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    for n in 0..100 {
        world.report(&format!("k{n}"), complaint()).await?;
        if n == 30 {
            let (first, _) = world.copies.remove(0);
            tokio::spawn(async move { first.stop().await });
        }
    }
    world.counts("select count(*) from cases", 100).await?;
    eventually("all told", || async {
        let left: i64 = sqlx::query_scalar("select count(*) from outbox where published_at is null")
            .fetch_one(world.platform().db.pool())
            .await
            .ok()?;
        (left == 0).then_some(())
    })
    .await
}
