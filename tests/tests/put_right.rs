//! What people put right while a case is under way, on a whole installation: its kind, and who sees it.

use anyhow::Context;
use duban::case::CaseWhole;
use duban_contracts::case::CaseAct;
use duban_contracts::delivery::DeliveryList;
use duban_contracts::duty::DutyList;
use duban_contracts::record::RecordList;
use duban_contracts::report::Accepted;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey::{self, HANDLER};
use duban_tests::{World, until};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);
/// Customer service of the software company.
const AGENT: &str = "guo-wenbo";
/// A consultant of another branch, whose post shows him nothing of this one.
const STRANGER: &str = "xu-haitao";

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_kind_is_put_right_owes_what_the_new_kind_owes_and_is_filed_at_its_close() -> anyhow::Result<()> {
    let mut world = stepped().await?;
    let body = json!({
        "channel": "phone", "unit": "RJ", "kind": "product_complaint", "subject": "软件账单算错",
        "reporter": { "name": "罗建平", "phone": "19900000101" }, "fields": {},
    });
    let case = registered(&world, AGENT, &body).await?;
    until("the duties of a complaint to be owed", LIMIT, || async {
        let open = open_rules(&world, AGENT, case).await?;
        anyhow::ensure!(open.contains("hand_over") && open.contains("visit"), "{open:?}");
        anyhow::Ok(())
    })
    .await?;

    let correct = CaseAct::Correct {
        kind: Some("grievance".into()),
        unit: None,
        severity: None,
        about_person: None,
        reason: "是对服务的抱怨，不是产品问题".into(),
    };
    act(&world, AGENT, case, &correct).await?;
    until("the old kind's duties to end and the new one's to stand", LIMIT, || async {
        let open = open_rules(&world, AGENT, case).await?;
        anyhow::ensure!(!open.contains("hand_over") && open.contains("visit") && open.len() > 1, "{open:?}");
        anyhow::Ok(())
    })
    .await?;

    step(&world, AGENT, case, "take_up", json!({})).await?;
    step(&world, AGENT, case, "tell", json!({ "result": "已道歉并更正", "told_by": "telephone" })).await?;
    let first = until("the case to be filed though the customer is still to be visited", LIMIT, || records(&world, AGENT, case, 1)).await?;
    assert_eq!(first.records[0].edition, 1);
    until("nothing but the visit to be owed", LIMIT, || async {
        let open = open_rules(&world, AGENT, case).await?;
        anyhow::ensure!(open == BTreeSet::from(["visit".to_owned()]), "{open:?}");
        anyhow::Ok(())
    })
    .await?;
    step(&world, "hu-xuemei", case, "visit", json!({ "visit_note": "当面致歉，客户满意" })).await?;
    let both = until("the settled file", LIMIT, || records(&world, AGENT, case, 2)).await?;
    assert_eq!(both.records.iter().map(|record| record.edition).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
    world.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_in_a_case_sees_it_its_duties_its_deliveries_and_its_record_and_before_that_nothing() -> anyhow::Result<()> {
    let mut world = stepped().await?;
    let case = registered(&world, HANDLER, &journey::report("web")).await?;
    journey::mail_with_link(&world, journey::GENERAL_MANAGER).await?;
    for path in ["/v1/duties", "/v1/deliveries"] {
        let seen: Value = world.installation.person(STRANGER).await?.get(path, &json!({ "case": case })).await?;
        assert_eq!(seen["total"], 0, "{path}: {seen}");
    }
    act(&world, HANDLER, case, &CaseAct::AddPerson { person: STRANGER.into(), reason: "处理过同类问题".into() }).await?;
    until("the person to see what hangs on the case", LIMIT, || async {
        let stranger = world.installation.person(STRANGER).await?;
        let duties: DutyList = stranger.get("/v1/duties", &json!({ "case": case })).await?;
        let deliveries: DeliveryList = stranger.get("/v1/deliveries", &json!({ "case": case })).await?;
        anyhow::ensure!(duties.total > 0 && deliveries.total > 0, "{} duties, {} deliveries", duties.total, deliveries.total);
        anyhow::Ok(())
    })
    .await?;
    journey::settle(&world, case).await?;
    until("him to see the record", LIMIT, || records(&world, STRANGER, case, 1)).await?;
    let whole: CaseWhole = world.installation.person(STRANGER).await?.get(&format!("/v1/cases/{case}"), &()).await?;
    assert!(whole.detail.report.is_none(), "being named gives no right to personal text");
    world.stack.stop().await;
    Ok(())
}

async fn stepped() -> anyhow::Result<World> {
    World::with(StackSettings { clock: Some(ClockSetting::Stepped { start: journey::START.into() }), ..StackSettings::test() }).await
}

/// Sends a report as the hotline's web form would, and waits until a person sees it as a case.
async fn registered(world: &World, person: &str, body: &Value) -> anyhow::Result<Uuid> {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/reports", world.installation.url))
        .bearer_auth(&world.installation.producers["web"])
        .header("Idempotency-Key", "form-1")
        .json(body)
        .send()
        .await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
    let accepted: Accepted = answer.json().await?;
    let gateway = world.installation.person(person).await?;
    until("the report to be a case", LIMIT, || async {
        let number = gateway.track(&accepted.tracking_code).await?.case.context("not registered yet")?.number;
        let filter = duban_contracts::case::CaseListRequest { search: Some(number), ..Default::default() };
        anyhow::Ok(gateway.cases(&filter).await?.cases.into_iter().next().context("not in the list")?.case)
    })
    .await
}

async fn act(world: &World, person: &str, case: Uuid, act: &CaseAct) -> anyhow::Result<()> {
    let gateway = world.installation.person(person).await?;
    let whole: CaseWhole = gateway.get(&format!("/v1/cases/{case}"), &()).await?;
    gateway.act(case, Uuid::now_v7(), whole.detail.summary.version, act).await?;
    Ok(())
}

async fn step(world: &World, person: &str, case: Uuid, name: &str, fields: Value) -> anyhow::Result<()> {
    let fields: Map<String, Value> = serde_json::from_value(fields)?;
    act(world, person, case, &CaseAct::Step { name: name.to_owned(), fields, note: None }).await.with_context(|| name.to_owned())
}

async fn open_rules(world: &World, person: &str, case: Uuid) -> anyhow::Result<BTreeSet<String>> {
    let filter = json!({ "case": case, "state": "open" });
    let open: DutyList = world.installation.person(person).await?.get("/v1/duties", &filter).await?;
    Ok(open.duties.into_iter().map(|duty| duty.rule).collect())
}

async fn records(world: &World, person: &str, case: Uuid, wanted: i64) -> anyhow::Result<RecordList> {
    let list: RecordList = world.installation.person(person).await?.get("/v1/records", &json!({ "case": case })).await?;
    anyhow::ensure!(list.total == wanted, "{} records", list.total);
    Ok(list)
}
