//! 'Not ours, returned' (退回): with a reason, to whom it came from, and no oftener than the pack says, whoever tries at the same time.

use crate::world::{World, complaint, with};
use duban_contracts::case::{CaseAct, CaseActed};
use duban_contracts::{Problem, ids};
use serde_json::{Value, json};
use uuid::Uuid;

async fn accepted(world: &World, key: &str) -> anyhow::Result<Uuid> {
    let case = world.case_of(world.report(key, complaint()).await?).await?;
    world.step("eva", case, "accept", json!({})).await?;
    Ok(case)
}

fn step(name: &str, fields: Value) -> CaseAct {
    CaseAct::Step { name: name.to_owned(), fields: fields.as_object().cloned().unwrap_or_default(), note: None }
}

fn code(refused: Result<CaseActed, Problem>) -> String {
    refused.map_or_else(|problem| problem.code, |acted| acted.stage)
}

#[tokio::test]
async fn what_is_not_ones_own_goes_back_with_its_reason_and_is_handled_by_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = accepted(&world, "k1").await?;
    world.act("eva", case, CaseAct::Assign { person: "nora".into() }).await?;
    world.step("nora", case, "check", json!({ "amount": "120", "plate": "京A12345" })).await?;
    assert_eq!(code(world.step("nora", case, "not_mine", json!({})).await), "missing-fields");
    let acted = world.step("nora", case, "not_mine", json!({ "why": "顾客找的是客服部张三" })).await?;
    assert_eq!(acted.stage, "registered");

    let shown = world.show("eva", case).await?;
    assert_eq!((shown.summary.handler.as_deref(), shown.summary.returns, shown.summary.unsorted), (None, 1, false));
    assert!(!shown.fields.contains_key("amount") && !shown.fields.contains_key("plate"), "{:?}", shown.fields);
    let last = shown.timeline.last().expect("an entry");
    assert_eq!((last.event.as_str(), last.by.as_str(), last.article.as_deref()), ("case.returned", "nora", Some("4")));
    assert_eq!(last.text_zh, "不归我办，退回（第1次退回，最多2次）");
    assert_eq!(last.note.as_deref(), Some("顾客找的是客服部张三"));
    assert_eq!(world.show("nora", case).await.expect_err("no longer hers").status, 404);
    for table in ["timeline", "outbox", "cases"] {
        assert!(!world.lies_open(table, "客服部张三").await?, "{table}");
    }
    let told = world.told(case, 5).await?;
    let (name, event) = told.last().expect("events");
    assert_eq!((name.as_str(), event.returns, event.handler.as_deref()), ("case.returned", 1, None));
    assert_eq!(event.step.as_ref().map(|step| step.name.as_str()), Some("not_mine"));
    Ok(())
}

#[tokio::test]
async fn who_has_returned_it_as_often_as_may_be_is_told_who_decides() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = accepted(&world, "k1").await?;
    world.step("eva", case, "not_mine", json!({ "why": "不归东店" })).await?;
    world.step("eva", case, "accept", json!({})).await?;
    world.step("eva", case, "not_mine", json!({ "why": "还是不归东店" })).await?;
    world.step("eva", case, "accept", json!({})).await?;
    let refused = world.step("eva", case, "not_mine", json!({ "why": "再退" })).await.expect_err("often enough");
    assert_eq!((refused.status, refused.code.as_str()), (409, "returned-too-often"));
    assert_eq!(refused.title_zh, "“不归我办，退回”：案件已退回2次，最多可退回2次，归属由店长裁定");
    // Nor by the other way: it is one count.
    assert_eq!(code(world.step("eva", case, "not_ours", json!({ "why": "退给分拣" })).await), "returned-too-often");
    let offered = world.show("eva", case).await?.steps;
    let offered = offered.iter().find(|step| step.name == "not_mine").expect("named, with why it is refused");
    assert_eq!(offered.sort, "return");
    assert!(offered.refused_zh.as_deref().is_some_and(|why| why.contains("由店长裁定")), "{offered:?}");
    // What is taken up again is counted anew.
    world.step("eva", case, "settle", json!({ "result": "已换货" })).await?;
    world.step("eva", case, "reopen", json!({})).await?;
    assert_eq!(world.show("eva", case).await?.summary.returns, 0);
    world.step("eva", case, "not_mine", json!({ "why": "不归东店" })).await?;
    Ok(())
}

