//! From report to case.

use crate::world::{World, complaint, eventually, sources, with};
use duban_contracts::Timestamp;
use duban_contracts::case::CaseListRequest;
use duban_contracts::policy::PolicySource;
use duban_contracts::report::{AcceptedReport, KnownAnswer, KnownRequest, PublicStatus, TrackRequest};
use duban_platform::rpc::Call;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_report_becomes_a_case_that_says_what_it_is() -> anyhow::Result<()> {
    let world = World::new().await?;
    let accepted = world.accepted("k1", &with(complaint(), json!({ "fields": { "金额": 80, "车牌": "京A12345" } })));
    world.put(serde_json::to_vec(&accepted)?, accepted.received_at, Some(TRACE)).await?;
    let case = world.case_of(accepted.receipt).await?;

    let shown = world.show("eva", case).await?;
    assert!(shown.summary.number.starts_with("TS-EAST-20") && shown.summary.number.ends_with("-0001"), "{}", shown.summary.number);
    assert_eq!(
        (shown.summary.kind.as_str(), shown.summary.stage.as_str(), shown.summary.severity.as_str()),
        ("complaint", "registered", "ordinary")
    );
    assert_eq!((shown.summary.severity_title.as_deref(), shown.summary.severity_title_zh.as_deref()), (Some("Ordinary"), Some("一般")));
    assert_eq!(shown.summary.phone.as_deref(), Some("138****2345"));
    assert_eq!(shown.summary.title_zh, "门店投诉（东店）");
    assert_eq!(shown.report.as_ref().and_then(|report| report.text.as_deref()), Some("昨天买的吹风机冒烟了"));
    assert_eq!(shown.timeline.len(), 1);
    assert_eq!(shown.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["accept", "check", "hear"]);
    assert!(!shown.steps[1].requires.is_empty() && shown.steps[1].requires.iter().all(|field| field.optional), "asked for, not needed");

    let told = world.told(case, 1).await?;
    assert_eq!(told[0].0, "case.registered");
    assert_eq!((told[0].1.version, told[0].1.policy, told[0].1.repeats), (1, 1, 0));
    assert_eq!(told[0].1.fields.keys().collect::<Vec<_>>(), ["amount"], "personal fields stay at home");
    let event = serde_json::to_string(&told[0].1)?;
    for personal in ["吹风机", "周先生", "1381234", "京A12345"] {
        assert!(!event.contains(personal), "{personal} travels in {event}");
    }
    Ok(())
}

