//! Reports that follow another, whichever came first.

use crate::world::{World, complaint, eventually, with};
use duban_contracts::case::CaseListRequest;
use duban_contracts::report::{PublicStatus, TrackRequest};
use duban_intake::{following, store};
use duban_platform::rpc::Call;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

fn supplement(follows: &str) -> Value {
    json!({ "channel": "web", "unit": "EAST", "text": "补充：发票在我手里", "follows": follows })
}

async fn state(world: &World, receipt: Uuid) -> anyhow::Result<String> {
    let request = TrackRequest { code: None, receipt: Some(receipt) };
    let status: PublicStatus = Call::new("intake", "report.track").body(&request)?.send(&world.gateway).await?;
    Ok(status.state)
}

/// Lets another pair be joined of which the follower came first: by then all that wait have been looked at.
async fn join_another_pair(world: &World) -> anyhow::Result<()> {
    let follower = world.report("later", supplement("earlier")).await?;
    eventually("the follower to wait", || async { (state(world, follower).await.ok()? == "waiting").then_some(()) }).await?;
    let target = world.case_of(world.report("earlier", complaint()).await?).await?;
    anyhow::ensure!(world.case_of(follower).await? == target, "joined to another");
    Ok(())
}

/// Links those that became cases of their own, which is else done once a minute, until there are so many links.
async fn link_lone(world: &World, wanted: i64) -> anyhow::Result<()> {
    let app = &world.copies[0].1;
    eventually("the links", || async {
        following::join_lone(app).await.ok()?;
        let links = world.count("select count(*) from link where sort = 'follows'").await.ok()?;
        (links == wanted).then_some(())
    })
    .await
}

#[tokio::test]
async fn a_supplement_joins_the_case_of_the_report_that_it_follows() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.report("k1", complaint()).await?;
    let case = world.case_of(first).await?;
    let brought = json!({ "fields": { "车牌": "京A12345", "amount": 80 }, "attachments": [{ "name": "发票", "reference": "img/7" }] });
    let second = world.report("k2", with(supplement("k1"), brought)).await?;
    assert_eq!(world.case_of(second).await?, case);
    assert_eq!(state(&world, second).await?, "supplement");
    let shown = world.show("eva", case).await?;
    let entry = shown.timeline.iter().find(|entry| entry.event == "case.supplemented").expect("it stands on the timeline");
    assert_eq!(entry.note.as_deref(), Some("补充：发票在我手里\n车牌: 京A12345\namount: 80\n发票: img/7"));
    let carl = world.show("carl", case).await?;
    assert!(carl.timeline.iter().all(|entry| entry.note.is_none()), "personal text, as the report itself");
    let told = world.told(case, 2).await?;
    assert_eq!((told[1].0.as_str(), told[1].1.receipt), ("case.supplemented", Some(second)));
    assert_eq!(world.count("select count(*) from cases").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_supplement_that_comes_first_waits_and_so_does_what_follows_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let third = world.report("k3", supplement("k2")).await?;
    let second = world.report("k2", supplement("k1")).await?;
    world.counts("select count(*) from waiting", 2).await?;
    assert_eq!(state(&world, third).await?, "waiting");
    let first = world.report("k1", complaint()).await?;
    let case = world.case_of(first).await?;
    assert_eq!(world.case_of(second).await?, case);
    assert_eq!(world.case_of(third).await?, case);
    world.counts("select count(*) from waiting", 0).await?;
    assert_eq!(world.count("select count(*) from cases").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_tracking_code_is_followed_among_all_producers_but_a_key_only_among_ones_own() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.report("k1", complaint()).await?;
    let case = world.case_of(first).await?;
    let code = world.keys.tracking_code(first).to_string();
    let by_code = world.report_of("web", "w1", supplement(&code)).await?;
    assert_eq!(world.case_of(by_code).await?, case);
    let by_key = world.report_of("web", "w2", supplement("k1")).await?;
    world.counts("select count(*) from waiting", 1).await?;
    join_another_pair(&world).await?;
    assert_eq!(state(&world, by_key).await?, "waiting");
    Ok(())
}

#[tokio::test]
async fn a_code_that_two_reports_share_is_followed_by_nobody_and_shown_to_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.report("k1", complaint()).await?;
    let other = world.report("k2", with(complaint(), json!({ "unit": "WEST" }))).await?;
    world.case_of(first).await?;
    world.case_of(other).await?;
    // Two receipts with the same 54 bits are not to be had by trying: the table is made to hold them.
    let mut database = world.database().await?;
    sqlx::query("update intake.identity set code = (select code from intake.identity where receipt = $1)")
        .bind(first)
        .execute(&mut database)
        .await?;
    let code = world.keys.tracking_code(first);
    let follower = world.report_of("web", "w1", supplement(&code.to_string())).await?;
    world.counts("select count(*) from waiting", 1).await?;
    join_another_pair(&world).await?;
    assert_eq!(state(&world, follower).await?, "waiting");
    let request = TrackRequest { code: Some(code.hash.to_string()), receipt: None };
    let status: PublicStatus = Call::new("intake", "report.track").body(&request)?.send(&world.gateway).await?;
    assert_eq!((status.state.as_str(), status.case), ("ambiguous", None));
    Ok(())
}

