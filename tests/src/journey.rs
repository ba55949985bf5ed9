//! One major complaint at a car dealer, from the report to the filed record, as its people would carry it: each function is a leg of the way.

use crate::waiting::until;
use crate::world::World;
use anyhow::Context;
use duban_contracts::alert::AlertList;
use duban_contracts::case::{CaseAct, CaseList, CaseListRequest, CaseSummary};
use duban_contracts::duty::DutyList;
use duban_contracts::record::{RecordDetail, RecordList};
use duban_contracts::report::Accepted;
use duban_local::mail_catcher::Mail;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Monday morning, when the store is open.
pub const START: &str = "2026-03-02T09:00:00+08:00";
/// A day and an hour later: what was owed within 24 hours is overdue.
pub const NEXT_DAY: &str = "2026-03-03T10:00:00+08:00";
/// The store's general manager, who is alerted of a major complaint at once, and the manager of customer relations, who handles it.
pub const GENERAL_MANAGER: &str = "song-zhiqiang";
pub const HANDLER: &str = "han-jianguo";
/// The head of the brand division above the store, who is on the group's ladder.
pub const BRAND_DIVISION: &str = "luo-haitao";
/// What only those may read who may see personal text; no event carries it.
pub const SECRETS: [&str; 6] =
    ["罗建平", "19900000101", "luo.jianping@customer.example", "京AB1234", "发动机异响三次未修好", "三次进店都没有修好"];

const LIMIT: Duration = Duration::from_secs(120);

/// A customer who wants to give his car back: major, by article 2.5.
pub fn report(channel: &str) -> Value {
    json!({
        "channel": channel, "unit": "BJ01", "subject": "发动机异响三次未修好",
        "text": "新车发动机异响，三次进店都没有修好，要求退车。",
        "reporter": { "name": "罗建平", "phone": "19900000101", "email": "luo.jianping@customer.example" },
        "fields": { "about": "car", "model": "云驰 S3", "plate": "京AB1234", "demand": "return" }
    })
}

/// Waits until the report is a case that its handler sees.
///
/// # Errors
/// It does not become one in time.
pub async fn registered(world: &World, accepted: &Accepted) -> anyhow::Result<CaseSummary> {
    let gateway = world.installation.person(HANDLER).await?;
    until("the report to be a case", LIMIT, || async {
        let status = gateway.track(&accepted.tracking_code).await?;
        let number = status.case.context("accepted, not registered yet")?.number;
        let filter = CaseListRequest { search: Some(number), ..CaseListRequest::default() };
        let list: CaseList = gateway.cases(&filter).await?;
        list.cases.into_iter().next().context("not in the handler's list")
    })
    .await
}

/// Waits for a mail to a person whose text has an acknowledgement link.
///
/// # Errors
/// No such mail comes in time.
pub async fn mail_with_link(world: &World, person: &str) -> anyhow::Result<(Mail, String)> {
    let to = format!("{person}@");
    let mail = world
        .stack
        .mail
        .wait_for(LIMIT, |mail| mail.to.iter().any(|address| address.starts_with(&to)) && mail.link("/a/").is_some())
        .await?;
    let link = mail.link("/a/").context("no link")?;
    Ok((mail, link))
}

/// The alerts that wait for a person.
///
/// # Errors
/// The gateway does not answer.
pub async fn open_alerts(world: &World, person: &str) -> anyhow::Result<AlertList> {
    world.installation.person(person).await?.get("/v1/alerts", &json!({ "state": "open" })).await
}

/// The duties of a case in a state.
///
/// # Errors
/// The gateway does not answer.
pub async fn duties(world: &World, case: Uuid, state: &str) -> anyhow::Result<DutyList> {
    world.installation.person(HANDLER).await?.get("/v1/duties", &json!({ "case": case, "state": state })).await
}

/// The steps that carry the case through all its stages to the end, by name.
///
/// # Errors
/// Never: they are written here.
pub fn steps() -> anyhow::Result<Vec<(&'static str, CaseAct)>> {
    let steps = [
        ("identity_check", json!({ "identity": "true_data" })),
        ("take_up", json!({})),
        ("answer", json!({ "findings": "正时链条松动", "handling": "更换发动机总成，客户同意" })),
        ("close", json!({})),
    ];
    let act = |(name, fields): (&'static str, Value)| {
        let fields: Map<String, Value> = serde_json::from_value(fields)?;
        Ok((name, CaseAct::Step { name: name.to_owned(), fields, note: None }))
    };
    steps.into_iter().map(act).collect()
}

/// Carries the case through all its stages to the end.
///
/// # Errors
/// A step is refused.
pub async fn settle(world: &World, case: Uuid) -> anyhow::Result<()> {
    let gateway = world.installation.person(HANDLER).await?;
    for (name, act) in steps()? {
        let whole: duban::case::CaseWhole = world.installation.person(HANDLER).await?.get(&format!("/v1/cases/{case}"), &()).await?;
        gateway.act(case, Uuid::now_v7(), whole.detail.summary.version, &act).await.context(name)?;
    }
    Ok(())
}

/// Waits until the case's file is in the archive.
///
/// # Errors
/// It is not filed in time.
pub async fn filed(world: &World, case: Uuid) -> anyhow::Result<RecordDetail> {
    let gateway = world.installation.person(GENERAL_MANAGER).await?;
    let record = until("the case to be filed", LIMIT, || async {
        let list: RecordList = gateway.get("/v1/records", &json!({ "case": case })).await?;
        list.records.into_iter().next().context("no record yet")
    })
    .await?;
    gateway.get(&format!("/v1/records/{}", record.record), &()).await
}
