//! Somebody is away: what would come to him goes to his deputy, and when he is back he is told once what of it still stands. On a whole
//! installation with two copies of what raises and two of what tells, of which one each is killed in between.

use anyhow::Context;
use duban_contracts::duty::{DutyEvent, DutyList};
use duban_local::mail_catcher::Mail;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);
const MANAGER: &str = "chen-zhiqiang";
const DEPUTY: &str = "yang-guodong";

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_set_over_http_sends_alerts_to_the_deputy_and_one_digest_on_return() -> anyhow::Result<()> {
    let mut world = World::with(StackSettings {
        clock: Some(ClockSetting::Stepped { start: "2026-03-02T09:30:00+08:00".into() }),
        copies: BTreeMap::from([("escalation", 2), ("notifications", 2)]),
        ..StackSettings::test()
    })
    .await?;
    complain(&world).await?;
    let manager = world.installation.person(MANAGER).await?;
    let absence: Value = post(&world, MANAGER, "/v1/absences", &json!({ "until": "2026-03-04T12:00:00+08:00", "reason": "培训" })).await?;
    assert_eq!((absence["person"].as_str(), absence["state"].as_str()), (Some(MANAGER), Some("current")), "{absence}");
    // His own list says to whom it goes; then every copy that answers knows of it.
    let duty = until("the duty to be shown as diverted", LIMIT, || async {
        let list: DutyList = manager.get("/v1/duties", &json!({ "state": "mine" })).await?;
        list.duties.into_iter().find(|duty| duty.rule == "rule" && duty.diverted.is_some()).context("not diverted yet")
    })
    .await?;
    assert_eq!(diverted_to(&duty), [DEPUTY]);
    both_copies_know(&world).await?;

    // The reminder, in the night.
    world.step("2026-03-03T05:00:00+08:00").await?;
    let mail = world.stack.mail.wait_for(LIMIT, |mail| is_to(mail, DEPUTY)).await?;
    assert!(mail.text.contains("陈志强离岗至2026年3月4日（周三）12:00，现由您办理。"), "{}", mail.text);
    assert!(!mails(&world, MANAGER).iter().any(|mail| mail.subject.contains("督办")), "nothing came to who is away");

    world.stack.kill9("escalation", 0).await?;
    world.stack.kill9("notifications", 1).await?;
    let end = format!("/v1/absences/{}/end", absence["absence"].as_str().context("an id")?);
    let ended: Value = post(&world, MANAGER, &end, &json!({})).await?;
    assert_eq!(ended["state"], "ended", "{ended}");
    let back = world.stack.mail.wait_for(LIMIT, |mail| is_to(mail, MANAGER) && mail.subject.contains("返岗")).await?;
    assert_eq!(back.subject, "【督办·返岗】离岗期间转给他人的事项，1件仍未办结");
    assert!(back.text.contains("转给杨国栋") && !back.text.contains("培训"), "{}", back.text);
    world.stack.restart("escalation", 0).await?;
    world.stack.restart("notifications", 1).await?;
    world.stack.wait_until_ready().await?;

    // What is due now comes to him again, after whatever the copies that were started anew would have told a second time.
    world.step("2026-03-03T09:31:00+08:00").await?;
    world.stack.mail.wait_for(LIMIT, |mail| is_to(mail, MANAGER) && mail.subject.contains("督办·超期")).await?;
    assert_eq!(mails(&world, MANAGER).iter().filter(|mail| mail.subject.contains("返岗")).count(), 1);
    assert_eq!(world.count("select count(*) from escalation.outbox where subject like '%.return.noticed'").await?, 1);
    let kept = "select count(*) from escalation.alert where recipients @> '[{\"person\": \"yang-guodong\", \"meant_for\": [{\"person\": \"chen-zhiqiang\"}]}]'";
    assert_eq!(world.count(kept).await?, 1, "whom it was meant for stays on record");
    world.stack.stop().await;
    Ok(())
}

async fn complain(world: &World) -> anyhow::Result<()> {
    let body = json!({
        "channel": "phone", "unit": "MD05", "kind": "complaint_case", "subject": "少发一件",
        "reporter": { "phone": "19900005678" }, "fields": { "customer": "consumer", "matter": "quantity" },
    });
    let request = reqwest::Client::new().post(format!("{}/v1/reports", world.installation.url)).header("Idempotency-Key", "form-1");
    let answer = request.bearer_auth(&world.installation.producers["web"]).json(&body).send().await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
    Ok(())
}

async fn post(world: &World, by: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    world.installation.person(by).await?.act_once(path, Uuid::now_v7(), body).await
}

/// The directory has come to both copies of escalation: each question is answered by either of them, so that it is asked often.
async fn both_copies_know(world: &World) -> anyhow::Result<()> {
    let manager = world.installation.person(MANAGER).await?;
    until("both copies to know of the absence", LIMIT, || async {
        for _ in 0..30 {
            let list: DutyList = manager.get("/v1/duties", &json!({ "state": "mine" })).await?;
            let known = list.duties.iter().all(|duty| duty.rule != "rule" || duty.diverted.is_some());
            anyhow::ensure!(known && list.total > 0, "a copy does not know of it");
        }
        anyhow::Ok(())
    })
    .await
}

fn diverted_to(duty: &DutyEvent) -> Vec<&str> {
    duty.diverted.iter().flat_map(|diverted| &diverted.people).map(String::as_str).collect()
}

fn is_to(mail: &Mail, person: &str) -> bool {
    mail.to.iter().any(|to| to.starts_with(&format!("{person}@")))
}

fn mails(world: &World, person: &str) -> Vec<Mail> {
    world.stack.mail.messages().into_iter().filter(|mail| is_to(mail, person)).collect()
}
