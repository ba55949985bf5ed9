//! Who sees what: decided here, in lists, counts, single cases, exports and links alike.

use crate::world::{World, complaint, with};
use anyhow::Context;
use duban_contracts::Problem;
use duban_contracts::case::{
    CaseAct, CaseExport, CaseList, CaseListRequest, CaseShowRequest, ExportedCase, VisibleAnswer, VisibleRequest, WatchersAnswer,
};
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_intake::store;
use duban_intake::visibility::Sight;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

async fn all(world: &World, person: &str) -> Result<CaseList, Problem> {
    world.list(person, CaseListRequest::default()).await
}

/// What every way of looking tells a person of a case: all the same.
async fn sees(world: &World, person: &str, case: Uuid) -> anyhow::Result<bool> {
    let shown = world.show(person, case).await.is_ok();
    let listed = all(world, person).await?.cases.iter().any(|summary| summary.case == case);
    let visible: VisibleAnswer = world.ask(person, "case.visible", &VisibleRequest { cases: vec![case] }).await?;
    let timeline = world.ask::<_, Timeline>(person, "case.timeline", &TimelineRequest { case, after: None }).await.is_ok();
    anyhow::ensure!(
        shown == listed && listed == visible.visible.contains(&case) && shown == timeline,
        "ways of looking differ for {person}"
    );
    Ok(shown)
}

#[tokio::test]
async fn a_post_sees_its_units_and_nobody_elses() -> anyhow::Result<()> {
    let world = World::new().await?;
    let east = world.case_of(world.report("k1", complaint()).await?).await?;
    let west = world.case_of(world.report("k2", with(complaint(), json!({ "unit": "WEST" }))).await?).await?;
    for (person, expected) in
        [("eva", (true, false)), ("will", (false, true)), ("carl", (true, false)), ("dora", (true, true)), ("nora", (false, false))]
    {
        assert_eq!((sees(&world, person, east).await?, sees(&world, person, west).await?), expected, "{person}");
    }
    assert_eq!((all(&world, "eva").await?.total, all(&world, "dora").await?.total), (1, 2));
    let search = |person: &'static str| world.list(person, CaseListRequest { search: Some("西店".into()), ..Default::default() });
    assert_eq!((search("eva").await?.total, search("will").await?.total), (0, 1), "a search finds only what may be seen");
    assert_eq!(world.show("stranger", east).await.expect_err("unknown person").status, 404);
    Ok(())
}

#[tokio::test]
async fn personal_text_is_for_those_who_may_see_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = world.case_of(world.report("k1", with(complaint(), json!({ "fields": { "plate": "京A12345" } }))).await?).await?;
    world.act("eva", case, CaseAct::Note { text: "顾客很生气".into() }).await?;
    let (eva, carl) = (world.show("eva", case).await?, world.show("carl", case).await?);
    assert!(eva.report.is_some() && eva.summary.subject.is_some() && eva.fields.contains_key("plate"));
    assert!(carl.report.is_none() && carl.summary.subject.is_none() && !carl.fields.contains_key("plate"));
    assert_eq!(carl.summary.phone.as_deref(), Some("138****2345"));
    assert_eq!((eva.timeline[1].note.is_some(), carl.timeline[1].note.is_some()), (true, false));
    let listed = all(&world, "carl").await?;
    assert!(listed.cases[0].subject.is_none());
    Ok(())
}

