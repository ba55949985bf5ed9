//! Live updates: each person hears what he may see, and nothing else.

use crate::world::{World, until};
use duban_contracts::case::{VisibleAnswer, VisibleRequest};
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::json;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

#[tokio::test]
async fn an_alert_reaches_its_recipient_and_a_case_only_who_may_see_it() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let wang = world.person(&a, "wang").await?;
    // An intake that lets everybody see one case, and nobody another.
    let (open, hidden) = (Uuid::now_v7(), Uuid::now_v7());
    let intake = world.ground.connect_nats("intake").await?;
    let mut questions = intake.subscribe("duban.intake.rpc.v1.case.visible").await?;
    intake.flush().await?;
    let answering = intake.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let asked: VisibleRequest = serde_json::from_slice(&question.payload)?;
            let visible = asked.cases.into_iter().filter(|case| *case == open).collect();
            answering.publish(question.reply.unwrap(), serde_json::to_vec(&VisibleAnswer { visible })?.into()).await?;
        }
        anyhow::Ok(())
    });

    let mut stream = a.get("/v1/events", &wang).send().await?;
    assert_eq!(stream.status(), StatusCode::OK);
    let heard = Arc::new(Mutex::new(String::new()));
    let hearing = heard.clone();
    tokio::spawn(async move {
        while let Ok(Some(piece)) = stream.chunk().await {
            hearing.lock().unwrap().push_str(&String::from_utf8_lossy(&piece));
        }
    });

    let escalation = world.ground.connect_nats("escalation").await?;
    let tell = async |client: &async_nats::Client, subject: &str, title: &str, body: serde_json::Value| {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", Uuid::now_v7().to_string());
        headers.insert("ce-time", "2026-11-23T06:00:00Z");
        let mut body = body;
        body["title"] = title.into();
        client.publish_with_headers(subject.to_owned(), headers, body.to_string().into()).await
    };
    let alert = |person: &str| {
        json!({
            "alert": Uuid::now_v7(), "duty": Uuid::now_v7(), "rule": "r", "pack": "p", "article": "1", "key": "k", "case": hidden, "title": "",
            "title_zh": "", "link": "/", "unit": "U", "sort": "breach", "run": 1, "rung": 1, "repetition": 0, "until": "any", "state": "open",
            "recipients": [{ "person": person, "post": "P", "unit": "U", "how": "direct" }], "due_at": "2026-11-23T06:00:00Z",
            "raised_at": "2026-11-23T06:00:00Z", "policy": 1, "version": 1
        })
    };
    tell(&escalation, "duban.escalation.v1.alert.raised", "another's alert", alert("li")).await?;
    tell(&intake, "duban.intake.v1.case.registered", "hidden case", json!({ "case": hidden })).await?;
    tell(&intake, "duban.intake.v1.case.registered", "excluded from", json!({ "case": open, "excluded_people": ["wang"] })).await?;
    tell(&intake, "duban.intake.v1.report.rejected", "for administrators", json!({})).await?;
    // Told once, and complained about since: neither the case's alerts nor their deliveries are his any more.
    let mut against_him = alert("wang");
    against_him["excluded_people"] = json!(["wang"]);
    tell(&escalation, "duban.escalation.v1.alert.raised", "alert about himself", against_him).await?;
    let notifications = world.ground.connect_nats("notifications").await?;
    let delivery = json!({ "person": "wang", "case": hidden, "excluded_people": ["wang"] });
    tell(&notifications, "duban.notifications.v1.delivery.sent", "delivery about himself", delivery).await?;
    let delivery = json!({ "person": "wang", "case": hidden });
    tell(&notifications, "duban.notifications.v1.delivery.sent", "my delivery", delivery).await?;
    notifications.flush().await?;
    tell(&escalation, "duban.escalation.v1.alert.raised", "my alert", alert("wang")).await?;
    tell(&intake, "duban.intake.v1.case.registered", "open case", json!({ "case": open, "number": "TS-1" })).await?;

    let text = || heard.lock().unwrap().clone();
    // Of each service the last that it told.
    until("all three are heard", || async { Ok(["my alert", "open case", "my delivery"].iter().all(|title| text().contains(title))) })
        .await?;
    assert!(text().contains("event: alert.raised") && text().contains("\"mine\":true") && text().contains("TS-1"));
    for never in ["another's alert", "hidden case", "excluded from", "for administrators", "alert about himself", "delivery about himself"]
    {
        assert!(!text().contains(never), "{never}");
    }
    Ok(())
}