#[tokio::test]
async fn what_people_said_lies_sealed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let receipt = world.report("k1", with(complaint(), json!({ "fields": { "plate": "京A12345" } }))).await?;
    world.case_of(receipt).await?;
    for table in ["report", "cases", "timeline", "outbox", "inbox", "matter", "identity"] {
        for personal in ["吹风机", "周先生", "13812342345", "京A12345", "京A"] {
            assert!(!world.lies_open(table, personal).await?, "{personal} lies open in {table}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_same_report_sent_twice_is_one_case() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    for _ in 0..6 {
        world.report("k1", complaint()).await?;
    }
    let last = world.report("k2", with(complaint(), json!({ "reporter": { "phone": "13700000000" } }))).await?;
    world.case_of(last).await?;
    world.worked_off().await?;
    world.counts("select count(*) from cases", 2).await?;
    assert_eq!(world.count("select count(*) from rejected").await?, 0);
    Ok(())
}

#[tokio::test]
async fn every_report_of_a_crowd_is_a_case_with_a_number_of_its_own() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    for n in 0..400 {
        let unit = ["EAST", "WEST"][n % 2];
        let body =
            json!({ "channel": "web", "unit": unit, "subject": format!("来件{n}"), "reporter": { "phone": format!("1390000{n:04}") } });
        world.report(&format!("k{n}"), body).await?;
    }
    world.counts("select count(*) from cases", 400).await?;
    let numbers: Vec<String> = sqlx::query_scalar("select number from cases").fetch_all(world.platform().db.pool()).await?;
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 400);
    world.counts("select count(*) from outbox where published_at is not null", 400).await?;
    assert_eq!(world.count("select count(*) from dead_letter").await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_registered_as_unsorted() -> anyhow::Result<()> {
    let world = World::new().await?;
    let unknown_kind = world.report("k1", with(complaint(), json!({ "kind": "表扬" }))).await?;
    let unknown_unit = world.report("k2", with(complaint(), json!({ "unit": "NORTH" }))).await?;
    let unknown_field = world.report("k3", with(complaint(), json!({ "fields": { "colour": "red" } }))).await?;
    let bad_field = world.report("k4", with(complaint(), json!({ "fields": { "amount": "many" } }))).await?;
    for (receipt, kind) in [(unknown_kind, "unsorted"), (unknown_unit, "unsorted"), (unknown_field, "unsorted"), (bad_field, "complaint")] {
        let shown = world.show("dora", world.case_of(receipt).await?).await?;
        assert!(shown.summary.unsorted, "{:?}", shown.summary);
        assert_eq!(shown.summary.kind, kind);
        assert!(!shown.reasons.is_empty(), "it says why");
    }
    let unsorted = world.list("dora", CaseListRequest { state: Some("unsorted".into()), ..Default::default() }).await?;
    assert_eq!((unsorted.total, unsorted.cases.len()), (4, 4));
    Ok(())
}

#[tokio::test]
async fn reports_of_one_matter_are_linked_and_the_third_is_major() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut cases = Vec::new();
    for (n, phone) in ["13812342345", "138-1234-2345", "+86 138 1234 2345"].into_iter().enumerate() {
        let body = with(complaint(), json!({ "reporter": { "phone": phone } }));
        cases.push(world.case_of(world.report(&format!("k{n}"), body).await?).await?);
    }
    let elsewhere = world.case_of(world.report("k8", with(complaint(), json!({ "unit": "WEST" }))).await?).await?;
    let anonymous = with(complaint(), json!({ "reporter": { "phone": "13812342345", "anonymous": true } }));
    let anonymous = world.case_of(world.report("k9", anonymous).await?).await?;

    let world = &world;
    let repeats = |case| async move {
        world.show("dora", case).await.map(|shown| (shown.summary.repeats, shown.links.len(), shown.summary.severity))
    };
    assert_eq!(repeats(cases[0]).await?, (0, 1, "ordinary".to_owned()));
    assert_eq!(repeats(cases[1]).await?, (1, 2, "ordinary".to_owned()));
    assert_eq!(repeats(cases[2]).await?, (2, 1, "major".to_owned()));
    assert_eq!(repeats(elsewhere).await?, (0, 0, "ordinary".to_owned()), "another unit is another matter");
    assert_eq!(repeats(anonymous).await?, (0, 0, "ordinary".to_owned()), "who would not be known is not recognised");
    assert_eq!(world.show("dora", anonymous).await?.summary.phone, None, "nor by part of the number");
    let told: Vec<String> = world.told(cases[2], 3).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["case.registered", "case.classified", "case.linked"]);
    let major = world.list("dora", CaseListRequest { state: Some("major".into()), ..Default::default() }).await?;
    assert_eq!(major.total, 1);
    Ok(())
}

/// A report as received at another time.
async fn received(world: &World, key: &str, body: Value, at: Timestamp) -> anyhow::Result<Uuid> {
    let accepted = AcceptedReport { received_at: at, ..world.accepted(key, &body) };
    world.put(serde_json::to_vec(&accepted)?, at, None).await?;
    world.case_of(accepted.receipt).await
}

#[tokio::test]
async fn what_comes_when_the_window_of_the_pack_is_over_repeats_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first_at = world.platform().clock.now() - SignedDuration::from_hours(24 * 300);
    // The pack's window.
    let window = SignedDuration::from_hours(24 * 90);
    let second_at = first_at + window;
    let third_at = second_at + window + SignedDuration::from_secs(1);
    let first = received(&world, "k1", complaint(), first_at).await?;
    let second = received(&world, "k2", complaint(), second_at).await?;
    let third = received(&world, "k3", complaint(), third_at).await?;
    let linked = async |case| {
        let shown = world.show("dora", case).await?;
        let links: Vec<_> = shown.links.into_iter().map(|link| (link.other, link.sort)).collect();
        anyhow::Ok((shown.summary.repeats, links))
    };
    assert_eq!(linked(second).await?, (1, vec![(first, "repeats".to_owned())]), "in the last second of it");
    assert_eq!(linked(third).await?, (0, vec![]), "a second later");

    // A matter that is closed is counted, and has nothing that another could be linked to.
    world.step("eva", third, "accept", json!({})).await?;
    world.step("eva", third, "settle", json!({ "result": "已换货" })).await?;
    let fourth = received(&world, "k4", complaint(), third_at + SignedDuration::from_hours(1)).await?;
    assert_eq!(linked(fourth).await?, (1, vec![]));
    Ok(())
}

