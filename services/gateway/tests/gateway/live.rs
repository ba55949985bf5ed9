//! Live updates: each person hears what he may see, and nothing else, as long as he is logged in.

use crate::browser::Session;
use crate::world::{World, expect, until};
use duban_contracts::case::{VisibleAnswer, VisibleRequest};
use futures::StreamExt;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A line of live updates: what has come over it, and whether it has ended.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<(String, bool)>>);

impl Line {
    async fn open(request: RequestBuilder) -> anyhow::Result<Self> {
        let mut stream = request.send().await?;
        anyhow::ensure!(stream.status() == StatusCode::OK, "{}", stream.status());
        let line = Self::default();
        let hearing = line.clone();
        tokio::spawn(async move {
            while let Ok(Some(piece)) = stream.chunk().await {
                hearing.0.lock().unwrap().0.push_str(&String::from_utf8_lossy(&piece));
            }
            hearing.0.lock().unwrap().1 = true;
        });
        Ok(line)
    }

    fn heard(&self) -> String {
        self.0.lock().unwrap().0.clone()
    }

    fn has_ended(&self) -> bool {
        self.0.lock().unwrap().1
    }
}

/// Publishes an event as its service's relay does.
async fn tell(client: &async_nats::Client, subject: &str, title: &str, mut body: Value) -> anyhow::Result<()> {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("ce-id", Uuid::now_v7().to_string());
    headers.insert("ce-time", "2026-11-23T06:00:00Z");
    body["title"] = title.into();
    client.publish_with_headers(subject.to_owned(), headers, body.to_string().into()).await?;
    Ok(client.flush().await?)
}

/// An alert to one person about a case.
fn alert(person: &str, case: Uuid) -> Value {
    json!({
        "alert": Uuid::now_v7(), "duty": Uuid::now_v7(), "rule": "r", "pack": "p", "article": "1", "key": "k", "case": case, "title": "",
        "title_zh": "", "link": "/", "unit": "U", "sort": "breach", "run": 1, "rung": 1, "repetition": 0, "until": "any", "state": "open",
        "recipients": [{ "person": person, "post": "P", "unit": "U", "how": "direct" }], "due_at": "2026-11-23T06:00:00Z",
        "raised_at": "2026-11-23T06:00:00Z", "policy": 1, "version": 1
    })
}

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

    let line = Line::open(a.get("/v1/events", &wang)).await?;
    let escalation = world.ground.connect_nats("escalation").await?;
    tell(&escalation, "duban.escalation.v1.alert.raised", "another's alert", alert("li", hidden)).await?;
    tell(&intake, "duban.intake.v1.case.registered", "hidden case", json!({ "case": hidden })).await?;
    tell(&intake, "duban.intake.v1.case.registered", "excluded from", json!({ "case": open, "excluded_people": ["wang"] })).await?;
    tell(&intake, "duban.intake.v1.report.rejected", "for administrators", json!({})).await?;
    // Told once, and complained about since: neither the case's alerts nor their deliveries are his any more.
    let mut against_him = alert("wang", hidden);
    against_him["excluded_people"] = json!(["wang"]);
    tell(&escalation, "duban.escalation.v1.alert.raised", "alert about himself", against_him).await?;
    let notifications = world.ground.connect_nats("notifications").await?;
    let delivery = json!({ "person": "wang", "case": hidden, "excluded_people": ["wang"] });
    tell(&notifications, "duban.notifications.v1.delivery.sent", "delivery about himself", delivery).await?;
    let delivery = json!({ "person": "wang", "case": hidden });
    tell(&notifications, "duban.notifications.v1.delivery.sent", "my delivery", delivery).await?;
    tell(&escalation, "duban.escalation.v1.alert.raised", "my alert", alert("wang", hidden)).await?;
    tell(&intake, "duban.intake.v1.case.registered", "open case", json!({ "case": open, "number": "TS-1" })).await?;

    // Of each service the last that it told.
    until("all three are heard", || async {
        Ok(["my alert", "open case", "my delivery"].iter().all(|title| line.heard().contains(title)))
    })
    .await?;
    let text = line.heard();
    assert!(text.contains("event: alert.raised") && text.contains("\"mine\":true") && text.contains("TS-1"));
    for never in ["another's alert", "hidden case", "excluded from", "for administrators", "alert about himself", "delivery about himself"]
    {
        assert!(!text.contains(never), "{never}");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_logged_out_or_was_shut_out_hears_nothing_more_on_a_line_that_stands() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let mut sessions = Vec::new();
    for person in ["wang", "li", "zhao"] {
        world.person(&a, person).await?;
        sessions.push(Session::of(&a, person, "correct horse").await?);
    }
    let by_token = world.person(&a, "qian").await?;
    let mut lines = Vec::new();
    for session in &sessions {
        lines.push(Line::open(session.ask(Method::GET, "/v1/events")).await?);
    }
    lines.push(Line::open(a.get("/v1/events", &by_token)).await?);
    let people = ["wang", "li", "zhao", "qian"];
    let escalation = world.ground.connect_nats("escalation").await?;
    let to_all = async |title: &str| {
        for person in people {
            tell(&escalation, "duban.escalation.v1.alert.raised", title, alert(person, Uuid::now_v7())).await?;
        }
        anyhow::Ok(())
    };
    to_all("the first").await?;
    until("all have heard the first", || async { Ok(lines.iter().all(|line| line.heard().contains("the first"))) }).await?;

    assert_eq!(sessions[0].post("/logout", &[]).await?.status, StatusCode::SEE_OTHER);
    for person in ["li", "qian"] {
        expect(a.post(&format!("/v1/people/{person}/disable"), &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    }
    to_all("the second").await?;
    until("who is there still has heard the second", || async { Ok(lines[2].heard().contains("the second")) }).await?;
    until("the others' lines have ended", || async { Ok([0, 1, 3].iter().all(|n| lines[*n].has_ended())) }).await?;
    assert!(!lines[2].has_ended());
    for n in [0, 1, 3] {
        assert!(!lines[n].heard().contains("the second"), "{}", people[n]);
    }
    Ok(())
}
