//! A calendar that was wrong, put right while all runs: submitted as a correction, listed, approved with its list, and followed by the duties that
//! stand, with the reason; each once, also where escalation is killed in the middle of it.

use anyhow::Context;
use duban::case::CaseWhole;
use duban::gateway::Gateway;
use duban_contracts::case::{CaseAct, CaseListRequest};
use duban_contracts::duty::{DutyEvent, DutyList, WhyAnswer};
use duban_contracts::policy::Foreseen;
use duban_contracts::report::Accepted;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey;
use duban_tests::visitor::Visitor;
use duban_tests::world::repository;
use duban_tests::{World, until};
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(180);
/// Customer service of the software company; the customer is to be visited within three working days.
const AGENT: &str = "guo-wenbo";
/// Sees everything.
const CEO: &str = "zhang-wei";

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_calendar_is_listed_approved_and_followed_by_what_stands() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let case = registered(&world, 1).await?;
    let visit = until("the duty to visit", LIMIT, || visit(&world, case)).await?;

    // Wednesday is no working day after all.
    let administrator = world.installation.administrator()?;
    let refused = submit(&world, json!(["calendar.cm", "after-sales/visit"])).await.unwrap_err().to_string();
    assert!(refused.contains("did you mean 'calendar.cn'") && refused.contains("does not change"), "{refused}");
    let submitted = submit(&world, json!(["calendars"])).await?;
    assert_eq!(submitted["state"], "submitted");
    let path = format!("/v1/policies/{}", submitted["version"]);
    let whole: Value = administrator.get(&path, &()).await?;
    assert_eq!(whole["set"]["corrects"], json!(["calendar.cn"]), "every calendar that changes, by its name");

    let listed = listed(&world, &path).await?;
    let foreseen = listed.changes.iter().find(|change| change.duty == visit.duty).context("the visit is not listed")?;
    assert_eq!((foreseen.due_before, foreseen.of.as_str()), (visit.due_at, "calendar.cn"));
    assert!(foreseen.due_after > foreseen.due_before && listed.moved >= 1);
    let due =
        foreseen.stages.iter().find(|stage| stage.at_before == Some(visit.due_at)).context("its rung at the due time is not listed")?;
    assert!(due.at_after == Some(foreseen.due_after) && due.told_before == due.told_after && !due.told_after.is_empty(), "{foreseen:?}");

    // Signed with the list that was seen, by somebody else.
    let second = second(&world).await?;
    let digest = listed.digest.context("no digest")?;
    for wrong in ["".to_owned(), "?list=0000".to_owned()] {
        let refused: anyhow::Result<Value> = second.send(Method::POST, &format!("{path}/approve{wrong}"), &json!({})).await;
        assert!(refused.unwrap_err().to_string().contains("must be seen first"), "{wrong}");
    }
    let _: Value = second.send(Method::POST, &format!("{path}/approve?list={digest}"), &json!({})).await?;
    let whole: Value = administrator.get(&path, &()).await?;
    assert_eq!((&whole["set"]["state"], &whole["set"]["signatures"][0]["list"]["digest"]), (&json!("announced"), &json!(digest)));
    assert_eq!(until("nothing is moved before its time", LIMIT, || self::visit(&world, case)).await?.due_at, visit.due_at);

    world.step("2026-03-02T09:10:00+08:00").await?;
    let moved = until("the visit to be due later", LIMIT, || async {
        let found = self::visit(&world, case).await?;
        anyhow::ensure!(found.due_at != visit.due_at, "{}", found.due_at);
        anyhow::Ok(found)
    })
    .await?;
    assert_eq!((moved.due_at, moved.policy), (foreseen.due_after, visit.policy));
    let why: WhyAnswer = world.installation.person(AGENT).await?.get(&format!("/v1/duties/{}/why", visit.duty), &()).await?;
    let reason = format!("制度版本 {} 更正了日历“cn”", submitted["version"]);
    assert!(why.steps.iter().any(|step| step.text_zh.contains(&reason) && step.text_zh.contains("批准")), "{:?}", why.steps);
    world.stack.stop().await;
    Ok(())
}