/// A regulation that takes the place of the shop's.
const RETURNS: &str = r#"
[pack]
id = "returns"
title = { zh = "退换货管理", en = "Returns" }

[kind.return]
title = { zh = "退换货", en = "Return" }
default = true
number = "TH-{yyyy}-{seq}"

[kind.return.stage]
received = { title = { zh = "已收到", en = "Received" } }
closed = { title = { zh = "已办结", en = "Closed" }, terminal = true }

[kind.return.move.close]
title = { zh = "办结", en = "Close" }
from = "received"
to = "closed"
event = "settled"
"#;

#[tokio::test]
async fn a_pack_that_is_bound_from_a_date_takes_what_is_received_from_then_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let now = world.platform().clock.now().in_tz("Asia/Shanghai")?;
    let date = now.date().yesterday()?;
    let from = date.in_tz("Asia/Shanghai")?.timestamp();
    let mut sources = sources();
    let organisation = sources.iter_mut().find(|source| source.name == "organisation.toml").expect("an organisation");
    organisation.text += &format!("\n[[bind]]\npack = \"returns\"\nunit = \"EAST\"\nfrom = \"{date}\"\ninstead_of = \"shop\"\n");
    sources.push(PolicySource { name: "returns.toml".into(), text: RETURNS.into() });
    // In force two days before the date: until then it is a date to come.
    let day = SignedDuration::from_hours(24);
    world.platform().policies.put(2, &sources, true, from - day * 2).map_err(anyhow::Error::msg)?;

    let without_kind = || json!({ "channel": "web", "unit": "EAST", "text": "想退货" });
    let by_name = || with(without_kind(), json!({ "kind": "退换货" }));
    let west = || with(by_name(), json!({ "unit": "WEST" }));
    let last_before = from - SignedDuration::from_micros(1);
    for (key, body, at, pack, kind) in [
        ("before", without_kind(), last_before, "shop", "complaint"),
        ("before, by name", by_name(), last_before, "basics", "unsorted"),
        ("from then", without_kind(), from, "returns", "return"),
        ("from then, by name", by_name(), from, "returns", "return"),
        ("elsewhere", west(), from, "basics", "unsorted"),
        ("elsewhere, without a kind", with(west(), json!({ "kind": null })), from, "shop", "complaint"),
    ] {
        let case = received(&world, key, body, at).await?;
        let summary = world.show("dora", case).await?.summary;
        assert_eq!((summary.pack.as_str(), summary.kind.as_str()), (pack, kind), "{key}");
    }
    assert_eq!(world.count("select count(*) from cases where policy = 2").await?, 6);
    Ok(())
}

#[tokio::test]
async fn reports_of_one_matter_that_come_at_once_at_two_copies_see_each_other() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    for n in 0..40 {
        world.report(&format!("k{n}"), complaint()).await?;
    }
    world.counts("select count(*) from cases", 40).await?;
    assert_eq!(world.count("select count(distinct repeats) from cases").await?, 40, "each counts all before it");
    Ok(())
}

