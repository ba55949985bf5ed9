//! A heap of alerts for one person becomes one message, and nothing of it is lost or told twice.

mod world;

use anyhow::Result;
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};
use duban_local::neighbours::HeardEvent;
use duban_policy::directory::Language;
use std::collections::BTreeSet;
use uuid::Uuid;
use world::hook::{Hook, Manner};
use world::{LIMIT, World, acknowledged, alert, at, duty, person};

/// Windows shorter than the test's patience, so that what waits for the end of one comes.
const WINDOW: (&str, &str) = ("DUBAN_DIGEST_WINDOW_MS", "3000");

fn alerts_of(told: &[HeardEvent]) -> BTreeSet<&str> {
    told.iter().filter_map(|event| event.body["alert"].as_str()).collect()
}

#[tokio::test]
async fn a_thousand_alerts_for_one_person_are_a_handful_of_mails_with_the_count() -> Result<()> {
    const COUNT: u128 = 1_000;
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let li = person("li", Some("li@duban.example"), None, Language::English);
    let mut world = World::with(vec![wang, li], &[WINDOW]).await?;
    let raised: Vec<_> = (0..COUNT).map(|number| alert(1_000 + number, &["wang"])).collect();
    let began = std::time::Instant::now();
    for alert in &raised {
        world.alert("raised", alert).await?;
    }
    // Somebody else gets his by himself meanwhile.
    for number in 0..3 {
        world.alert("raised", &alert(5_000 + number, &["li"])).await?;
    }
    // Every alert's own delivery ends, and besides them the digests.
    let all = usize::try_from(COUNT)? + 3;
    let is_digest = |event: &&HeardEvent| event.body["alert"].is_null();
    let mut told = world.heard.wait_for("delivery.sent", all, LIMIT * 3).await?;
    while told.len() < all + told.iter().filter(is_digest).count() {
        told = world.heard.wait_for("delivery.sent", told.len() + 1, LIMIT * 3).await?;
    }
    let digests: BTreeSet<&str> = told.iter().filter(is_digest).filter_map(|event| event.body["delivery"].as_str()).collect();
    assert_eq!((alerts_of(&told).len(), told.len()), (all, all + digests.len()), "each once");
    let mails = world.mails_to("wang@");
    let gathered: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("督办·汇总")).collect();
    assert!(!gathered.is_empty() && gathered.len() == digests.len(), "{} of {}", gathered.len(), digests.len());
    // In a window ten by themselves and one digest: 1,000 in the minute of a real window are eleven mails. So many windows were begun here.
    let windows = usize::try_from(began.elapsed().as_millis() / 3_000)? + 1;
    let by_themselves = mails.len() - gathered.len();
    assert!(gathered.len() <= windows && by_themselves <= 10 * windows, "{} and {by_themselves} in {windows} windows", gathered.len());
    // What the subjects count, and what came by itself, is all.
    let count = |subject: &str| subject.split('】').nth(1)?.split('件').next()?.parse::<usize>().ok();
    let by_digest: usize = gathered.iter().filter_map(|mail| count(&mail.subject)).sum();
    assert_eq!(by_digest + by_themselves, usize::try_from(COUNT)?);
    println!("{COUNT} alerts: {} mails, {} of them digests", mails.len(), gathered.len());
    assert!(gathered[0].text.starts_with("WANG先生：短时间内有"), "{}", gathered[0].text);
    assert_eq!(gathered[0].text.matches("https://duban.example/a/").count(), 20, "the first can be acknowledged from it");
    assert!(gathered[0].text.contains("https://duban.example/alerts"));
    assert_eq!(world.mails_to("li@").len(), 3);
    assert!(world.mails_to("li@").iter().all(|mail| !mail.subject.contains("digest")));

    // Each says which digest it went out in, and the digest's id is its mail's.
    let ids: BTreeSet<String> = gathered.iter().filter_map(|mail| mail.message_id.clone()).collect();
    let named: BTreeSet<&str> = told.iter().filter_map(|event| event.body["digest"].as_str()).collect();
    assert_eq!(ids, named.iter().map(|digest| format!("{digest}@duban.example")).collect());
    let request = DeliveryListRequest { alert: Some(raised[999].alert), ..DeliveryListRequest::default() };
    let list: DeliveryList = world.neighbours.ask(Some("wang"), "notifications", "delivery.list", &request).await??;
    assert_eq!(list.deliveries[0].state, "sent");
    assert!(list.deliveries[0].digest.is_some_and(|digest| named.contains(digest.to_string().as_str())), "{list:?}");
    let figures = world.metrics().await?;
    let gathered_figure = format!("duban_deliveries_gathered_total{{channel=\"email\",service=\"notifications\"}} {by_digest}");
    assert!(figures.contains(&gathered_figure), "{figures}");
    Ok(())
}

