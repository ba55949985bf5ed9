//! Whom a report, a supplement, a step or a merged case names as complained about sees nothing of it from then on.

use crate::world::{World, complaint, with};
use duban_contracts::case::{CaseAct, CaseEvent};
use serde_json::{Value, json};
use uuid::Uuid;

async fn case_of(world: &World, key: &str, body: Value) -> anyhow::Result<Uuid> {
    world.case_of(world.report(key, body).await?).await
}

async fn sees(world: &World, person: &str, case: Uuid) -> bool {
    world.show(person, case).await.is_ok()
}

async fn last_told(world: &World, case: Uuid, how_many: usize) -> anyhow::Result<CaseEvent> {
    Ok(world.told(case, how_many).await?.pop().expect("events").1)
}

fn assign(person: &str) -> CaseAct {
    CaseAct::Assign { person: person.into() }
}

#[tokio::test]
async fn whom_a_step_names_is_kept_out_from_then_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = case_of(&world, "k1", complaint()).await?;
    world.act("eva", case, assign("nora")).await?;
    world.step("nora", case, "hear", json!({ "about_person": "易华" })).await?;
    assert!(!sees(&world, "eva", case).await && sees(&world, "carl", case).await);
    assert_eq!(last_told(&world, case, 3).await?.excluded_people, ["eva"], "who is told of it is not she");

    world.step("nora", case, "hear", json!({ "about_unit": "东店" })).await?;
    assert!(!sees(&world, "carl", case).await);
    world.step("nora", case, "hear", json!({ "about_unit": "WEST" })).await?;
    assert!(sees(&world, "carl", case).await, "another unit was meant");

    world.step("nora", case, "hear", json!({ "被投诉人": "倪娜" })).await?;
    assert!(!sees(&world, "nora", case).await && !sees(&world, "eva", case).await);
    assert_eq!(world.show("dora", case).await?.summary.handler, None, "nor does she handle it");
    Ok(())
}

#[tokio::test]
async fn whom_a_supplement_names_is_kept_out_before_it_is_told() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = case_of(&world, "k1", complaint()).await?;
    world.act("eva", case, assign("eva")).await?;
    let supplement = json!({ "channel": "web", "unit": "EAST", "text": "就是店长", "follows": "k1",
                             "fields": { "被投诉人": "易华；无名氏", "about_unit": "WEST" } });
    assert_eq!(case_of(&world, "k2", supplement).await?, case);
    let told = last_told(&world, case, 3).await?;
    assert_eq!((told.excluded_people, told.excluded_units, told.handler), (vec!["eva".to_owned()], vec!["WEST".to_owned()], None));
    assert!(!sees(&world, "eva", case).await);
    let reasons = world.show("dora", case).await?.reasons;
    assert!(reasons.iter().any(|reason| reason.text_zh.contains("查无此人")), "{reasons:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_kept_out_of_one_of_two_merged_cases_sees_neither() -> anyhow::Result<()> {
    let world = World::new().await?;
    let one = case_of(&world, "k1", with(complaint(), json!({ "fields": { "about_person": "柯雷" } }))).await?;
    let two =
        with(complaint(), json!({ "reporter": { "phone": "13700000000" }, "fields": { "about_person": "易华", "about_unit": "WEST" } }));
    let two = case_of(&world, "k2", two).await?;
    world.act("eva", one, assign("eva")).await?;
    assert!(sees(&world, "eva", one).await && sees(&world, "carl", two).await);
    world.act("dora", two, CaseAct::Merge { into: one, reason: "同一事项".into() }).await?;
    for (case, events) in [(one, 3), (two, 3)] {
        assert!(!sees(&world, "eva", case).await && !sees(&world, "carl", case).await);
        let told = last_told(&world, case, events).await?;
        assert_eq!((told.excluded_people.len(), told.excluded_units, told.handler), (2, vec!["WEST".to_owned()], None));
    }
    Ok(())
}

#[tokio::test]
async fn two_cases_are_merged_or_parted_only_by_who_may_do_so_with_both() -> anyhow::Result<()> {
    let world = World::new().await?;
    let east = case_of(&world, "k1", complaint()).await?;
    let west = case_of(&world, "k2", with(complaint(), json!({ "unit": "WEST" }))).await?;
    world.act("eva", east, CaseAct::AddPerson { person: "will".into(), reason: "类似情况".into() }).await?;
    let refused = [
        world.act("will", west, CaseAct::Merge { into: east, reason: "同一事项".into() }).await,
        world.act("will", west, CaseAct::Unlink { other: east, reason: "两件事".into() }).await,
    ];
    for refused in refused {
        let problem = refused.expect_err("he may see it, no more");
        assert_eq!(problem.status, 403);
        assert!(problem.detail_zh.contains("EAST"), "{}", problem.detail_zh);
    }
    world.act("dora", west, CaseAct::Merge { into: east, reason: "同一事项".into() }).await?;
    Ok(())
}

