//! Who is told what, over what, how often.

mod world;

use anyhow::Result;
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest, Webhook, WebhookShowRequest};
use duban_policy::directory::Language;
use std::collections::BTreeSet;
use world::hook::{Hook, Manner};
use world::{LIMIT, TRACE, World, acknowledged, alert, person};

#[tokio::test]
async fn one_alert_for_two_people_over_two_channels_gives_four_deliveries_each_once() -> Result<()> {
    let (wang_hook, li_hook) = (Hook::start(Manner::Status(200)).await?, Hook::start(Manner::Status(204)).await?);
    let wang = person("wang", Some("wang@duban.example"), Some(wang_hook.url.clone()), Language::Chinese);
    let li = person("li", Some("li@duban.example"), Some(li_hook.url.clone()), Language::English);
    let mut world = World::of(vec![wang, li]).await?;

    let raised = alert(1, &["wang", "li", "wang"]);
    world.alert("raised", &raised).await?;
    world.alert("raised", &raised).await?;
    let sent = world.heard.wait_for("delivery.sent", 4, LIMIT).await?;

    // A second alert comes after all of the first: nothing of the first was sent twice.
    world.alert("raised", &alert(2, &["li"])).await?;
    world.heard.wait_for("delivery.sent", 6, LIMIT).await?;
    assert_eq!(world.mails_to("wang@").len(), 1, "{}", world.log());
    assert_eq!(wang_hook.calls().len(), 1);
    let ids: BTreeSet<&str> = sent.iter().filter_map(|event| event.body["delivery"].as_str()).collect();
    assert_eq!(ids.len(), 4);

    let mail = &world.mails_to("wang@")[0];
    let id = mail.message_id.clone().unwrap();
    assert!(ids.contains(id.trim_end_matches("@duban.example")), "{id}");
    assert_eq!(mail.subject, "【督办·超期】核实客户资料 TS-1");
    let raw = String::from_utf8_lossy(&mail.raw);
    assert!(raw.contains(&format!("<duty.{}@duban.example>", raised.duty)) && raw.contains("Auto-Submitted: auto-generated"), "{raw}");
    assert!(mail.text.starts_with("请WANG先生（店长）"), "{}", mail.text);
    // No event of the duty was read: the alert itself says who owes it.
    assert!(mail.text.contains("督促受理员"), "{}", mail.text);
    assert!(world.mails_to("li@")[0].text.starts_with("LI先生 (store manager): please"), "{}", world.mails_to("li@")[0].text);

    let call = &wang_hook.calls()[0];
    assert!(ids.contains(call.id.trim_start_matches("msg_")));
    assert!(call.body["data"]["acknowledge_url"].as_str().unwrap().starts_with("https://duban.example/a/"));
    let shown: Webhook = world.neighbours.ask(Some("wang"), "notifications", "webhook.show", &WebhookShowRequest::default()).await??;
    assert!(call.is_signed_by(&shown.secret));
    assert!(!li_hook.calls()[0].is_signed_by(&shown.secret));

    // Addresses are masked wherever they come out, and the act is in the trace of what raised it.
    for event in &sent {
        let text = event.body.to_string();
        assert!(!text.contains("wang@") && !text.contains("token=private"), "{text}");
        let trace = event.traceparent.as_deref().unwrap_or_default();
        assert!(trace.contains(&TRACE[3..35]), "{trace}: {}", world.log());
    }
    assert!(!world.log().contains("wang@duban.example"));
    world.ground.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_dead_endpoint_delays_nobody() -> Result<()> {
    let (dead, well) = (Hook::start(Manner::Silent).await?, Hook::start(Manner::Status(200)).await?);
    let slow = person("slow", None, Some(dead.url.clone()), Language::Chinese);
    let quick = person("quick", Some("quick@duban.example"), Some(well.url.clone()), Language::Chinese);
    // An attempt at the dead one takes as long as the test is patient.
    // Each of them by itself: forty at once would be one message.
    let settings = [("DUBAN_DELIVERY_TIMEOUT_MS", "600000"), ("DUBAN_DIGEST_OVER", "1000")];
    let mut world = World::with(vec![slow, quick], &settings).await?;
    for number in 0..40 {
        world.alert("raised", &alert(100 + number, &["slow"])).await?;
    }
    dead.wait_for(2, LIMIT).await?;
    for number in 0..10 {
        world.alert("raised", &alert(200 + number, &["quick"])).await?;
    }
    world.heard.wait_for("delivery.sent", 20, LIMIT).await?;
    assert_eq!(well.calls().len(), 10);
    assert_eq!(world.mails_to("quick@").len(), 10);
    assert_eq!(dead.calls().len(), 2, "no more than its share is under way at the dead endpoint");
    Ok(())
}

#[tokio::test]
async fn a_sending_that_a_kill_cut_off_is_repeated_under_the_same_id() -> Result<()> {
    let hook = Hook::start(Manner::Silent).await?;
    let wang = person("wang", None, Some(hook.url.clone()), Language::Chinese);
    // Long enough to be cut off by the kill and not by its own end; twice as long and the claim has run out.
    let mut world = World::with(vec![wang], &[("DUBAN_DELIVERY_TIMEOUT_MS", "10000")]).await?;
    world.alert("raised", &alert(1, &["wang"])).await?;
    hook.wait_for(1, LIMIT).await?;
    world.kill9().await;
    hook.answer_with(Manner::Status(200));
    world.start()?;
    let calls = hook.wait_for(2, LIMIT).await?;
    assert_eq!(calls[0].id, calls[1].id);
    let sent = world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(sent[0].body["attempts"], 2);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again_and_what_is_gone_is_not() -> Result<()> {
    let hook = Hook::start(Manner::Status(410)).await?;
    let wang = person("wang", Some("wang@duban.example"), Some(hook.url.clone()), Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    world.mail.refuse(true);
    world.alert("raised", &alert(1, &["wang"])).await?;
    let failed = world.heard.wait_for("delivery.failed", 1, LIMIT).await?;
    assert_eq!(failed[0].body["channel"], "webhook");
    assert_eq!(hook.calls().len(), 1);
    let tried = |answer: &Result<DeliveryList, _>| {
        answer.as_ref().is_ok_and(|list| list.deliveries.iter().any(|d| d.channel == "email" && d.attempts >= 1 && d.last_error.is_some()))
    };
    let list = world.ask_until(Some("director"), "delivery.list", &DeliveryListRequest::default(), tried).await??;
    let waiting = list.deliveries.iter().find(|delivery| delivery.channel == "email").unwrap();
    assert_eq!((waiting.state.as_str(), waiting.address.as_str()), ("waiting", "w***@duban.example"));
    world.mail.refuse(false);
    let sent = world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert!(sent[0].body["attempts"].as_i64().unwrap() >= 2);
    assert_eq!(world.mails_to("wang@").len(), 1);
    assert_eq!(hook.calls().len(), 1);
    // What would have been told of the first stands before what is told of a second.
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 2, LIMIT).await?;
    assert_eq!(world.heard.count("alert.unreachable"), 0);
    Ok(())
}

#[tokio::test]
async fn redirects_and_private_addresses_are_refused() -> Result<()> {
    let (hook, elsewhere) = (Hook::start(Manner::Redirect).await?, Hook::start(Manner::Status(200)).await?);
    let wang = person("wang", None, Some(hook.url.clone()), Language::Chinese);
    let mut world = World::with(vec![wang], &[("DUBAN_DELIVERY_ATTEMPTS", "2")]).await?;
    world.alert("raised", &alert(1, &["wang"])).await?;
    world.heard.wait_for("delivery.failed", 1, LIMIT).await?;
    assert_eq!(hook.calls().len(), 2, "each attempt is one call: the redirect is not followed");

    let by_number = person("li", None, Some(elsewhere.url.clone()), Language::Chinese);
    let by_name = person("zhao", None, Some(elsewhere.url.replace("127.0.0.1", "localhost")), Language::Chinese);
    let mut world = World::with(vec![by_number, by_name], &[("DUBAN_WEBHOOK_PRIVATE", "false")]).await?;
    world.alert("raised", &alert(2, &["li", "zhao"])).await?;
    let failed = world.heard.wait_for("delivery.failed", 2, LIMIT).await?;
    for event in failed {
        assert_eq!(event.body["last_error"], "the name leads to a private address");
    }
    assert!(elsewhere.calls().is_empty());
    Ok(())
}

#[tokio::test]
async fn when_all_channels_have_failed_it_is_told() -> Result<()> {
    let hook = Hook::start(Manner::Status(410)).await?;
    let wang = person("wang", None, Some(hook.url.clone()), Language::Chinese);
    let nobody = person("nobody", None, None, Language::Chinese);
    let mut world = World::of(vec![wang, nobody]).await?;
    let raised = alert(1, &["wang", "nobody"]);
    world.alert("raised", &raised).await?;
    let told = world.heard.wait_for("alert.unreachable", 2, LIMIT).await?;
    let people: BTreeSet<&str> = told.iter().filter_map(|event| event.body["person"].as_str()).collect();
    assert_eq!(people, BTreeSet::from(["nobody", "wang"]));
    let list: DeliveryList =
        world.neighbours.ask(Some("director"), "notifications", "delivery.list", &DeliveryListRequest::default()).await??;
    assert_eq!(list.unreachable.len(), 2);
    world.wait_for_figure("duban_alerts_unreachable_total{service=\"notifications\"} 2").await?;

    // Taken up on the page by somebody whom no message reached, it needs nobody's care any more; what became of its deliveries stays.
    world.alert("acknowledged", &acknowledged(&raised, "nobody", None)).await?;
    let taken_up = |answer: &Result<DeliveryList, _>| answer.as_ref().is_ok_and(|list| list.unreachable.is_empty());
    let list = world.ask_until(Some("director"), "delivery.list", &DeliveryListRequest::default(), taken_up).await??;
    assert_eq!(list.deliveries.iter().map(|delivery| delivery.state.as_str()).collect::<Vec<_>>(), ["failed"]);
    Ok(())
}

#[tokio::test]
async fn who_is_kept_out_by_the_alert_alone_sees_nothing_of_it() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    // Neither an event of its duty nor one of its case is read.
    let mut raised = alert(1, &["wang"]);
    raised.excluded_people = vec!["director".into()];
    world.alert("raised", &raised).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    let everything = DeliveryListRequest::default();
    let seen: DeliveryList = world.neighbours.ask(Some("director"), "notifications", "delivery.list", &everything).await??;
    assert_eq!(seen.total, 0);
    let seen: DeliveryList = world.neighbours.ask(Some("wang"), "notifications", "delivery.list", &everything).await??;
    assert_eq!(seen.total, 1);
    Ok(())
}

#[tokio::test]
async fn a_person_who_cannot_see_the_unit_sees_his_own_deliveries_alone() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let li = person("li", Some("li@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang, li]).await?;
    world.alert("raised", &alert(1, &["wang", "li"])).await?;
    world.heard.wait_for("delivery.sent", 2, LIMIT).await?;
    let everything = DeliveryListRequest::default();
    let seen_by =
        |person: &'static str| world.neighbours.ask::<_, DeliveryList>(Some(person), "notifications", "delivery.list", &everything);
    assert_eq!(seen_by("wang").await??.total, 1);
    assert_eq!(seen_by("director").await??.total, 2);
    assert_eq!(seen_by("stranger").await??.total, 0);
    assert_eq!(
        world.neighbours.ask::<_, DeliveryList>(None, "notifications", "delivery.list", &everything).await?.unwrap_err().status,
        401
    );

    // From now on the director is one of those complained about.
    let mut case = world::case(1, 2);
    case.excluded_people = vec!["director".into()];
    world.case("corrected", &case, duban_contracts::ids::fresh()).await?;
    let hidden = |answer: &Result<DeliveryList, _>| answer.as_ref().is_ok_and(|list| list.total == 0);
    world.ask_until(Some("director"), "delivery.list", &everything, hidden).await??;
    Ok(())
}

#[tokio::test]
async fn a_storm_of_alerts_is_sent_without_loss_where_nothing_is_gathered() -> Result<()> {
    let hook = Hook::start(Manner::Status(200)).await?;
    let wang = person("wang", Some("wang@duban.example"), Some(hook.url.clone()), Language::Chinese);
    let mut world = World::with(vec![wang], &[("DUBAN_DIGEST_OVER", "0")]).await?;
    for number in 0..150 {
        world.alert("raised", &alert(1_000 + number, &["wang"])).await?;
    }
    world.heard.wait_for("delivery.sent", 300, LIMIT * 3).await?;
    let ids: BTreeSet<String> = hook.calls().into_iter().map(|call| call.id).collect();
    assert_eq!(ids.len(), 150);
    assert_eq!(hook.calls().len(), 150);
    Ok(())
}
