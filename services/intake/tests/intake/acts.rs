//! What people do to cases: once, in order, by right, and with the present state in view.

use crate::world::{World, complaint, with};
use duban_contracts::case::{Before, CaseAct, CaseActed};
use duban_contracts::report::Attachment;
use duban_contracts::{Problem, ids};
use serde_json::json;
use uuid::Uuid;

async fn one_case(world: &World) -> anyhow::Result<Uuid> {
    let receipt = world.report("k1", complaint()).await?;
    world.case_of(receipt).await
}

fn code(refused: Result<CaseActed, Problem>) -> (u16, String) {
    refused.map_or_else(|problem| (problem.status, problem.code), |acted| (200, acted.stage))
}

fn note(text: &str) -> CaseAct {
    CaseAct::Note { text: text.to_owned() }
}

#[tokio::test]
async fn a_case_goes_from_stage_to_stage_as_its_pack_says() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    world.step("eva", case, "accept", json!({})).await?;
    let closed = world.step("eva", case, "settle", json!({ "result": "已换货" })).await?;
    assert_eq!(closed.stage, "closed");
    let told = world.told(case, 4).await?;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["case.registered", "case.accepted", "case.settled", "case.closed"]);
    assert_eq!(told.iter().map(|(_, event)| event.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let step = told[1].1.step.clone().expect("which step");
    assert_eq!((step.name.as_str(), step.from.as_str(), step.to.as_str(), step.by.as_str()), ("accept", "registered", "accepted", "eva"));
    assert_eq!(step.article.as_deref(), Some("2"));
    assert_eq!(told[3].1.outcome.as_deref(), Some("settled"));
    world.step("eva", case, "reopen", json!({})).await?;
    let told: Vec<String> = world.told(case, 6).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(told[4..], ["case.taken_up_again", "case.reopened"]);
    Ok(())
}

#[tokio::test]
async fn a_move_that_is_refused_says_why_and_changes_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    assert_eq!(code(world.step("eva", case, "settle", json!({})).await), (409, "wrong-stage".into()));
    assert_eq!(code(world.step("eva", case, "dance", json!({})).await), (409, "unknown-step".into()));
    assert_eq!(code(world.step("carl", case, "accept", json!({})).await), (403, "forbidden".into()));
    assert_eq!(code(world.step("will", case, "accept", json!({})).await), (404, "not-found".into()), "he does not see it at all");
    world.step("eva", case, "accept", json!({})).await?;
    let refused = world.step("eva", case, "settle", json!({})).await.expect_err("the result is missing");
    assert_eq!((refused.status, refused.code.as_str(), refused.errors[0].field.as_str()), (422, "missing-fields", "/fields/result"));
    assert!(!refused.title_zh.is_empty());
    world.step("eva", case, "check", json!({ "amount": 120 })).await?;
    assert_eq!(code(world.step("eva", case, "check", json!({})).await), (409, "done-already".into()));
    assert_eq!(world.told(case, 3).await?.len(), 3);
    assert_eq!(world.count("select count(*) from outbox").await?, 3, "and no more is to be told");
    Ok(())
}

#[tokio::test]
async fn an_act_asked_for_twice_is_done_once() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let case = one_case(&world).await?;
    let request = ids::fresh();
    let again = || world.act_as("eva", case, note("打过电话"), request, 1);
    let (a, b, c, d) = tokio::join!(again(), again(), again(), again());
    let answers: Vec<CaseActed> = [a, b, c, d].into_iter().collect::<Result<_, _>>()?;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.version == 2));
    assert_eq!(world.act_as("eva", case, note("打过电话"), request, 1).await?, answers[0], "also long after");
    let other = world.act_as("eva", case, note("别的话"), request, 1).await.expect_err("another body");
    assert_eq!(other.status, 422);
    assert_eq!(world.show("eva", case).await?.timeline.len(), 2);
    Ok(())
}

