//! What became of messages: each delivery with its state, and, where nobody will overlook it, whom no message reached.

use crate::browser::Session;
use crate::pages::{an_alert, answer, neighbours};
use crate::world::{World, expect};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

fn a_delivery(state: &str, channel: &str, error: Option<&str>) -> Value {
    json!({
        "delivery": Uuid::now_v7(), "alert": Uuid::now_v7(), "duty": Uuid::now_v7(), "case": null, "person": "chief", "channel": channel,
        "address": "c***@duban.example", "state": state, "attempts": 3, "created_at": "2026-11-23T06:00:00Z", "last_error": error, "version": 1
    })
}

fn a_list() -> Value {
    let deliveries = [
        a_delivery("waiting", "email", Some("the mail server refused it for now: 451")),
        a_delivery("sent", "email", None),
        a_delivery("failed", "webhook", Some("the endpoint answered 410")),
        a_delivery("cancelled", "email", None),
    ];
    let unreachable = json!({
        "alert": Uuid::now_v7(), "duty": Uuid::now_v7(), "case": null, "person": "chief", "unit": "U", "title": "Answer TS-7",
        "title_zh": "答复 TS-7", "link": "/cases/TS-7", "policy": 1, "rule": "answer"
    });
    json!({ "deliveries": deliveries, "total": 4, "next": null, "unreachable": [unreachable] })
}

#[tokio::test]
async fn every_delivery_has_its_state_and_whom_no_message_reached_stands_out_also_among_the_alerts() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    let alert = an_alert(Uuid::now_v7(), "/cases/TS-1");
    answer(&neighbours, "escalation", "alert.list", Ok(json!({ "alerts": [alert], "total": 1, "next": null }))).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;

    // Nobody answers for messages: the alerts stand, and nobody is let believe that all were told.
    let alerts = chief.get("/alerts?lang=en").await?;
    assert_eq!(alerts.status, StatusCode::OK);
    assert!(
        alerts.text.contains("Answer TS-1") && alerts.text.contains("Whether messages arrived: A part that is needed"),
        "{}",
        alerts.text
    );
    assert_eq!(chief.get("/deliveries").await?.status, StatusCode::SERVICE_UNAVAILABLE);

    let asked = answer(&neighbours, "notifications", "delivery.list", Ok(a_list())).await?;
    let page = chief.get("/deliveries").await?;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let row = |state: &str| page.text.split("<tr").skip(1).find(|row| row.contains(&format!(">{state}<"))).unwrap_or_default().to_owned();
    for (state, said) in [
        ("等待中", "the mail server refused it for now: 451"),
        ("已送出", "c***@duban.example"),
        ("失败", "the endpoint answered 410"),
        ("已取消", "email"),
    ] {
        assert!(row(state).contains(said), "{state}: {}", page.text);
    }
    assert!(row("失败").contains("class=\"state overdue\""), "{}", row("失败"));
    let stands_out = |page: &str, said: &str| {
        page.split("<div class=\"notice bad\" role=\"alert\">")
            .skip(1)
            .any(|rest| rest.split("</div>").next().unwrap_or_default().contains(said))
    };
    assert!(
        stands_out(&page.text, "所有渠道均未送达") && stands_out(&page.text, "答复 TS-7") && stands_out(&page.text, "Chief"),
        "{}",
        page.text
    );
    chief.get("/deliveries?state=failed").await?;
    assert_eq!(asked.lock().unwrap().last().unwrap()["state"], "failed");
    let by_api = expect(a.get("/v1/deliveries", &world.admin).send().await?, StatusCode::OK).await?;
    let states: Vec<&str> = by_api["deliveries"].as_array().unwrap().iter().filter_map(|delivery| delivery["state"].as_str()).collect();
    assert_eq!(states, ["waiting", "sent", "failed", "cancelled"]);
    assert_eq!(by_api["unreachable"][0]["title_zh"], "答复 TS-7");

    let alerts = chief.get("/alerts").await?.text;
    assert!(stands_out(&alerts, "答复 TS-7") && alerts.contains("答复 TS-1"), "{alerts}");
    assert!(stands_out(&chief.get("/alerts?lang=en").await?.text, "No channel got through"));
    Ok(())
}
