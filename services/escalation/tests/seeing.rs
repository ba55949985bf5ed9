//! Who sees which duties and alerts: lists, counts, timelines and single answers alike.

mod world;

use duban_contracts::alert::{AlertEvent, AlertList, AlertListRequest, AlertShowRequest};
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::claim::Asker;
use duban_contracts::duty::{CaseDueAnswer, CaseDueRequest, DutyList, DutyListRequest, Timeline, TimelineRequest, WhyAnswer, WhyRequest};
use uuid::Uuid;
use world::{Case, World, duties, hours, minutes, raised};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_counts_and_single_answers_obey_rights_and_keep_out_who_is_complained_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (mut against_zhao, mut elsewhere, plain) = (Case::new(), Case::new(), Case::new());
    against_zhao.excluded = vec!["zhao"];
    elsewhere.unit = "BR-2";
    let cases = [&against_zhao, &elsewhere, &plain];
    world.tell_and_wait(&copy, &cases.map(|case| case.event("registered", 1, minutes(0)))).await?;
    world.step_to(hours(24)).await?;
    for case in cases {
        raised(&copy, case, 1).await?;
    }
    let list = async |person: &str, state: &str| -> anyhow::Result<DutyList> {
        let request = DutyListRequest { state: Some(state.to_owned()), ..DutyListRequest::default() };
        Ok(world.ask(person, "duty.list", &request).await?)
    };
    // Two duties per case.
    for (person, seen) in [("qian", 6), ("zhao", 2), ("wang", 4), ("wu", 2), ("sun", 0)] {
        let found = list(person, "open").await?;
        assert_eq!((found.total, found.duties.len()), (seen, usize::try_from(seen)?), "{person}");
    }
    assert_eq!(list("wang", "mine").await?.total, 4);
    assert_eq!(list("qian", "mine").await?.total, 0);
    assert_eq!(list("qian", "breached").await?.total, 3);

    let alerts: AlertList = world.ask("wang", "alert.list", &AlertListRequest::default()).await?;
    assert_eq!((alerts.total, alerts.alerts.len()), (2, 2));
    let all: AlertList = world.ask("zhao", "alert.list", &AlertListRequest { all: true, ..AlertListRequest::default() }).await?;
    assert_eq!(all.total, 1);

    let hidden = duties(&copy, &against_zhao).await?.remove(0);
    let why = WhyRequest { duty: hidden.id };
    assert_eq!(world.ask::<_, WhyAnswer>("zhao", "duty.why", &why).await.unwrap_err().status, 404);
    let answer: WhyAnswer = world.ask("qian", "duty.why", &why).await?;
    assert!(answer.steps.len() >= 3 && !answer.next.is_empty(), "{answer:?}");

    let alert = world::alerts(&copy, &against_zhao).await?.remove(0);
    let show = AlertShowRequest { alert: alert.id };
    assert_eq!(world.ask::<_, AlertEvent>("zhao", "alert.show", &show).await.unwrap_err().status, 404);
    assert_eq!(world.ask::<_, AlertEvent>("wang", "alert.show", &show).await?.alert, alert.id);
    let timeline: Timeline = world.ask("zhao", "case.timeline", &TimelineRequest { case: against_zhao.id, after: None }).await?;
    assert_eq!((timeline.entries.len(), timeline.duties.len()), (0, 0));

    // What climbs to the manager is the clerk's to do all the same.
    world.step_to(hours(26)).await?;
    raised(&copy, &plain, 3).await?;
    let told: AlertList = world.ask("zhao", "alert.list", &AlertListRequest::default()).await?;
    let told: Vec<Uuid> = told.alerts.iter().map(|alert| alert.duty).collect();
    let his = list("zhao", "mine").await?;
    assert!(!told.is_empty() && his.duties.iter().all(|duty| !told.contains(&duty.duty)), "{told:?} {his:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_is_kept_out_sees_nothing_and_the_one_above_does() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    case.excluded_units = vec!["BR-1"];
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let request = DutyListRequest { case: Some(case.id), ..DutyListRequest::default() };
    // Neither by right over the unit nor by owing it.
    for person in ["zhao", "wang"] {
        assert_eq!(world.ask::<_, DutyList>(person, "duty.list", &request).await?.total, 0, "{person}");
        let why = WhyRequest { duty: duties(&copy, &case).await?[0].id };
        assert_eq!(world.ask::<_, WhyAnswer>(person, "duty.why", &why).await.unwrap_err().status, 404, "{person}");
    }
    assert_eq!(world.ask::<_, DutyList>("qian", "duty.list", &request).await?.total, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_one_another_without_gap_or_repetition() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let cases: Vec<Case> = (0..15).map(|_| Case::new()).collect();
    world.tell_and_wait(&copy, &cases.iter().map(|case| case.event("registered", 1, minutes(0))).collect::<Vec<_>>()).await?;
    let closed: Vec<_> = cases.iter().take(8).enumerate().map(|(nth, case)| case.event("answered", 2, minutes(nth as i64 / 2))).collect();
    world.tell_and_wait(&copy, &closed).await?;
    for (state, wanted) in [("open", 22), ("closed", 8)] {
        let mut seen = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let request = DutyListRequest { state: Some(state.to_owned()), after, limit: Some(4), ..DutyListRequest::default() };
            let page: DutyList = world.ask("qian", "duty.list", &request).await?;
            assert_eq!(page.total, wanted);
            for duty in &page.duties {
                assert!(seen.insert(duty.duty), "twice");
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(i64::try_from(seen.len())?, wanted, "{state}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cases_timeline_due_time_and_file_are_told() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let due = CaseDueRequest { cases: vec![case.id], number: Some(format!("SX-{}", case.id.simple())) };
    let answer: CaseDueAnswer = world.gateway.bus.request("escalation", "case.due", &due).await?;
    // Both duties end when the case is closed; the earlier one counts.
    assert_eq!((answer.due, answer.cases.get(&case.id)), (Some(hours(24)), Some(&hours(24))));

    world.step_to(hours(24)).await?;
    raised(&copy, &case, 1).await?;
    let closed = case.event("closed", 2, hours(24));
    let file = DossierRequest { case: case.id, after: closed.id, settled: false, alert: None, from: None };
    let early = world.archive.bus.request::<_, Dossier>("escalation", "case.dossier", &file).await.unwrap_err();
    assert_eq!((early.status, early.code.as_str()), (409, "not-yet"));
    world.tell_and_wait(&copy, &[closed]).await?;
    let dossier: Dossier = world.archive.bus.request("escalation", "case.dossier", &file).await?;
    assert_eq!(dossier.content["duties"].as_array().map(Vec::len), Some(2));

    let timeline: Timeline = world.ask("qian", "case.timeline", &TimelineRequest { case: case.id, after: None }).await?;
    let events: Vec<&str> = timeline.entries.iter().map(|entry| entry.event.as_str()).collect();
    for wanted in ["duty.opened", "alert.raised", "duty.closed"] {
        assert!(events.contains(&wanted), "{events:?}");
    }
    assert!(timeline.entries.iter().all(|entry| entry.article.is_some()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_added_by_name_sees_the_duties_until_he_is_taken_out_and_never_what_he_is_complained_about_in() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let request = DutyListRequest { case: Some(case.id), ..DutyListRequest::default() };
    let duty = WhyRequest { duty: duties(&copy, &case).await?[0].id };
    let sees = async || -> anyhow::Result<(i64, bool)> {
        let list: DutyList = world.ask("sun", "duty.list", &request).await?;
        Ok((list.total, world.ask::<_, WhyAnswer>("sun", "duty.why", &duty).await.is_ok()))
    };
    assert_eq!(sees().await?, (0, false));
    case.added = vec!["sun"];
    // With a duty that is opened after it.
    world.tell_and_wait(&copy, &[case.event("added", 2, minutes(1)), case.event("answered", 3, minutes(2))]).await?;
    world.tell_and_wait(&copy, &[case.event("reopened", 4, minutes(3))]).await?;
    assert_eq!(sees().await?, (3, true));
    case.excluded = vec!["sun"];
    world.tell_and_wait(&copy, &[case.event("corrected", 5, minutes(4))]).await?;
    assert_eq!(sees().await?, (0, false));
    (case.excluded, case.added) = (Vec::new(), Vec::new());
    world.tell_and_wait(&copy, &[case.event("removed", 6, minutes(5))]).await?;
    assert_eq!(sees().await?, (0, false));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_shows_its_alert_and_opens_nothing_else_that_its_person_may_see() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (case, other) = (Case::new(), Case::new());
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0)), other.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(24)).await?;
    let (alert, another) = (raised(&copy, &case, 1).await?.remove(0), raised(&copy, &other, 1).await?.remove(0));
    let link = Asker::Link { link: Uuid::now_v7(), person: "wang".into(), act: "show".into(), on: alert.id };
    let show = |alert| AlertShowRequest { alert };
    let shown: AlertEvent = world.ask_as(link.clone(), Uuid::now_v7(), "alert.show", &show(alert.id)).await?;
    assert_eq!(shown.alert, alert.id);
    let refused = world.ask_as::<_, AlertEvent>(link.clone(), Uuid::now_v7(), "alert.show", &show(another.id)).await.unwrap_err();
    assert_eq!(refused.status, 404);
    let refused = world.ask_as::<_, DutyList>(link.clone(), Uuid::now_v7(), "duty.list", &DutyListRequest::default()).await.unwrap_err();
    assert_eq!(refused.status, 401);
    let close = duban_contracts::duty::DutyCloseRequest { duty: duties(&copy, &case).await?[0].id, note: String::new() };
    let refused = world.ask_as::<_, duban_contracts::duty::DutyEvent>(link, Uuid::now_v7(), "duty.close", &close).await.unwrap_err();
    assert_eq!(refused.status, 401);
    Ok(())
}

/// Half an hour's repetitions over some weeks: several times what the broker takes in one message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_with_thousands_of_alerts_is_told_and_filed_whole() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    let closed = case.event("closed", 2, minutes(1));
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0)), closed.clone()]).await?;
    let duty = duties(&copy, &case).await?.remove(0);
    sqlx::query(
        "insert into alert (id, duty, run, rung, repetition, sort, until, urgent, recipients, late, state, due_at, raised_at, version)
         select gen_random_uuid(), $1, 1, 1, number, 'breach', 'any', false,
                jsonb_build_array(jsonb_build_object('person', 'wang', 'post', 'BR-1/clerk', 'unit', 'BR-1', 'how', 'direct')),
                false, 'closed', $2, $2 + number * interval '30 minutes', 1
         from generate_series(0, 2999) as number",
    )
    .bind(duty.id)
    .bind(duban_platform::Ts(hours(24)))
    .execute(copy.db.pool())
    .await?;

    let (mut filed, mut from, mut pages) = (Vec::new(), None, 0);
    loop {
        let request = DossierRequest { case: case.id, after: closed.id, settled: false, alert: None, from };
        let page: Dossier = world.archive.bus.request("escalation", "case.dossier", &request).await?;
        for part in page.content["duties"].as_array().into_iter().flatten() {
            filed.extend(part["alerts"].as_array().into_iter().flatten().map(|alert| alert["repetition"].as_i64()));
        }
        pages += 1;
        match page.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    assert!(pages > 2, "{pages}");
    assert_eq!(filed, (0..3_000).map(Some).collect::<Vec<_>>());

    let (mut raised, mut begun, mut after) = (0, 0, None);
    loop {
        let page: Timeline = world.ask("qian", "case.timeline", &TimelineRequest { case: case.id, after }).await?;
        raised += page.entries.iter().filter(|entry| entry.event == "alert.raised").count();
        begun += page.duties.len();
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!((raised, begun), (3_000, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_complained_about_is_told_to_services_and_not_to_everybody_who_sees_the_duty() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case { excluded: vec!["zhao"], ..Case::new() };
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(24)).await?;
    raised(&copy, &case, 1).await?;
    let list: DutyList = world.ask("qian", "duty.list", &DutyListRequest { case: Some(case.id), ..DutyListRequest::default() }).await?;
    assert!(!list.duties.is_empty() && list.duties.iter().all(|duty| duty.excluded_people.is_empty()));
    let all = AlertListRequest { all: true, ..AlertListRequest::default() };
    let alerts: AlertList = world.ask("qian", "alert.list", &all).await?;
    assert!(!alerts.alerts.is_empty() && alerts.alerts.iter().all(|alert| alert.excluded_people.is_empty()));
    let told: i64 = sqlx::query_scalar("select count(*) from outbox where body like '%zhao%'").fetch_one(copy.db.pool()).await?;
    assert!(told > 0, "the services must know whom to keep out");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_there_is_not_is_named_and_one_that_was_dissolved_keeps_its_duties() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    let mut dissolved = Case::new();
    dissolved.unit = "BR-2";
    world.tell_and_wait(&copy, &[dissolved.event("registered", 1, minutes(0))]).await?;
    world.reorganise(&world::ORGANISATION.replace("[unit.BR-2]", "[unit.BR-3]"), &[&copy]);
    let of = |unit: &str| DutyListRequest { unit: Some(unit.to_owned()), ..DutyListRequest::default() };
    let refused = world.ask::<_, DutyList>("qian", "duty.list", &of("XX")).await.expect_err("there is no such unit");
    let [fault] = refused.errors.as_slice() else { panic!("{refused}") };
    assert_eq!((refused.status, fault.field.as_str()), (422, "/unit"));
    assert_eq!((fault.wrong.as_str(), fault.wrong_zh.as_str()), ("there is no unit 'XX'", "没有单位“XX”"));
    assert_eq!((fault.expected.as_str(), fault.expected_zh.as_str()), ("the code of a unit of the directory", "请填写目录中的单位代码"));
    for (unit, count) in [("BR-2", 2), ("BR-3", 0), (" ", 2)] {
        assert_eq!(world.ask::<_, DutyList>("qian", "duty.list", &of(unit)).await?.total, count, "{unit}");
    }
    Ok(())
}