#[tokio::test]
async fn of_two_who_act_on_the_same_state_one_is_shown_the_new_one() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    let accept = CaseAct::Step { name: "accept".into(), fields: Default::default(), note: None };
    let (a, b) = tokio::join!(
        world.act_as("eva", case, accept.clone(), ids::fresh(), 1),
        world.act_as("eva", case, accept.clone(), ids::fresh(), 1)
    );
    let conflict = [a, b].into_iter().find_map(Result::err).expect("one is too late");
    assert_eq!((conflict.status, conflict.code.as_str()), (409, "version-conflict"));
    assert_eq!(conflict.present.as_ref().and_then(|present| present["stage"].as_str()), Some("accepted"));
    Ok(())
}

#[tokio::test]
async fn a_person_sees_and_handles_what_is_assigned_to_him() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    assert_eq!(world.show("nora", case).await.expect_err("not hers").status, 404);
    world.act("eva", case, CaseAct::Assign { person: "nora".into() }).await?;
    let shown = world.show("nora", case).await?;
    assert_eq!(shown.summary.handler.as_deref(), Some("nora"));
    assert!(shown.report.is_some(), "who handles it must know what it is about");
    world.act("nora", case, note("已联系顾客")).await?;
    world.act("nora", case, CaseAct::Answer { text: "已答复".into(), by: "phone".into() }).await?;
    let recording = Attachment { name: "录音".into(), reference: "rec-1".into(), media_type: None };
    world.act("nora", case, CaseAct::Refer { attachment: recording }).await?;
    assert_eq!(code(world.act("eva", case, CaseAct::Assign { person: "nobody".into() }).await), (422, "invalid".into()));
    world.act("eva", case, CaseAct::Assign { person: "carl".into() }).await?;
    assert_eq!(world.show("nora", case).await.expect_err("no longer hers").status, 404);
    let names: Vec<String> = world.told(case, 6).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[1..], ["case.assigned", "case.noted", "case.answered", "case.referred", "case.assigned"]);
    Ok(())
}

#[tokio::test]
async fn an_unsorted_case_is_sorted_by_whoever_takes_in_and_then_recognised() -> anyhow::Result<()> {
    let world = World::new().await?;
    let known = one_case(&world).await?;
    let body = with(complaint(), json!({ "kind": "吐槽", "fields": { "demand": "return" } }));
    let case = world.case_of(world.report("k2", body).await?).await?;
    let sort = |kind: &str| CaseAct::Correct {
        kind: Some(kind.to_owned()),
        unit: None,
        severity: None,
        about_person: None,
        reason: "是投诉".into(),
    };
    assert_eq!(code(world.act("eva", case, sort("complaint")).await), (403, "forbidden".into()));
    assert_eq!(code(world.act("dora", case, sort("nothing")).await), (422, "invalid".into()));
    world.act("dora", case, sort("投诉")).await?;
    let shown = world.show("dora", case).await?;
    assert_eq!((shown.summary.kind.as_str(), shown.summary.stage.as_str(), shown.summary.unsorted), ("complaint", "registered", false));
    assert_eq!((shown.summary.severity.as_str(), shown.summary.repeats), ("major", 1));
    assert_eq!(shown.links[0].other, known);
    let names: Vec<String> = world.told(case, 5).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["case.registered", "case.linked", "case.corrected", "case.sorted", "case.classified"]);
    Ok(())
}