/// What is no correction is for what comes after it: a case that is open, and what it owes, stay under the version that they began with.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_new_set_leaves_open_cases_and_duties_as_they_are() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let old = registered(&world, 1).await?;
    let before = until("the duty to visit", LIMIT, || visit(&world, old)).await?;

    let mut sources = duban::policy::sources::read(&[repository().join("policies")])?;
    let pack = sources.iter_mut().find(|source| source.name.ends_with("after-sales.toml")).context("no pack")?;
    let (head, rest) = pack.text.split_once("[parameter.visit_within]").context("no such parameter")?;
    pack.text = format!("{head}[parameter.visit_within]{}", rest.replacen("value = \"3wd\"", "value = \"5wd\"", 1));
    let body = json!({ "sources": sources, "note": "上门期限放宽" });
    let submitted: Value = world.installation.administrator()?.send(Method::POST, "/v1/policies", &body).await?;
    let version = submitted["version"].as_i64().context("no version")?;
    let _: Value = second(&world).await?.send(Method::POST, &format!("/v1/policies/{version}/approve"), &json!({})).await?;
    world.step("2026-03-02T09:10:00+08:00").await?;
    until("the set to be in force", LIMIT, || async {
        let sets: Value = world.installation.administrator()?.get("/v1/policies", &()).await?;
        anyhow::ensure!(sets["in_force"].as_i64() == Some(version), "{}", sets["in_force"]);
        anyhow::Ok(())
    })
    .await?;

    // What comes now is under the new one, in the same unit and by the same kind.
    // Intake hears of it a moment after the gateway has said so; what it takes in between says by which it was taken.
    let policy_of = |case: Uuid| format!("select policy from intake.cases where id = '{case}'");
    let nth = Cell::new(1);
    let new = until("a case to be taken in by the new set", LIMIT, || async {
        nth.set(nth.get() + 1);
        let case = registered(&world, nth.get()).await?;
        let policy = world.count(&policy_of(case)).await?;
        anyhow::ensure!(policy == version, "it is under {policy}");
        anyhow::Ok(case)
    })
    .await?;
    let under_the_new = until("the new case's duty to visit", LIMIT, || visit(&world, new)).await?;
    assert_eq!((before.policy, under_the_new.policy), (1, version));
    let days = |duty: &DutyEvent| (duty.due_at.duration_since(duty.opened_at).as_hours() + 1) / 24;
    assert_eq!((days(&before), days(&under_the_new)), (3, 7), "three working days, and five with a weekend: {before:?} {under_the_new:?}");
    world.raised().await?;
    let after = visit(&world, old).await?;
    assert_eq!((after.due_at, after.policy), (before.due_at, before.policy));
    assert_eq!((world.count(&policy_of(old)).await?, world.count(&policy_of(new)).await?), (1, version));
    assert_eq!(world.count("select count(*) from escalation.outbox where subject like '%.duty.retimed'").await?, 0);
    world.stack.stop().await;
    Ok(())
}

/// A step that was forgotten: once the kind is corrected, cases that are open go on by it too, and their duties hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_kind_is_followed_by_cases_that_are_open() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let case = registered(&world, 1).await?;
    let before = until("the duty to visit", LIMIT, || visit(&world, case)).await?;
    let agent = world.installation.person(AGENT).await?;
    let version_of = async || anyhow::Ok(agent.get::<CaseWhole>(&format!("/v1/cases/{case}"), &()).await?.detail.summary.version);
    let called = CaseAct::Step { name: "visit_by_telephone".into(), fields: serde_json::Map::new(), note: None };
    let refused = agent.act(case, Uuid::now_v7(), version_of().await?, &called).await.unwrap_err().to_string();
    assert!(refused.contains("visit_by_telephone"), "{refused}");

    let mut sources = duban::policy::sources::read(&[repository().join("policies")])?;
    let pack = sources.iter_mut().find(|source| source.name.ends_with("after-sales.toml")).context("no pack")?;
    let stages = r#"["received", "registered", "investigating", "responsibility", "deciding", "answering", "carrying_out"]"#;
    let forgotten = format!(
        "[kind.product_complaint.act.visit_by_telephone]\ntitle = {{ zh = \"电话拜访\", en = \"visit by telephone\" }}\narticle = \"20\"\n\
         in = {stages}\nby = \"customer-service\"\nevent = \"customer_visited\"\n\n[kind.product_complaint.act.visit]\n"
    );
    pack.text = pack.text.replacen("[kind.product_complaint.act.visit]\n", &forgotten, 1);
    let body = json!({ "sources": sources, "note": "补上电话拜访", "corrects": ["after-sales/kind.product_complaint"] });
    let submitted: Value = world.installation.administrator()?.send(Method::POST, "/v1/policies", &body).await?;
    let path = format!("/v1/policies/{}", submitted["version"]);
    // No duty is moved by it, and that is what is signed.
    let listed = listed(&world, &path).await?;
    assert_eq!((listed.moved, listed.changes.len()), (0, 0));
    // The cases that it reaches are listed, each with its stage.
    let shown: Value = agent.get(&format!("{path}/foreseen"), &()).await?;
    let reached = &shown["cases"][0];
    assert_eq!((&reached["of"], &reached["total"]), (&json!("after-sales/kind.product_complaint"), &json!(1)), "{shown}");
    assert_eq!((&reached["cases"][0]["case"], &reached["cases"][0]["stage"]), (&json!(case), &json!("received")));
    let number = agent.get::<CaseWhole>(&format!("/v1/cases/{case}"), &()).await?.detail.summary.number;
    let visitor = Visitor::with_new_password(&world.installation, CEO).await?;
    let (_, page) = visitor.get(&path.replace("/v1/", "/")).await?;
    assert!(
        page.contains("适用更正的未结案件：after-sales/kind.product_complaint") && page.contains(&number) && page.contains("已反映"),
        "{page}"
    );
    let digest = listed.digest.context("no digest")?;
    let _: Value = second(&world).await?.send(Method::POST, &format!("{path}/approve?list={digest}"), &json!({})).await?;
    world.step("2026-03-02T09:10:00+08:00").await?;

    until("the step to be there", LIMIT, || async {
        agent.act(case, Uuid::now_v7(), version_of().await?, &called).await?;
        anyhow::Ok(())
    })
    .await?;
    until("the visit to be done", LIMIT, || async {
        let all: DutyList = agent.get("/v1/duties", &json!({ "case": case, "state": "all" })).await?;
        let duty = all.duties.into_iter().find(|duty| duty.duty == before.duty).context("it is gone")?;
        anyhow::ensure!(duty.state == "closed_in_time", "{}", duty.state);
        anyhow::Ok(())
    })
    .await?;
    assert_eq!(world.count(&format!("select policy from intake.cases where id = '{case}'")).await?, 1, "it stays under its version");
    world.stack.stop().await;
    Ok(())
}