#[tokio::test]
async fn who_waits_in_vain_becomes_a_case_and_is_linked_when_the_other_comes_after_all() -> anyhow::Result<()> {
    let world = World::with(&[("follow-patience", "1")]).await?;
    let follower = world.report("k2", supplement("k1")).await?;
    let alone = world.case_of(follower).await?;
    assert!(world.show("dora", alone).await?.summary.unsorted);
    let target = world.case_of(world.report("k1", complaint()).await?).await?;
    assert_ne!(target, alone);
    link_lone(&world, 1).await?;
    let shown = world.show("dora", alone).await?;
    assert_eq!(shown.links.iter().map(|link| (link.other, link.sort.as_str())).collect::<Vec<_>>(), [(target, "follows")]);
    let told = world.told(target, 2).await?;
    assert_eq!((told[1].0.as_str(), told[1].1.other), ("case.linked", Some(alone)));
    world.counts("select count(*) from waiting", 0).await
}

#[tokio::test]
async fn reports_that_follow_each_other_become_cases_of_their_own() -> anyhow::Result<()> {
    let world = World::new().await?;
    let one = world.report("k1", supplement("k2")).await?;
    let two = world.report("k2", supplement("k1")).await?;
    let own = world.report("k3", supplement("k3")).await?;
    let (one, two, own) = (world.case_of(one).await?, world.case_of(two).await?, world.case_of(own).await?);
    assert!(one != two && two != own);
    let unsorted = world.list("dora", CaseListRequest { state: Some("unsorted".into()), ..Default::default() }).await?;
    assert_eq!(unsorted.total, 3);
    world.counts("select count(*) from link where sort = 'follows'", 2).await
}

#[tokio::test]
async fn a_supplement_to_a_closed_case_does_what_the_pack_says() -> anyhow::Result<()> {
    let world = World::new().await?;
    let complaint = world.case_of(world.report("k1", complaint()).await?).await?;
    world.step("eva", complaint, "accept", json!({})).await?;
    world.step("eva", complaint, "settle", json!({ "result": "已换货" })).await?;
    let follower = world.report("k2", supplement("k1")).await?;
    assert_eq!(world.case_of(follower).await?, complaint);
    let told: Vec<String> = world.told(complaint, 7).await?.into_iter().map(|(name, _)| name).collect();
    let shown = world.show("eva", complaint).await?;
    assert_eq!((shown.summary.stage.as_str(), shown.summary.closed), ("accepted", false), "reopened");
    assert_eq!(told[4..], ["case.supplemented", "case.taken_up_again", "case.reopened"]);

    let inquiry = json!({ "channel": "web", "kind": "inquiry", "unit": "EAST", "text": "几点开门" });
    let inquiry = world.case_of(world.report("k5", inquiry).await?).await?;
    world.step("eva", inquiry, "reply", json!({})).await?;
    let follower = world.report("k6", with(supplement("k5"), json!({ "kind": "inquiry" }))).await?;
    let own = world.case_of(follower).await?;
    assert_ne!(own, inquiry);
    let shown = eventually("the link", || async { world.show("eva", own).await.ok().filter(|shown| !shown.links.is_empty()) }).await?;
    assert_eq!((shown.links[0].other, shown.links[0].sort.as_str()), (inquiry, "follows"));
    assert!(!shown.summary.unsorted);
    Ok(())
}

#[tokio::test]
async fn a_supplement_to_a_merged_case_lands_where_the_matter_is_dealt_with() -> anyhow::Result<()> {
    use duban_contracts::case::CaseAct;
    let world = World::new().await?;
    let one = world.case_of(world.report("k1", complaint()).await?).await?;
    let two = world.case_of(world.report("k2", complaint()).await?).await?;
    world.act("eva", two, CaseAct::Merge { into: one, reason: "同一事项".into() }).await?;
    let follower = world.report("k3", supplement("k2")).await?;
    assert_eq!(world.case_of(follower).await?, one);
    Ok(())
}

#[tokio::test]
async fn one_that_cannot_be_joined_holds_up_no_other_and_is_tried_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.report("k1", complaint()).await?;
    let lost = world.case_of(first).await?;
    let found = world.case_of(world.report("k2", with(complaint(), json!({ "unit": "WEST" }))).await?).await?;
    let mut database = world.database().await?;
    sqlx::query("update intake.identity set case_id = gen_random_uuid() where receipt = $1").bind(first).execute(&mut database).await?;
    let bad = world.report("k3", supplement("k1")).await?;
    let good = world.report("k4", supplement("k2")).await?;
    assert_eq!(world.case_of(good).await?, found);
    world.counts("select count(*) from waiting where failures > 0 and trouble like '%whose case is not there%'", 1).await?;
    assert_eq!(state(&world, bad).await?, "waiting");

    sqlx::query("update intake.identity set case_id = $2 where receipt = $1").bind(first).bind(lost).execute(&mut database).await?;
    assert_eq!(world.case_of(bad).await?, lost);
    Ok(())
}

#[tokio::test]
async fn who_became_a_case_of_its_own_waits_for_the_other_for_a_stated_time_only() -> anyhow::Result<()> {
    let world = World::with(&[("follow-patience", "1")]).await?;
    world.case_of(world.report("k2", supplement("k1")).await?).await?;
    world.report("k4", supplement("k3")).await?;
    world.counts("select count(*) from waiting where alone is not null", 2).await?;
    let pool = world.platform().db.pool();
    assert_eq!(store::waiting::expire_alone(pool, Duration::from_secs(86_400)).await?, 0);
    assert_eq!(store::waiting::expire_alone(pool, Duration::ZERO).await?, 2);
    Ok(())
}