#[tokio::test]
async fn a_sorted_case_whose_kind_is_put_right_tells_what_it_was_taken_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    let kind = |kind: &str| CaseAct::Correct {
        kind: Some(kind.to_owned()),
        unit: None,
        severity: None,
        about_person: None,
        reason: "只是咨询".into(),
    };
    world.act("dora", case, kind("inquiry")).await?;
    let told = world.told(case, 4).await?;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["case.registered", "case.corrected", "case.sorted", "case.classified"]);
    let kind_of = |before: &Before| (before.pack.clone(), before.kind.clone(), before.severity.clone());
    let before: Vec<_> = told.iter().map(|(_, event)| event.before.as_ref().map(kind_of)).collect();
    let was = Some(("shop".to_owned(), "complaint".to_owned(), "ordinary".to_owned()));
    assert_eq!(before, [None, None, was.clone(), was], "ended by the event that opens what takes its place");
    assert!(told[1..].iter().all(|(_, event)| event.kind == "inquiry"));
    // Nothing is put right by calling it unsorted.
    assert_eq!(code(world.act("dora", case, kind("unsorted")).await), (422, "invalid".into()));

    // Of a closed case nothing is opened: what is told ends what was of the old kind, and no more.
    world.step("eva", case, "reply", json!({})).await?;
    world.act("dora", case, kind("complaint")).await?;
    let told = world.told(case, 7).await?;
    let (name, last) = told.last().expect("events");
    assert_eq!((name.as_str(), last.before.as_ref().map(|before| before.kind.as_str())), ("case.corrected", Some("inquiry")));
    // It stands where one of its kind stands at its end, and can be taken up again; from then on it owes what it is.
    assert_eq!(world.show("dora", case).await?.summary.stage, "closed");
    world.step("eva", case, "reopen", json!({})).await?;
    let told = world.told(case, 11).await?;
    let names: Vec<&str> = told[7..].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["case.taken_up_again", "case.reopened", "case.sorted", "case.classified"]);
    assert_eq!(told[9].1.before.as_ref().map(|before| before.kind.as_str()), Some("inquiry"));
    Ok(())
}

#[tokio::test]
async fn what_people_put_in_and_put_right_stands_on_the_timeline_with_who_and_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    let correct = |kind: Option<&str>, unit: Option<&str>, reason: &str| CaseAct::Correct {
        kind: kind.map(str::to_owned),
        unit: unit.map(str::to_owned),
        severity: None,
        about_person: None,
        reason: reason.to_owned(),
    };
    world.act("eva", case, note("已打过电话，无人接听")).await?;
    world.act("eva", case, CaseAct::Answer { text: "一周内换货".into(), by: "phone".into() }).await?;
    let recording = Attachment { name: "回访录音".into(), reference: "rec/2026/17".into(), media_type: None };
    world.act("eva", case, CaseAct::Refer { attachment: recording }).await?;
    // Without a reason nothing is put right.
    let refused = world.act("dora", case, correct(None, Some("WEST"), " ")).await.expect_err("why?");
    assert_eq!((refused.status, refused.errors[0].field.as_str()), (422, "/reason"));
    world.act("dora", case, correct(None, Some("WEST"), "顾客说的是西店")).await?;
    world.act("dora", case, correct(Some("咨询"), None, "只是问保修期")).await?;

    // Where it was before is told, so that its duties count by the hours and figures of where it is.
    let moved = world.told(case, 6).await?.into_iter().find(|(event, _)| event == "case.corrected").map(|(_, told)| told);
    let before = moved.and_then(|told| told.before).map(|before| (before.unit, before.kind));
    assert_eq!(before, Some(("EAST".to_owned(), "complaint".to_owned())));

    let shown = world.show("dora", case).await?;
    let story: Vec<(&str, &str, &str, Option<&str>)> = shown.timeline[1..]
        .iter()
        .map(|entry| (entry.event.as_str(), entry.by.as_str(), entry.text_zh.as_str(), entry.note.as_deref()))
        .take(5)
        .collect();
    assert_eq!(
        story,
        [
            ("case.noted", "eva", "添加了备注", Some("已打过电话，无人接听")),
            ("case.answered", "eva", "已答复投诉人（phone）", Some("一周内换货")),
            ("case.referred", "eva", "添加了资料引用", Some("回访录音: rec/2026/17")),
            ("case.corrected", "dora", "单位由东店更正为西店", Some("顾客说的是西店")),
            ("case.corrected", "dora", "事项类别更正为咨询", Some("只是问保修期")),
        ]
    );
    assert_eq!((shown.summary.unit.as_str(), shown.summary.kind.as_str()), ("WEST", "inquiry"));
    // Whoever may not see what people said sees that something was done, and by whom.
    let hidden = world.show("audrey", case).await?.timeline;
    assert_eq!(hidden.len(), shown.timeline.len());
    assert!(hidden.iter().all(|entry| entry.note.is_none()) && hidden[1].by == "eva");
    Ok(())
}