/// Half of the duties are held by somebody else while the correction begins; then it comes to those too, and is killed before it commits.
#[tokio::test(flavor = "multi_thread")]
async fn escalation_killed_in_the_middle_of_a_correction_corrects_each_duty_exactly_once() -> anyhow::Result<()> {
    const REPORTS: i64 = 300;
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let world_ref = &world;
    let sent: Vec<anyhow::Result<Accepted>> =
        stream::iter(0..REPORTS).map(|nth| async move { send(world_ref, nth).await }).buffer_unordered(16).collect().await;
    sent.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let visits = "select count(*) from escalation.duty where rule = 'visit' and open";
    until("every case to have its duty to visit", LIMIT, || async {
        let opened = world.count(visits).await?;
        anyhow::ensure!(opened == REPORTS, "{opened}");
        anyhow::Ok(())
    })
    .await?;
    world.raised().await?;

    let submitted = submit(&world, json!(["calendars"])).await?;
    let path = format!("/v1/policies/{}", submitted["version"]);
    let listed = listed(&world, &path).await?;
    anyhow::ensure!(listed.moved >= REPORTS && listed.left == 0, "{listed:?}");
    let digest = listed.digest.context("no digest")?;
    let _: Value = second(&world).await?.send(Method::POST, &format!("{path}/approve?list={digest}"), &json!({})).await?;

    let mut held = world.database.begin().await?;
    let locked = sqlx::query(
        "select id from escalation.duty where id in (select duty from escalation.foreseen_change order by duty limit $1) for update",
    )
    .bind(listed.moved / 2)
    .fetch_all(&mut *held)
    .await?;
    let locked = i64::try_from(locked.len())?;
    world.step("2026-03-02T09:10:00+08:00").await?;
    let acts = "select count(*) from escalation.duty_act where corrected is not null";
    until("the other half to be corrected", LIMIT, || async {
        let corrected = world.count(acts).await?;
        anyhow::ensure!(corrected == listed.moved - locked, "{corrected} of {}", listed.moved);
        anyhow::Ok(())
    })
    .await?;
    // What it has done with those is written and cannot be committed yet.
    let mut barred = world.database.begin().await?;
    sqlx::query("lock table escalation.duty_act in share mode").execute(&mut *barred).await?;
    held.rollback().await?;
    let waiting = "select count(*) from pg_locks where not granted and relation = 'escalation.duty_act'::regclass";
    until("the correction to be in the middle of it", LIMIT, || async {
        anyhow::ensure!(world.count(waiting).await? > 0, "nobody waits");
        anyhow::Ok(())
    })
    .await?;
    world.stack.kill9("escalation", 0).await?;
    barred.rollback().await?;
    until("its transaction to be gone", LIMIT, || async {
        let sessions = world.count("select count(*) from pg_stat_activity where state <> 'idle' and usename = 'escalation'").await?;
        anyhow::ensure!(sessions == 0, "{sessions}");
        anyhow::Ok(())
    })
    .await?;
    assert_eq!(world.count(acts).await?, listed.moved - locked, "nothing of it was committed");

    world.stack.restart("escalation", 0).await?;
    until("every duty to follow the correction", LIMIT, || async {
        let behind = world.count("select count(*) from escalation.duty where open and corrections < 1").await?;
        anyhow::ensure!(behind == 0, "{behind}");
        anyhow::Ok(())
    })
    .await?;
    // Each exactly once: its act, its event, and the time that was listed; nothing that was not listed.
    let once = format!(
        "select count(*) from escalation.foreseen_change as listed join escalation.duty on duty.id = listed.duty
         where duty.due_at = listed.due_after and duty.corrections = 1 and duty.policy < {}
           and (select count(*) from escalation.duty_act as act where act.duty = duty.id and corrected is not null) = 1
           and (select count(*) from escalation.outbox where about = 'duty/' || duty.id and subject like '%.duty.retimed') = 1",
        submitted["version"]
    );
    assert_eq!(world.count(&once).await?, listed.moved);
    assert_eq!(world.count(acts).await?, listed.moved);
    assert_eq!(world.count("select count(*) from escalation.outbox where subject like '%.duty.retimed'").await?, listed.moved);
    world.stack.stop().await;
    Ok(())
}

