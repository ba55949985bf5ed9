//! Who sees which duties and alerts: lists, counts, timelines and single answers alike.

mod world;

use duban_contracts::alert::{AlertEvent, AlertList, AlertListRequest, AlertShowRequest};
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::duty::{CaseDueAnswer, CaseDueRequest, DutyList, DutyListRequest, Timeline, TimelineRequest, WhyAnswer, WhyRequest};
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
    let timeline: Timeline = world.ask("zhao", "case.timeline", &TimelineRequest { case: against_zhao.id }).await?;
    assert_eq!((timeline.entries.len(), timeline.duties.len()), (0, 0));
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
    assert_eq!(world.ask::<_, DutyList>("zhao", "duty.list", &request).await?.total, 0);
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
    let file = DossierRequest { case: case.id, after: closed.id, from: None };
    let early = world.gateway.bus.request::<_, Dossier>("escalation", "case.dossier", &file).await.unwrap_err();
    assert_eq!((early.status, early.code.as_str()), (409, "not-yet"));
    world.tell_and_wait(&copy, &[closed]).await?;
    let dossier: Dossier = world.gateway.bus.request("escalation", "case.dossier", &file).await?;
    assert_eq!(dossier.content["duties"].as_array().map(Vec::len), Some(2));

    let timeline: Timeline = world.ask("qian", "case.timeline", &TimelineRequest { case: case.id }).await?;
    let events: Vec<&str> = timeline.entries.iter().map(|entry| entry.event.as_str()).collect();
    for wanted in ["duty.opened", "alert.raised", "duty.closed"] {
        assert!(events.contains(&wanted), "{events:?}");
    }
    assert!(timeline.entries.iter().all(|entry| entry.article.is_some()));
    Ok(())
}