#[tokio::test]
async fn the_public_is_told_where_a_report_stands_and_the_gateway_which_it_knows() -> anyhow::Result<()> {
    let world = World::new().await?;
    let receipt = world.report("k1", complaint()).await?;
    world.case_of(receipt).await?;
    let code = world.keys.tracking_code(receipt).hash.to_string();
    let track = |code: String| {
        let call = Call::new("intake", "report.track").body(&TrackRequest { code: Some(code), receipt: None });
        async { call?.send::<PublicStatus>(&world.gateway).await }
    };
    let status = track(code).await?;
    assert_eq!(status.state, "registered");
    assert_eq!(status.case.as_ref().map(|case| case.stage_zh.as_str()), Some("登记"));
    assert_eq!(track("12345".to_owned()).await?.state, "accepted", "genuine, as the gateway says, and not known yet");

    let other = world.receipt("hotline", "k2");
    let known: KnownAnswer =
        Call::new("intake", "report.known").body(&KnownRequest { reports: vec![receipt, other] })?.send(&world.gateway).await?;
    assert_eq!(known.known.keys().copied().collect::<Vec<_>>(), [receipt]);
    assert_eq!(known.known[&receipt], hex::encode(world.keys.body_hash(&complaint())));
    Ok(())
}

#[tokio::test]
async fn a_case_is_later_than_its_report_and_each_event_later_than_the_one_before() -> anyhow::Result<()> {
    let world = World::new().await?;
    let accepted = world.accepted("k1", &with(complaint(), json!({ "fields": { "demand": "return" } })));
    // A gateway whose clock is ahead: what follows is later all the same.
    let ahead = accepted.received_at + jiff::SignedDuration::from_secs(5);
    world.put(serde_json::to_vec(&accepted)?, ahead, Some(TRACE)).await?;
    let case = world.case_of(accepted.receipt).await?;
    let rows: Vec<(String, String)> = eventually("two events", || async {
        let rows = sqlx::query_as("select time::text, coalesce(traceparent, '') from outbox where case_id = $1 order by version")
            .bind(case)
            .fetch_all(world.platform().db.pool())
            .await
            .ok()?;
        let rows: Vec<(String, String)> = rows;
        (rows.len() == 2).then_some(rows)
    })
    .await?;
    assert!(rows[0].0 < rows[1].0);
    assert!(rows.iter().all(|row| row.1.starts_with("00-0af7651916cd43dd8448eb211c80319c-")), "{rows:?}: one trace all the way");
    let first: duban_platform::Ts =
        sqlx::query_scalar("select min(time) from outbox where case_id = $1").bind(case).fetch_one(world.platform().db.pool()).await?;
    assert!(first.0 > ahead);
    Ok(())
}

#[tokio::test]
async fn a_report_that_came_before_the_first_rules_is_registered_all_the_same() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut accepted = world.accepted("k1", &complaint());
    accepted.received_at = "2019-06-01T00:00:00Z".parse()?;
    world.put(serde_json::to_vec(&accepted)?, accepted.received_at, None).await?;
    let case = world.case_of(accepted.receipt).await?;
    assert_eq!(world.told(case, 1).await?[0].1.policy, 1);
    Ok(())
}

#[tokio::test]
async fn reports_that_wait_for_their_rules_keep_no_others_waiting() -> anyhow::Result<()> {
    let world = World::new().await?;
    let now = world.platform().clock.now();
    let (before, between) = (now - jiff::SignedDuration::from_hours(2), now - jiff::SignedDuration::from_hours(1));
    let broken = [duban_contracts::policy::PolicySource { name: "shop.toml".into(), text: "[pack".into() }];
    assert!(world.platform().policies.put(2, &broken, true, between).is_err());
    for n in 0..10 {
        for (which, received_at) in [("early", before), ("late", now)] {
            let mut accepted = world.accepted(&format!("{which}{n}"), &complaint());
            accepted.received_at = received_at;
            world.put(serde_json::to_vec(&accepted)?, before, None).await?;
        }
    }
    world.counts("select count(*) from set_aside", 10).await?;
    world.counts("select count(*) from cases", 10).await?;
    world.platform().policies.put(2, &sources(), true, between).map_err(anyhow::Error::msg)?;
    world.counts("select count(*) from cases", 20).await?;
    assert_eq!(world.count("select count(*) from cases where policy = 2").await?, 10);
    Ok(())
}

#[tokio::test]
async fn numbers_are_given_though_no_other_connection_is_free() -> anyhow::Result<()> {
    let world = World::with(&[("database-connections", "1")]).await?;
    for n in 0..20 {
        world.report(&format!("k{n}"), complaint()).await?;
    }
    world.counts("select count(distinct number) from cases", 20).await
}
