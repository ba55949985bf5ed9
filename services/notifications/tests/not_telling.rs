//! What is not sent: what was acknowledged, closed or ended before.

mod world;

use anyhow::Result;
use duban_contracts::ids;
use duban_policy::directory::Language;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use world::{LIMIT, World, acknowledged, alert, at, case, duty, person};

async fn world_with_mail_refused() -> Result<World> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let li = person("li", Some("li@duban.example"), None, Language::Chinese);
    let world = World::of(vec![wang, li]).await?;
    world.mail.refuse(true);
    Ok(world)
}

#[tokio::test]
async fn acknowledged_before_it_is_sent_cancels_it() -> Result<()> {
    let mut world = world_with_mail_refused().await?;
    let raised = alert(1, &["wang", "li"]);
    world.alert("raised", &raised).await?;
    world.wait_until_tried(2).await?;
    world.alert("acknowledged", &acknowledged(&raised, "li", None)).await?;
    world.heard.wait_for("delivery.cancelled", 2, LIMIT).await?;
    world.mail.refuse(false);
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    world.wait_until_all_ended().await?;
    assert_eq!(world.mails_to("@").len(), 1, "{}", world.log());
    Ok(())
}

#[tokio::test]
async fn an_alert_of_a_duty_that_has_ended_meanwhile_is_not_told() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let ended = alert(1, &["wang"]);
    world.duty("closed", &duty(&ended, "closed_late", 3), at("2026-03-02T03:10:00Z")).await?;
    world.alert("raised", &ended).await?;
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    world.wait_until_all_ended().await?;
    assert_eq!(world.mails_to("@").len(), 1);
    assert!(world.mails_to("@")[0].subject.contains("TS-2"));
    Ok(())
}