#[tokio::test]
async fn a_person_complained_about_never_sees_it_whatever_post_he_holds() -> anyhow::Result<()> {
    let world = World::new().await?;
    let body = with(complaint(), json!({ "fields": { "about_person": "易华" } }));
    let case = world.case_of(world.report("k1", body).await?).await?;
    assert!(!sees(&world, "eva", case).await?);
    assert!(sees(&world, "carl", case).await?);
    assert_eq!(all(&world, "eva").await?.total, 0);
    assert_eq!(world.told(case, 1).await?[0].1.excluded_people, ["eva"]);
    // Not by name either.
    let assigned = world.act("dora", case, CaseAct::Assign { person: "eva".into() }).await.expect_err("about her");
    assert_eq!((assigned.status, assigned.code.as_str()), (409, "complained-about"));
    let added = world.act("dora", case, CaseAct::AddPerson { person: "eva".into(), reason: "看看".into() }).await;
    assert_eq!(added.expect_err("about her").code, "complained-about");

    // Also where the kind is unknown, so that no field of the report is declared; and after it was sorted.
    let body = with(complaint(), json!({ "kind": "吐槽", "fields": { "about_person": "易华" } }));
    let unsorted = world.case_of(world.report("k3", body).await?).await?;
    assert!(!sees(&world, "eva", unsorted).await?);
    let sorted =
        CaseAct::Correct { kind: Some("complaint".into()), unit: None, severity: None, about_person: None, reason: "是投诉".into() };
    world.act("dora", unsorted, sorted).await?;
    assert!(!sees(&world, "eva", unsorted).await?);

    // Named later: what she handled she sees no longer.
    let other = world.case_of(world.report("k2", complaint()).await?).await?;
    world.act("dora", other, CaseAct::Assign { person: "nora".into() }).await?;
    assert!(sees(&world, "nora", other).await?);
    let about =
        CaseAct::Correct { kind: None, unit: None, severity: None, about_person: Some("nora".into()), reason: "顾客指名".into() };
    world.act("dora", other, about).await?;
    assert!(!sees(&world, "nora", other).await?);
    assert_eq!(world.show("dora", other).await?.summary.handler, None);
    Ok(())
}

#[tokio::test]
async fn a_unit_complained_about_does_not_see_it_where_the_pack_says_so() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = world.case_of(world.report("k1", with(complaint(), json!({ "fields": { "about_unit": "EAST" } }))).await?).await?;
    assert!(!sees(&world, "eva", case).await? && !sees(&world, "carl", case).await?);
    assert!(sees(&world, "dora", case).await? && sees(&world, "audrey", case).await?, "above it");
    Ok(())
}

/// The pack of complaints says that it does not; that of inquiries says nothing.
#[tokio::test]
async fn a_unit_complained_about_sees_it_where_the_pack_says_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let body = |kind: &str| with(complaint(), json!({ "kind": kind, "fields": { "about_unit": "EAST" } }));
    let inquiry = world.case_of(world.report("k1", body("inquiry")).await?).await?;
    let complained = world.case_of(world.report("k2", body("complaint")).await?).await?;
    let shown = world.show("dora", inquiry).await?;
    assert_eq!((shown.summary.kind.as_str(), &shown.fields["about_unit"]), ("inquiry", &json!("EAST")));
    for person in ["eva", "carl"] {
        assert!(sees(&world, person, inquiry).await?, "{person}");
        assert!(!sees(&world, person, complained).await?, "{person}");
    }
    assert!(!sees(&world, "will", inquiry).await?);
    Ok(())
}

#[tokio::test]
async fn who_is_added_by_name_sees_it_until_removed_and_the_reporter_sees_his_own() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = world.case_of(world.report("k1", complaint()).await?).await?;
    assert!(!sees(&world, "will", case).await?);
    world.act("eva", case, CaseAct::AddPerson { person: "will".into(), reason: "类似情况".into() }).await?;
    assert!(sees(&world, "will", case).await?);
    assert!(world.show("will", case).await?.report.is_none(), "seeing is not reading what was said");
    assert_eq!(world.show("eva", case).await?.people_added, ["will"]);
    world.act("eva", case, CaseAct::RemovePerson { person: "will".into(), reason: "已了解".into() }).await?;
    assert!(!sees(&world, "will", case).await?);

    let own = with(complaint(), json!({ "unit": "WEST", "reporter": { "name": "倪娜", "phone": "139 0000 0002" } }));
    let own = world.case_of(world.report("k2", own).await?).await?;
    assert!(sees(&world, "nora", own).await?);
    assert!(!sees(&world, "nora", case).await?);
    Ok(())
}

