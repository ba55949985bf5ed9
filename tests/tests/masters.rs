//! Three reports of one incident on a whole installation: one master, one answer, one close, and three files.

use anyhow::Context;
use duban::case::CaseWhole;
use duban_contracts::case::{CaseAct, CaseList, CaseListRequest};
use duban_contracts::duty::DutyList;
use duban_contracts::record::RecordList;
use duban_contracts::report::Accepted;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey::{self, HANDLER};
use duban_tests::{World, until};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn three_reports_of_one_incident_are_answered_and_closed_once_and_filed_each() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let mut reports = Vec::new();
    for n in 0..3 {
        let body = json!({
            "channel": "web", "unit": "BJ01", "subject": "充电站停电",
            "reporter": { "name": "车主", "phone": format!("1990000060{n}") }, "fields": { "about": "other", "demand": "explanation" },
        });
        let accepted = sent(&world, &format!("form-{n}"), &body).await?;
        let case = journey::registered(&world, &accepted).await?;
        reports.push((accepted, case.case, case.number));
    }
    let (master, first, second) = (reports[0].1, reports[1].1, reports[2].1);
    world.raised().await?;
    assert!(open(&world, first).await? > 0, "each owes something by itself");

    let numbers = vec![reports[1].2.clone(), reports[2].2.clone()];
    act(&world, master, &CaseAct::Attach { cases: Vec::new(), numbers, reason: "同一次停电".into() }).await?;
    until("what is attached to owe nothing", LIMIT, || async {
        anyhow::ensure!(open(&world, first).await? == 0 && open(&world, second).await? == 0 && open(&world, master).await? > 0);
        anyhow::Ok(())
    })
    .await?;
    for state in ["master", "attached"] {
        let filter = CaseListRequest { state: Some(state.into()), ..CaseListRequest::default() };
        let list: CaseList = world.installation.person(HANDLER).await?.cases(&filter).await?;
        assert_eq!(list.total, if state == "master" { 1 } else { 2 }, "{state}");
    }

    for (name, step) in journey::steps()? {
        act(&world, master, &step).await.context(name)?;
    }
    for (accepted, case, number) in &reports {
        let status = until("its reporter to see that it is closed", LIMIT, || async {
            let status = world.installation.person(HANDLER).await?.track(&accepted.tracking_code).await?;
            anyhow::ensure!(status.state == "closed", "{status:?}");
            anyhow::Ok(status)
        })
        .await?;
        let public = status.case.context("registered")?;
        assert!(public.number == *number && public.answered_at.is_some(), "{public:?}");
        assert_eq!(public.with_others, *case != master);
        until("its own file", LIMIT, || async {
            let list: RecordList =
                world.installation.person(journey::GENERAL_MANAGER).await?.get("/v1/records", &json!({ "case": case })).await?;
            anyhow::ensure!(!list.records.is_empty());
            anyhow::Ok(())
        })
        .await?;
    }
    // Nothing of what was attached was ever overdue, however long it takes.
    world.step("2026-03-30T09:00:00+08:00").await?;
    world.raised().await?;
    let late = format!("select count(*) from escalation.duty where case_id in ('{first}', '{second}') and breached_at is not null");
    assert_eq!(world.count(&late).await?, 0);
    let whole: CaseWhole = world.installation.person(HANDLER).await?.get(&format!("/v1/cases/{first}"), &()).await?;
    let events: Vec<&str> = whole.timeline.iter().map(|entry| entry.event.as_str()).filter(|event| event.starts_with("case.")).collect();
    assert_eq!(events, ["case.registered", "case.attached", "case.answered", "case.closed"]);
    assert!(whole.timeline.iter().any(|entry| entry.event == "duty.cancelled"));
    world.stack.stop().await;
    Ok(())
}

async fn sent(world: &World, key: &str, body: &Value) -> anyhow::Result<Accepted> {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/reports", world.installation.url))
        .bearer_auth(&world.installation.producers["web"])
        .header("Idempotency-Key", key)
        .json(body)
        .send()
        .await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}", answer.status());
    Ok(answer.json().await?)
}

async fn act(world: &World, case: Uuid, act: &CaseAct) -> anyhow::Result<()> {
    let gateway = world.installation.person(HANDLER).await?;
    let whole: CaseWhole = gateway.get(&format!("/v1/cases/{case}"), &()).await?;
    gateway.act(case, Uuid::now_v7(), whole.detail.summary.version, act).await?;
    Ok(())
}

/// How many duties of a case are open.
async fn open(world: &World, case: Uuid) -> anyhow::Result<i64> {
    let filter = json!({ "case": case, "state": "open" });
    let list: DutyList = world.installation.person(HANDLER).await?.get("/v1/duties", &filter).await?;
    Ok(list.total)
}