#[tokio::test]
async fn a_severity_follows_the_fields_until_a_person_sets_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    world.step("eva", case, "check", json!({ "demand": "return" })).await?;
    let summary = world.show("eva", case).await?.summary;
    assert_eq!(summary.severity, "major");
    assert_eq!(
        (summary.severity_title.as_deref(), summary.severity_title_zh.as_deref()),
        (Some("Major"), Some("重大")),
        "by its pack's name"
    );
    let set =
        CaseAct::Correct { kind: None, unit: None, severity: Some("ordinary".into()), about_person: None, reason: "影响很小".into() };
    world.act("dora", case, set).await?;
    world.step("eva", case, "accept", json!({})).await?;
    assert_eq!(world.show("eva", case).await?.summary.severity, "ordinary");
    let names: Vec<String> = world.told(case, 6).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[1..], ["case.identity_checked", "case.classified", "case.corrected", "case.classified", "case.accepted"]);
    Ok(())
}

#[tokio::test]
async fn linked_cases_can_be_parted_and_others_merged() -> anyhow::Result<()> {
    let world = World::new().await?;
    let one = one_case(&world).await?;
    let two = world.case_of(world.report("k2", complaint()).await?).await?;
    assert_eq!(world.show("eva", two).await?.summary.repeats, 1);
    world.act("eva", two, CaseAct::Unlink { other: one, reason: "两件事".into() }).await?;
    let shown = world.show("eva", two).await?;
    assert_eq!((shown.links.len(), shown.summary.repeats), (0, 0));
    assert_eq!(code(world.act("eva", two, CaseAct::Unlink { other: one, reason: "再来".into() }).await), (409, "not-linked".into()));

    world.act("eva", two, CaseAct::Merge { into: one, reason: "还是一件事".into() }).await?;
    let merged = world.show("eva", two).await?;
    assert!(merged.summary.closed && merged.steps.is_empty());
    assert_eq!(merged.links[0].sort, "merged_into");
    assert_eq!(world.show("eva", one).await?.links[0].sort, "merged");
    assert_eq!(code(world.step("eva", two, "accept", json!({})).await), (409, "merged-already".into()));
    assert_eq!(code(world.act("eva", one, CaseAct::Merge { into: two, reason: "反过来".into() }).await), (409, "merged-already".into()));
    let names: Vec<String> = world.told(two, 5).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[2..], ["case.unlinked", "case.merged", "case.closed"]);
    let there: Vec<String> = world.told(one, 3).await?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(there[1..], ["case.unlinked", "case.linked"], "the other goes on");
    Ok(())
}

#[tokio::test]
async fn what_is_no_repetition_after_all_is_no_longer_grave_for_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    one_case(&world).await?;
    let second = world.case_of(world.report("k2", complaint()).await?).await?;
    let third = world.case_of(world.report("k3", complaint()).await?).await?;
    assert_eq!(world.show("eva", third).await?.summary.severity, "major", "the third of one matter");
    // Also from the other's page.
    world.act("eva", second, CaseAct::Unlink { other: third, reason: "另一件事".into() }).await?;
    let summary = world.show("eva", third).await?.summary;
    assert_eq!((summary.severity.as_str(), summary.repeats), ("ordinary", 1));
    let told = world.told(third, 4).await?;
    let (name, last) = told.last().expect("events");
    assert_eq!((name.as_str(), last.before.as_ref().map(|before| before.severity.as_str())), ("case.classified", Some("major")));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_kept_holds_nothing_personal() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = one_case(&world).await?;
    world.act("eva", case, note("顾客住在长安街一号")).await?;
    for table in ["kept_answer", "timeline", "outbox"] {
        assert!(!world.lies_open(table, "长安街").await?, "{table}");
    }
    assert_eq!(world.show("eva", case).await?.timeline[1].note.as_deref(), Some("顾客住在长安街一号"));
    Ok(())
}