#[tokio::test]
async fn a_page_answers_who_can_see_a_case_and_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = world.case_of(world.report("k1", complaint()).await?).await?;
    world.act("eva", case, CaseAct::Assign { person: "nora".into() }).await?;
    let asked = CaseShowRequest { case: Some(case), number: None };
    let answer: WatchersAnswer = world.ask("eva", "case.watchers", &asked).await?;
    let people: Vec<(&str, bool)> = answer.watchers.iter().map(|w| (w.person.as_str(), w.personal_text)).collect();
    assert_eq!(people, [("audrey", false), ("carl", false), ("dora", true), ("eva", true), ("nora", true)]);
    let nora = answer.watchers.iter().find(|w| w.person == "nora").expect("nora");
    assert_eq!((nora.name.as_str(), nora.reason_zh.as_str()), ("倪娜", "承办人"));
    for watcher in &answer.watchers {
        assert!(sees(&world, &watcher.person, case).await?, "{} is said to see it", watcher.person);
    }
    let refused = world.ask::<_, WatchersAnswer>("will", "case.watchers", &asked).await.expect_err("not his");
    assert_eq!(refused.status, 404);
    Ok(())
}

#[tokio::test]
async fn only_the_right_to_export_lets_cases_out_and_it_is_kept_who_did() -> anyhow::Result<()> {
    let world = World::new().await?;
    for n in 0..3 {
        world.case_of(world.report(&format!("k{n}"), complaint()).await?).await?;
    }
    let asked = CaseListRequest { limit: Some(2), ..Default::default() };
    let refused = world.ask::<_, CaseExport>("eva", "case.export", &asked).await.expect_err("no right");
    assert_eq!(refused.status, 403);
    let first: CaseExport = world.ask("dora", "case.export", &asked).await?;
    assert_eq!(first.cases.len(), 2);
    assert!(first.cases[0].report.is_some());
    let rest: CaseExport = world.ask("dora", "case.export", &CaseListRequest { before: first.next, ..asked }).await?;
    assert_eq!((rest.cases.len(), rest.next), (1, None));
    assert_eq!(world.count("select sum(cases)::bigint from exported where person = 'dora'").await?, 3);
    Ok(())
}

#[tokio::test]
async fn an_export_holds_what_its_exporter_may_see_and_no_more() -> anyhow::Result<()> {
    let world = World::new().await?;
    let sent = [
        ("EAST", json!({})),
        ("WEST", json!({ "plate": "京A12345" })),
        ("WEST", json!({ "about_person": "董丹" })),
        ("WEST", json!({ "about_person": "康凯" })),
        ("WEST", json!({ "about_unit": "WEST" })),
    ];
    let mut cases = Vec::new();
    for (n, (unit, fields)) in sent.into_iter().enumerate() {
        let body = with(complaint(), json!({ "unit": unit, "fields": fields }));
        cases.push(world.case_of(world.report(&format!("k{n}"), body).await?).await?);
    }
    let [east, west, about_dora, about_kay, about_west] = cases[..] else { anyhow::bail!("{cases:?}") };
    // By name he sees this one; to carry it out takes a post.
    world.act("dora", east, CaseAct::AddPerson { person: "kay".into(), reason: "类似情况".into() }).await?;
    let export = async |person: &str| {
        let answer: CaseExport = world.ask(person, "case.export", &CaseListRequest::default()).await?;
        anyhow::Ok(answer.cases)
    };
    let ids = |rows: &[ExportedCase]| rows.iter().map(|row| row.summary.case).collect::<BTreeSet<_>>();

    let all = export("dora").await?;
    assert_eq!(ids(&all), BTreeSet::from([east, west, about_kay, about_west]), "all but what is about her");
    let whole = all.iter().find(|row| row.summary.case == west).context("no row")?;
    assert!(whole.report.is_some() && whole.summary.subject.is_some() && whole.fields.contains_key("plate"));

    let own = export("kay").await?;
    assert_eq!(ids(&own), BTreeSet::from([west, about_dora]), "his unit, and nothing about him or it");
    for row in &own {
        assert!(sees(&world, "kay", row.summary.case).await?);
    }
    let texts = serde_json::to_string(&own)?;
    for personal in ["吹风机冒烟", "周先生", "12342345", "1234 2345", "京A12345", "董丹", "dora"] {
        assert!(!texts.contains(personal), "{personal} in {texts}");
    }
    assert!(own.iter().all(|row| row.report.is_none() && row.summary.subject.is_none()));
    assert_eq!(own[0].summary.phone.as_deref(), Some("138****2345"));
    assert_eq!(world.count("select sum(cases)::bigint from exported where person = 'kay'").await?, 2);
    Ok(())
}