#[tokio::test]
async fn back_to_who_sorts_it_is_again_where_it_came_from_and_sorted_anew() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = world.case_of(world.report("k1", complaint()).await?).await?;
    let correct = |unit: &str| CaseAct::Correct {
        kind: None,
        unit: Some(unit.to_owned()),
        severity: None,
        about_person: None,
        reason: "顾客说的是该店".into(),
    };
    world.act("dora", case, correct("WEST")).await?;
    world.step("will", case, "accept", json!({})).await?;
    world.step("will", case, "not_ours", json!({ "why": "是东店卖的" })).await?;
    assert_eq!(world.show("will", case).await.expect_err("no longer the west shop's").status, 404);
    let shown = world.show("dora", case).await?.summary;
    assert_eq!((shown.unit.as_str(), shown.stage.as_str(), shown.unsorted, shown.returns), ("EAST", "registered", true, 1));
    let unsorted = duban_contracts::case::CaseListRequest { state: Some("unsorted".into()), ..Default::default() };
    assert_eq!(world.list("dora", unsorted).await?.total, 1, "it waits among what is to be sorted");
    assert!(!shown.title_zh.contains("西店"), "{}", shown.title_zh);

    // To another, or to the same again if that is what the desk says.
    world.act("dora", case, correct("WEST")).await?;
    let told = world.told(case, 6).await?;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[3..6], ["case.returned", "case.corrected", "case.sorted"], "{names:?}");
    assert!(told[5].1.before.as_ref().is_some_and(|before| before.unsorted) && told[5].1.returns == 1);
    world.step("will", case, "accept", json!({})).await?;
    world.step("will", case, "not_ours", json!({ "why": "真是东店的" })).await?;
    assert_eq!(world.show("dora", case).await?.summary.unit, "EAST");
    // It waits already.
    world.step("eva", case, "accept", json!({})).await?;
    assert_eq!(code(world.step("eva", case, "not_ours", json!({ "why": "也不是我的" })).await), "returned-already");
    Ok(())
}

/// Two copies, several people's browsers that send the same thing again: each act that is answered is done once, and the limit holds.
#[tokio::test]
async fn however_many_return_it_at_once_it_is_returned_no_oftener_than_it_may_be() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let body = |n: usize| with(complaint(), json!({ "reporter": { "phone": format!("1370000001{n}") } }));
    for n in 0..3 {
        let case = world.case_of(world.report(&format!("k{n}"), body(n)).await?).await?;
        let acts = (0..6).map(|hand| {
            let world = &world;
            async move {
                let mut done = 0;
                for round in 0..12 {
                    let version = world.show("eva", case).await.map_or(0, |shown| shown.summary.version);
                    let act =
                        if (hand + round) % 2 == 0 { step("accept", json!({})) } else { step("not_mine", json!({ "why": "不归我" })) };
                    let request = ids::fresh();
                    let send = || world.act_as("eva", case, act.clone(), request, version);
                    let (first, again) = tokio::join!(send(), send());
                    assert_eq!(first.is_ok(), again.is_ok(), "one answer for one request: {first:?} {again:?}");
                    done += usize::from(first.is_ok_and(|acted| acted.stage == "registered"));
                }
                done
            }
        });
        let done: usize = futures::future::join_all(acts).await.into_iter().sum();
        let shown = world.show("dora", case).await?;
        let told = shown.timeline.iter().filter(|entry| entry.event == "case.returned").count();
        assert_eq!((done, told, shown.summary.returns), (2, 2, 2), "as often as it may be, and no oftener");
    }
    Ok(())
}