#[tokio::test]
async fn every_name_of_a_list_is_kept_out_and_a_name_that_nobody_has_is_looked_at() -> anyhow::Result<()> {
    let world = World::new().await?;
    let said = [
        (json!("易华、柯雷"), vec!["carl", "eva"], false),
        (json!("易华, 魏利"), vec!["eva", "will"], false),
        (json!("易 华"), vec!["eva"], false),
        (json!(["易华", "carl"]), vec!["carl", "eva"], true),
        (json!("易华；无名氏"), vec!["eva"], true),
        (json!("无名氏"), vec![], true),
    ];
    for (n, (about, excluded, is_doubtful)) in said.into_iter().enumerate() {
        let body = with(complaint(), json!({ "fields": { "about_person": about }, "reporter": { "phone": format!("1370000000{n}") } }));
        let case = case_of(&world, &format!("k{n}"), body).await?;
        let told = last_told(&world, case, 1).await?;
        assert_eq!((told.excluded_people, told.unsorted), (excluded.into_iter().map(str::to_owned).collect(), is_doubtful), "{n}");
    }
    Ok(())
}

#[tokio::test]
async fn a_timeline_names_another_case_only_to_who_sees_that_case() -> anyhow::Result<()> {
    let world = World::new().await?;
    let one = case_of(&world, "k1", complaint()).await?;
    let two = case_of(&world, "k2", with(complaint(), json!({ "fields": { "about_person": "易华" } }))).await?;
    world.act("dora", two, CaseAct::Unlink { other: one, reason: "两件事".into() }).await?;
    let number = world.show("dora", two).await?.summary.number;
    let (eva, dora) = (world.show("eva", one).await?, world.show("dora", one).await?);
    let last = |shown: &duban_contracts::case::CaseDetail| shown.timeline.last().map(|entry| entry.text_zh.clone()).unwrap_or_default();
    assert_eq!(last(&dora), format!("解除与{number}的关联"));
    assert_eq!(last(&eva), "解除与另一案件的关联");
    assert!(!serde_json::to_string(&eva)?.contains(&number));
    let own = world.show("dora", two).await?;
    assert_eq!(own.timeline[1].text, format!("Repeats an open matter: {}", dora.summary.number));
    Ok(())
}

#[tokio::test]
async fn events_tell_who_was_added_by_name() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = case_of(&world, "k1", complaint()).await?;
    world.act("eva", case, CaseAct::AddPerson { person: "will".into(), reason: "类似情况".into() }).await?;
    assert_eq!(last_told(&world, case, 2).await?.people_named, ["will"]);
    world.act("eva", case, CaseAct::Note { text: "已告知".into() }).await?;
    assert_eq!(last_told(&world, case, 3).await?.people_named, ["will"]);
    world.act("eva", case, CaseAct::RemovePerson { person: "will".into(), reason: "已了解".into() }).await?;
    assert!(last_told(&world, case, 4).await?.people_named.is_empty());
    Ok(())
}

#[tokio::test]
async fn saying_who_is_meant_lets_nobody_else_in_who_is_complained_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    let about = |people: &str| with(complaint(), json!({ "fields": { "about_person": people } }));
    let case = case_of(&world, "k1", about("易华、柯雷")).await?;
    let correct = |person: &str| CaseAct::Correct {
        kind: None,
        unit: None,
        severity: None,
        about_person: Some(person.to_owned()),
        reason: "已核实".into(),
    };
    world.act("dora", case, correct("eva")).await?;
    assert!(!sees(&world, "carl", case).await && !sees(&world, "eva", case).await, "both are complained about");
    // Nor does what is said of one of two merged cases undo what is known from the other.
    let other = case_of(&world, "k2", with(complaint(), json!({ "reporter": { "phone": "13711111111" } }))).await?;
    world.act("dora", other, CaseAct::Merge { into: case, reason: "同一件事".into() }).await?;
    world.act("dora", case, correct("")).await?;
    assert!(!sees(&world, "eva", case).await, "the merged case keeps her out");
    Ok(())
}