#[tokio::test]
async fn a_digest_that_a_kill_cut_off_is_sent_again_under_the_same_id() -> Result<()> {
    let hook = Hook::start(Manner::Silent).await?;
    let wang = person("wang", None, Some(hook.url.clone()), Language::Chinese);
    let settings = [("DUBAN_DELIVERY_TIMEOUT_MS", "10000"), ("DUBAN_DIGEST_OVER", "1"), WINDOW];
    let mut world = World::with(vec![wang], &settings).await?;
    let raised: Vec<_> = (0..30).map(|number| alert(number, &["wang"])).collect();
    for alert in &raised {
        world.alert("raised", alert).await?;
    }
    // The endpoint takes two at once: the one by itself, and the digest.
    let calls = hook.wait_for(2, LIMIT).await?;
    let first = calls.into_iter().find(|call| call.body["type"] == "alerts.gathered").unwrap();
    world.kill9().await;
    // Of what it gathered one is taken up meanwhile.
    let gathered: BTreeSet<Uuid> = serde_json::from_value(first.body["data"]["alerts"].clone())?;
    let taken = raised.iter().find(|alert| gathered.contains(&alert.alert)).unwrap();
    world.alert("acknowledged", &acknowledged(taken, "wang", None)).await?;
    hook.answer_with(Manner::Status(200));
    world.start()?;
    // Sent or cancelled, each ends.
    let ended = |answer: &Result<DeliveryList, _>| {
        let all_ended = |list: &DeliveryList| list.total > 30 && list.deliveries.iter().all(|delivery| delivery.state != "waiting");
        answer.as_ref().is_ok_and(all_ended)
    };
    world.ask_until(Some("wang"), "delivery.list", &DeliveryListRequest::default(), ended).await??;
    let again: Vec<_> = hook.calls().into_iter().filter(|call| call.id == first.id).collect();
    assert!(again.len() >= 2, "it was sent again under its id");
    let of_first = |alert: &Uuid| again.last().is_some_and(|call| call.body["data"]["alerts"].to_string().contains(&alert.to_string()));
    assert!(!of_first(&taken.alert), "what was taken up meanwhile is not told any more");
    assert!(gathered.iter().filter(|alert| **alert != taken.alert).all(of_first), "all else of it is");
    assert_eq!(again.last().unwrap().body["data"]["total"], gathered.len() - 1);
    let cancelled = world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert_eq!(alerts_of(&cancelled), BTreeSet::from([taken.alert.to_string().as_str()]));
    Ok(())
}

#[tokio::test]
async fn a_digest_that_fails_for_good_fails_what_it_gathered_and_says_who_was_not_reached() -> Result<()> {
    let hook = Hook::start(Manner::Status(410)).await?;
    let wang = person("wang", None, Some(hook.url.clone()), Language::Chinese);
    let mut world = World::with(vec![wang], &[("DUBAN_DIGEST_OVER", "2"), WINDOW]).await?;
    for number in 0..40 {
        world.alert("raised", &alert(number, &["wang"])).await?;
    }
    let unreachable = world.heard.wait_for("alert.unreachable", 40, LIMIT).await?;
    assert_eq!(alerts_of(&unreachable).len(), 40);
    let digests: Vec<_> = hook.calls().into_iter().filter(|call| call.body["type"] == "alerts.gathered").collect();
    assert!(!digests.is_empty() && hook.calls().len() < 40, "{} calls", hook.calls().len());
    let list: DeliveryList =
        world.neighbours.ask(Some("director"), "notifications", "delivery.list", &DeliveryListRequest::default()).await??;
    assert!(list.deliveries.iter().all(|delivery| delivery.state == "failed" && delivery.last_error.is_some()), "{list:?}");
    Ok(())
}

#[tokio::test]
async fn of_a_heap_that_is_settled_before_it_goes_out_nothing_is_told() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    // Nothing goes out while the relay refuses; the window is long.
    let mut world = World::with(vec![wang], &[("DUBAN_DIGEST_OVER", "1"), ("DUBAN_DIGEST_WINDOW_MS", "600000")]).await?;
    world.mail.refuse(true);
    let raised: Vec<_> = (0..20).map(|number| alert(number, &["wang"])).collect();
    for alert in &raised {
        world.alert("raised", alert).await?;
    }
    // All are there: of what is raised after its duty has ended there would be no delivery at all.
    let tried = |answer: &Result<DeliveryList, _>| {
        answer.as_ref().is_ok_and(|list| list.total >= 20 && list.deliveries.iter().any(|delivery| delivery.attempts > 0))
    };
    world.ask_until(Some("director"), "delivery.list", &DeliveryListRequest::default(), tried).await??;
    for alert in &raised {
        world.duty("closed", &duty(alert, "closed_in_time", 2), at("2026-03-02T04:00:00Z")).await?;
    }
    let settled = |answer: &Result<DeliveryList, _>| {
        answer.as_ref().is_ok_and(|list| list.total >= 20 && list.deliveries.iter().all(|delivery| delivery.state == "cancelled"))
    };
    world.ask_until(Some("wang"), "delivery.list", &DeliveryListRequest::default(), settled).await??;
    world.mail.refuse(false);
    world.alert("raised", &alert(100, &["director"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(world.mails_to("wang@").len(), 0);
    Ok(())
}

#[tokio::test]
async fn three_alerts_are_three_mails() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    for number in 0..3 {
        world.alert("raised", &alert(number, &["wang"])).await?;
    }
    let told = world.heard.wait_for("delivery.sent", 3, LIMIT).await?;
    assert!(told.iter().all(|event| event.body["digest"].is_null() && !event.body["alert"].is_null()), "{told:?}");
    assert_eq!(world.mails_to("wang@").len(), 3);
    assert!(world.mails_to("wang@").iter().all(|mail| mail.subject.starts_with("【督办·超期】")));
    Ok(())
}