#[tokio::test]
async fn the_rule_in_sql_is_the_rule_in_words() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut cases = Vec::new();
    for n in 0..24 {
        let fields = match n % 4 {
            0 => json!({}),
            1 => json!({ "about_person": "易华" }),
            2 => json!({ "about_unit": "EAST" }),
            _ => json!({ "about_unit": "GROUP", "about_person": "董丹" }),
        };
        let unit = ["EAST", "WEST", "GROUP", "NORTH"][(n / 4) % 4];
        let phone = ["13900000001", "13900000002", "13600000000"][n % 3];
        let body = with(complaint(), json!({ "unit": unit, "fields": fields, "reporter": { "phone": phone } }));
        cases.push(world.case_of(world.report(&format!("k{n}"), body).await?).await?);
    }
    world.act("dora", cases[0], CaseAct::Assign { person: "will".into() }).await?;
    world.act("dora", cases[1], CaseAct::AddPerson { person: "nora".into(), reason: "看".into() }).await?;
    let pool = world.platform().db.pool();
    let directory = world.platform().directory.current()?;
    let at = world.platform().clock.now();
    let rows = store::cases::by_ids(pool, &cases).await?;
    for person in ["dora", "audrey", "eva", "carl", "will", "nora", "stranger"] {
        let named = store::list::by_name(pool, person).await?;
        let sight = Sight::of(&directory, person, at, named);
        let mut by_sql = store::list::visible(pool, &sight, &cases).await?;
        let mut by_words: Vec<Uuid> = rows.iter().filter(|case| sight.sees(case)).map(|case| case.id).collect();
        by_sql.sort_unstable();
        by_words.sort_unstable();
        assert_eq!(by_sql, by_words, "{person}");
        assert_eq!(store::list::count(pool, &sight, &Default::default()).await? as usize, by_words.len(), "{person}");
    }
    Ok(())
}

#[tokio::test]
async fn who_decides_sees_what_he_decides_until_it_is_closed_whatever_becomes_of_his_post() -> anyhow::Result<()> {
    let world = World::new().await?;
    let decided = world.case_of(world.report("k1", complaint()).await?).await?;
    let other = world.case_of(world.report("k2", with(complaint(), json!({ "text": "另一件事" }))).await?).await?;
    world.step("eva", decided, "accept", json!({})).await?;
    assert!(sees(&world, "eva", decided).await? && sees(&world, "eva", other).await?);

    world.reorganise(2, &[("post.manager = \"eva\"", "post.manager = \"will\"")])?;
    assert!(!sees(&world, "eva", other).await?, "her post is gone");
    assert!(sees(&world, "eva", decided).await?);
    assert!(world.show("eva", decided).await?.report.is_none(), "seeing is not reading what was said");
    let (_, told) = world.told(decided, 2).await?.pop().expect("that it was accepted");
    assert_eq!(told.people_named, ["eva"], "others who guard what hangs on it are told");

    world.step("will", decided, "settle", json!({ "result": "已退款" })).await?;
    assert!(!sees(&world, "eva", decided).await?, "it is decided");
    assert!(sees(&world, "will", decided).await?, "by his post");
    let told = world.told(decided, 4).await?;
    let (name, last) = told.last().expect("that it was closed");
    assert_eq!((name.as_str(), last.people_named.as_slice()), ("case.closed", [].as_slice()));
    Ok(())
}

#[tokio::test]
async fn numbers_in_a_subject_are_masked_in_lists() -> anyhow::Result<()> {
    let world = World::new().await?;
    let subject = "机主13812342345，身份证110101199003078515，要求退货";
    let case = world.case_of(world.report("k1", with(complaint(), json!({ "subject": subject }))).await?).await?;
    let listed = all(&world, "eva").await?.cases.remove(0).subject.expect("she may read it");
    assert!(listed.starts_with("机主138****2345，身份证110") && listed.ends_with("8515，要求退货"), "{listed}");
    assert!(!listed.contains("13812342345") && !listed.contains("199003"), "{listed}");
    let whole = world.show("eva", case).await?.report.expect("she may read it").subject;
    assert_eq!(whole.as_deref(), Some(subject));
    Ok(())
}