#[tokio::test]
async fn where_all_must_acknowledge_only_who_has_is_left_in_peace() -> Result<()> {
    let mut world = world_with_mail_refused().await?;
    let mut raised = alert(1, &["wang", "li"]);
    raised.until = "all".into();
    world.alert("raised", &raised).await?;
    world.wait_until_tried(2).await?;
    let mut by_one = acknowledged(&raised, "li", None);
    by_one.state = "open".into();
    world.alert("acknowledged", &by_one).await?;
    let cancelled = world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert_eq!(cancelled[0].body["person"], "li");
    world.mail.refuse(false);
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    world.wait_until_all_ended().await?;
    assert_eq!(world.mails_to("wang@").len(), 1);
    assert_eq!(world.mails_to("li@").len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_acknowledgement_that_overtakes_its_alert_counts() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let raised = alert(1, &["wang"]);
    world.alert("acknowledged", &acknowledged(&raised, "wang", None)).await?;
    world.alert("raised", &raised).await?;
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    world.wait_until_all_ended().await?;
    assert_eq!(world.mails_to("wang@").len(), 1);
    assert!(world.mails_to("wang@")[0].subject.contains("TS-2"));
    Ok(())
}

#[tokio::test]
async fn a_duty_that_ends_takes_its_messages_with_it_and_one_reopened_does_not() -> Result<()> {
    let mut world = world_with_mail_refused().await?;
    let raised = alert(1, &["wang"]);
    world.duty("opened", &duty(&raised, "pending", 1), at("2026-03-01T02:00:00Z")).await?;
    world.alert("raised", &raised).await?;
    world.wait_until_tried(1).await?;
    world.duty("closed", &duty(&raised, "closed_late", 3), at("2026-03-02T03:10:00Z")).await?;
    world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;

    // The duty is opened again and its ladder runs anew: that alert is raised after the end.
    let mut again = alert(1, &["wang"]);
    again.alert = duban_contracts::ids::derived("alert", &[&again.duty.to_string(), "2", "1", "0"]);
    again.run = 2;
    again.raised_at = at("2026-03-05T03:00:00Z");
    world.mail.refuse(false);
    world.alert("raised", &again).await?;
    let sent = world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(sent[0].body["alert"], json!(again.alert));
    Ok(())
}

#[tokio::test]
async fn escalation_has_the_last_word_where_it_answers() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let closed = Arc::new(AtomicBool::new(true));
    let raised = alert(1, &["wang"]);
    let (template, is_closed) = (serde_json::to_value(&raised)?, closed.clone());
    let answer = move |_| {
        let mut alert = template.clone();
        alert["state"] = json!(if is_closed.load(Ordering::SeqCst) { "closed" } else { "open" });
        Ok(alert)
    };
    world.neighbours.answer("escalation", "alert.state", answer).await?;
    world.alert("raised", &raised).await?;
    world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    closed.store(false, Ordering::SeqCst);
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(world.mails_to("wang@").len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_is_named_as_complained_about_after_an_alert_is_not_told_of_it_any_more() -> Result<()> {
    let mut world = world_with_mail_refused().await?;
    let raised = alert(1, &["wang", "li"]);
    world.alert("raised", &raised).await?;
    world.wait_until_tried(2).await?;
    let mut about_wang = case(1, 2);
    about_wang.excluded_people = vec!["wang".into()];
    world.case("corrected", &about_wang, ids::fresh()).await?;
    let cancelled = world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert_eq!((&cancelled[0].body["person"], &cancelled[0].body["excluded_people"]), (&json!("wang"), &json!(["wang"])));

    // A mail that was written before it was known may still be on its way; the one after it is written anew.
    world.wait_for_attempts_at("li", 2).await?;

    // What was raised before it was known, and is read after it.
    let mut second = alert(1, &["wang", "li"]);
    (second.rung, second.alert) = (2, ids::fresh());
    world.alert("raised", &second).await?;
    world.mail.refuse(false);
    let sent = world.heard.wait_for("delivery.sent", 2, LIMIT).await?;
    assert!(sent.iter().all(|event| event.body["person"] == "li"), "{sent:?}");
    assert!(world.mails_to("wang@").is_empty());
    assert!(world.mails_to("li@").iter().all(|mail| !mail.text.contains("WANG")), "he is not named to the others either");
    Ok(())
}

#[tokio::test]
async fn a_duty_that_keeps_out_somebody_new_is_not_told_to_him() -> Result<()> {
    let mut world = world_with_mail_refused().await?;
    let raised = alert(1, &["wang", "li"]);
    world.alert("raised", &raised).await?;
    world.wait_until_tried(2).await?;
    let mut moved = duty(&raised, "breached", 3);
    moved.excluded_people = vec!["li".into()];
    world.duty("moved", &moved, at("2026-03-02T03:10:00Z")).await?;
    let cancelled = world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert_eq!(cancelled[0].body["person"], "li");
    world.mail.refuse(false);
    let sent = world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    assert_eq!(sent[0].body["person"], "wang");
    world.wait_until_all_ended().await?;
    assert!(world.mails_to("li@").is_empty());
    Ok(())
}

#[tokio::test]
async fn escalation_knows_first_who_must_not_be_told() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let raised = alert(1, &["wang"]);
    let mut known = raised.clone();
    known.excluded_people = vec!["wang".into()];
    let known = serde_json::to_value(&known)?;
    world.neighbours.answer("escalation", "alert.state", move |_| Ok(known.clone())).await?;
    world.alert("raised", &raised).await?;
    world.heard.wait_for("delivery.cancelled", 1, LIMIT).await?;
    assert!(world.mails_to("wang@").is_empty());
    Ok(())
}

#[tokio::test]
async fn what_was_raised_on_trial_is_told_to_nobody() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let mut on_trial = alert(1, &["wang"]);
    on_trial.trial = true;
    world.alert("raised", &on_trial).await?;
    // In order: once this one is sent, the other was read.
    world.alert("raised", &alert(2, &["wang"])).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    world.wait_until_all_ended().await?;
    let mails = world.mails_to("wang@");
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("TS-2"), "{}", mails[0].subject);
    Ok(())
}
