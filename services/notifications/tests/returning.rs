//! Who is back is told once what waits for him: by the usual deliveries, without what was done or hidden meanwhile.

mod world;

use anyhow::Result;
use duban_contracts::absence::{ReturnNoticed, WaitingDuty};
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};
use duban_contracts::{NewEvent, ids};
use duban_policy::directory::Language;
use uuid::Uuid;
use world::hook::{Hook, Manner};
use world::{LIMIT, UNIT, World, at, case_id, duty, person};

/// The clerk `wang` is back, and duties of these alerts' numbers wait.
fn notice(numbers: &[u128]) -> ReturnNoticed {
    let waiting = numbers.iter().map(|number| {
        let alert = world::alert(*number, &["li"]);
        WaitingDuty {
            duty: alert.duty,
            case: alert.case,
            title: alert.title,
            title_zh: alert.title_zh,
            link: alert.link,
            unit: UNIT.into(),
            due_at: alert.due_at,
            went_to: vec!["li".into()],
        }
    });
    ReturnNoticed {
        notice: ids::derived("return", &["wang", &numbers.len().to_string()]),
        person: "wang".into(),
        since: at("2026-03-01T01:00:00Z"),
        until: at("2026-03-06T10:00:00Z"),
        total: numbers.len() as i64,
        duties: waiting.collect(),
        version: 1,
    }
}

async fn tell(world: &World, notice: &ReturnNoticed, event: Uuid) -> Result<()> {
    let event = NewEvent::new("escalation", "return.noticed", format!("return/{}", notice.notice), 1, notice.until, notice).with_id(event);
    Ok(world.neighbours.publish(&event).await?)
}

#[tokio::test]
async fn who_is_back_gets_one_message_with_what_still_waits() -> Result<()> {
    let hook = Hook::start(Manner::Status(200)).await?;
    let wang = person("wang", Some("wang@duban.example"), Some(hook.url.clone()), Language::Chinese);
    let li = person("li", Some("li@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang, li]).await?;
    // One was done while the notice was on its way, and of one he is complained about.
    let done = world::alert(2, &["li"]);
    world.duty("closed", &duty(&done, "closed_late", 3), at("2026-03-06T10:00:01Z")).await?;
    let mut hidden = world::case(3, 2);
    hidden.excluded_people = vec!["wang".into()];
    let known = ids::fresh();
    world.case("corrected", &hidden, known).await?;
    world.wait_until_read(known).await?;

    let back = notice(&[1, 2, 3]);
    // The same notice, told twice under different ids.
    tell(&world, &back, ids::fresh()).await?;
    tell(&world, &back, ids::fresh()).await?;
    let sent = world.heard.wait_for("delivery.sent", 2, LIMIT).await?;
    assert!(sent.iter().all(|event| event.body["notice"] == back.notice.to_string() && event.body["alert"].is_null()), "{sent:?}");
    // An alert comes after both: no second message was made of the second.
    world.alert("raised", &world::alert(9, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 4, LIMIT).await?;
    let mails = world.mails_to("wang@");
    assert_eq!((mails.len(), hook.calls().len()), (2, 2), "{}", world.log());
    let mail = mails.iter().find(|mail| mail.subject.contains("返岗")).unwrap();
    assert_eq!(mail.subject, "【督办·返岗】离岗期间转给他人的事项，1件仍未办结");
    assert!(mail.text.contains("核实客户资料 TS-1（朝阳店）") && mail.text.contains("转给LI先生"), "{}", mail.text);
    assert!(!mail.text.contains("TS-2") && !mail.text.contains("TS-3"), "{}", mail.text);
    assert!(mail.text.contains(&format!("https://duban.example/cases/{}", case_id(1))), "{}", mail.text);
    assert_eq!(hook.calls()[0].body["type"], "return.noticed");
    assert_eq!(hook.calls()[0].body["data"]["total"], 1);

    let list: DeliveryList =
        world.neighbours.ask(Some("wang"), "notifications", "delivery.list", &DeliveryListRequest::default()).await??;
    assert!(list.deliveries.iter().filter(|delivery| delivery.notice == Some(back.notice)).count() == 2, "{list:?}");
    let list: DeliveryList = world.neighbours.ask(Some("li"), "notifications", "delivery.list", &DeliveryListRequest::default()).await??;
    assert_eq!(list.total, 0);
    world.ground.stop().await;
    Ok(())
}

#[tokio::test]
async fn nothing_is_told_where_nothing_is_left() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let done = world::alert(1, &["li"]);
    world.alert("closed", &world::acknowledged(&done, "li", None)).await?;
    world.duty("closed", &duty(&done, "closed_late", 3), at("2026-03-06T10:00:01Z")).await?;
    tell(&world, &notice(&[1]), ids::fresh()).await?;
    world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert!(world.mails_to("wang@").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_sending_that_a_kill_cut_off_is_repeated_under_the_same_id() -> Result<()> {
    let hook = Hook::start(Manner::Silent).await?;
    let wang = person("wang", None, Some(hook.url.clone()), Language::English);
    let mut world = World::with(vec![wang], &[("DUBAN_DELIVERY_TIMEOUT_MS", "10000")]).await?;
    tell(&world, &notice(&[1]), ids::fresh()).await?;
    hook.wait_for(1, LIMIT).await?;
    world.kill9().await;
    hook.answer_with(Manner::Status(200));
    world.start()?;
    let calls = hook.wait_for(2, LIMIT).await?;
    assert_eq!(calls[0].id, calls[1].id);
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(hook.calls().len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_alert_that_comes_in_somebodys_place_says_so_by_name() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let li = person("li", Some("li@duban.example"), None, Language::English);
    let mut world = World::of(vec![wang, li]).await?;
    let mut raised = world::alert(1, &["li"]);
    let meant = duban_contracts::alert::MeantFor { person: "wang".into(), why: "absent".into(), until: Some(at("2026-03-06T10:00:00Z")) };
    raised.recipients[0].how = "deputy".into();
    raised.recipients[0].meant_for = vec![meant];
    world.alert("raised", &raised).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    let text = &world.mails_to("li@")[0].text;
    assert!(text.contains("It comes to you as deputy. It comes instead of WANG先生, who is away until Fri 6 Mar 2026, 18:00."), "{text}");
    Ok(())
}