/// The calendar with another holiday, submitted as a correction.
async fn submit(world: &World, corrects: Value) -> anyhow::Result<Value> {
    let mut sources = duban::policy::sources::read(&[repository().join("policies")])?;
    let calendar = sources.iter_mut().find(|source| source.name.ends_with("cn.toml")).context("no calendar")?;
    calendar.text = calendar.text.replacen("holidays = [", "holidays = [\n  \"2026-03-04\",", 1);
    let body = json!({ "sources": sources, "note": "节假日补正", "corrects": corrects });
    world.installation.administrator()?.send(Method::POST, "/v1/policies", &body).await
}

/// The list of what it changes, once it is done.
async fn listed(world: &World, path: &str) -> anyhow::Result<Foreseen> {
    until("the list to be done", LIMIT, || async {
        let shown: Value = world.installation.person(AGENT).await?.get(&format!("{path}/foreseen"), &()).await?;
        let list: Foreseen = serde_json::from_value(shown["foreseen"].clone())?;
        anyhow::ensure!(list.state == "done", "{list:?}");
        anyhow::Ok(list)
    })
    .await
}

/// Another administrator than the one who submits.
async fn second(world: &World) -> anyhow::Result<Gateway> {
    let people: Value = world.installation.administrator()?.get("/v1/people", &()).await?;
    let people = people["people"].as_array().context("no people")?;
    let second =
        people.iter().find(|person| person["administers"] == true && person["id"] != "admin").context("no second administrator")?;
    world.installation.person(second["id"].as_str().unwrap_or_default()).await
}

async fn visit(world: &World, case: Uuid) -> anyhow::Result<DutyEvent> {
    let open: DutyList = world.installation.person(AGENT).await?.get("/v1/duties", &json!({ "case": case, "state": "open" })).await?;
    open.duties.into_iter().find(|duty| duty.rule == "visit").context("not there yet")
}

/// A customer's report, of a customer of its own for each number.
async fn send(world: &World, nth: i64) -> anyhow::Result<Accepted> {
    let body = json!({
        "channel": "phone", "unit": "RJ", "kind": "product_complaint", "subject": "软件账单算错",
        "reporter": { "name": "罗建平", "phone": format!("199{nth:08}") }, "fields": {},
    });
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/reports", world.installation.url))
        .bearer_auth(&world.installation.producers["web"])
        .header("Idempotency-Key", format!("form-{nth}"))
        .json(&body)
        .send()
        .await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
    Ok(answer.json().await?)
}

async fn registered(world: &World, nth: i64) -> anyhow::Result<Uuid> {
    let accepted = send(world, nth).await?;
    let gateway = world.installation.person(AGENT).await?;
    until("the report to be a case", LIMIT, || async {
        let number = gateway.track(&accepted.tracking_code).await?.case.context("not registered yet")?.number;
        let filter = CaseListRequest { search: Some(number), ..Default::default() };
        anyhow::Ok(gateway.cases(&filter).await?.cases.into_iter().next().context("not in the list")?.case)
    })
    .await
}
