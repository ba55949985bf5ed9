//! What events open and close, in whatever order and however often they come.

mod world;

use anyhow::Context;
use duban_contracts::NewEvent;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::duty::{DutyCloseRequest, DutyEvent, WhyAnswer, WhyRequest};
use serde_json::json;
use world::{Case, Seen, World, duties, hours, minutes, raised, settled, states, told, told_counts, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_case_opens_its_duties_and_its_close_ends_them() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let open = duties(&copy, &case).await?;
    let short: Vec<_> = open.iter().map(|duty| (duty.rule.as_str(), duty.state.as_str(), duty.due)).collect();
    assert_eq!(short, [("answer", "pending", 24 * 60), ("finish", "pending", 7 * 24 * 60)]);

    world.tell_and_wait(&copy, &[case.event("answered", 2, minutes(30)), case.event("closed", 3, minutes(60))]).await?;
    let ended: Vec<_> = duties(&copy, &case).await?.into_iter().map(|duty| (duty.state, duty.closed)).collect();
    assert_eq!(ended, [("closed_in_time".to_owned(), Some(30)), ("closed_in_time".to_owned(), Some(60))]);
    assert_eq!(told(&copy, &format!("duty/{}", open[0].id)).await?, ["duty.opened", "duty.closed"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closes_before_opens_doubled_and_out_of_order_come_to_the_same() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let life = |case: &Case| -> Vec<NewEvent> {
        vec![
            case.event("registered", 1, minutes(0)),
            case.event("answered", 2, minutes(10)),
            case.event("closed", 3, minutes(20)),
            case.event("reopened", 4, minutes(30)),
            case.event("answered", 5, minutes(40)),
        ]
    };
    let cases: Vec<Case> = (0..24).map(|_| Case::new()).collect();
    // Each case's life in another order; each in batches of its own, so that nothing is put right within a batch.
    let mut order: Vec<usize> = (0..5).collect();
    for (nth, case) in cases.iter().enumerate() {
        order.rotate_left(1 + nth % 3);
        order.swap(nth % 5, (nth * 2 + 1) % 5);
        let life = life(case);
        for place in &order {
            world.tell_and_wait(&copy, std::slice::from_ref(&life[*place])).await?;
        }
        world.double(&life).await?;
    }
    world.worked_off(&copy).await?;
    for case in &cases {
        let answers: Vec<_> =
            duties(&copy, case).await?.into_iter().filter(|duty| duty.rule == "answer").map(|duty| (duty.state, duty.closed)).collect();
        let in_time = "closed_in_time".to_owned();
        assert_eq!(answers, [(in_time.clone(), Some(10)), (in_time, Some(40))]);
        assert_eq!(states(&copy, case, "finish").await?, ["closed_in_time", "pending"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opens_and_closes_handled_at_once_by_two_copies_find_each_other() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (one, _two) = (world.copy().await?, world.copy().await?);
    let cases: Vec<Case> = (0..400).map(|_| Case::new()).collect();
    let mut events = Vec::new();
    for case in &cases {
        // Neighbours in the stream: now and then in two batches at once.
        events.push(case.event("closed", 2, minutes(5)));
        events.push(case.event("registered", 1, minutes(0)));
    }
    for some in events.chunks(37) {
        world.tell(some).await?;
    }
    until("all ended", async || {
        let ended: i64 = sqlx::query_scalar("select count(*) from duty where state = 'closed_in_time'").fetch_one(one.db.pool()).await?;
        Ok(ended == 800)
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_that_is_opened_again_stands_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.tell_and_wait(&copy, &[case.event("reopened", 3, minutes(20))]).await?;
    assert_eq!(states(&copy, &case, "answer").await?, ["pending"]);
    // The close that lay between is read late: then it was a reopening indeed.
    world.tell_and_wait(&copy, &[case.event("closed", 2, minutes(10))]).await?;
    assert_eq!(states(&copy, &case, "answer").await?, ["closed_in_time", "pending"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breach_that_a_late_read_close_disproves_is_withdrawn() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(25)).await?;
    raised(&copy, &case, 1).await?;
    assert_eq!(states(&copy, &case, "answer").await?, ["breached"]);

    world.tell_and_wait(&copy, &[case.event("answered", 2, hours(23))]).await?;
    assert_eq!(states(&copy, &case, "answer").await?, ["closed_in_time"]);
    let duty = duties(&copy, &case).await?.remove(0);
    assert_eq!(told(&copy, &format!("duty/{}", duty.id)).await?, ["duty.opened", "duty.breached", "duty.withdrawn", "duty.closed"]);
    for alert in world::alerts(&copy, &case).await? {
        assert_eq!(alert.state, "closed");
        assert_eq!(told(&copy, &format!("alert/{}", alert.id)).await?, ["alert.raised", "alert.closed"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_too_late_is_closed_late_and_what_fell_away_is_cancelled() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (late, gone) = (Case::new(), Case::new());
    world.tell_and_wait(&copy, &[late.event("registered", 1, minutes(0)), gone.event("registered", 1, minutes(0))]).await?;
    world.tell_and_wait(&copy, &[gone.event("merged", 2, hours(1))]).await?;
    world.step_to(hours(25)).await?;
    settled(&copy).await?;
    world.tell_and_wait(&copy, &[late.event("answered", 2, hours(25))]).await?;
    assert_eq!(states(&copy, &late, "answer").await?, ["closed_late"]);
    assert_eq!(states(&copy, &gone, "answer").await?, ["cancelled"]);
    assert_eq!(told_counts(&copy).await?.get("duty.breached"), Some(&1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duty_follows_its_case_to_another_unit_and_handler() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    case.unit = "BR-2";
    world.tell_and_wait(&copy, &[case.event("corrected", 2, minutes(5))]).await?;
    case.handler = Some("wu");
    world.tell_and_wait(&copy, &[case.event("assigned", 3, minutes(6))]).await?;
    world.step_to(hours(25)).await?;
    let alerts = raised(&copy, &case, 1).await?;
    assert_eq!(alerts[0].people, ["wu"]);
    let duty = duties(&copy, &case).await?.remove(0);
    assert_eq!(told(&copy, &format!("duty/{}", duty.id)).await?, ["duty.opened", "duty.moved", "duty.breached"]);
    Ok(())
}

/// Elsewhere other hours are worked: it counts from where it counted, in those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duty_of_a_case_put_right_to_another_unit_counts_in_that_units_calendar() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    let letter = json!({ "kind": "letter" });
    world.tell_and_wait(&copy, &[case.event_with("registered", 1, minutes(0), letter)]).await?;
    let reply = async |case: &Case| -> anyhow::Result<Seen> {
        duties(&copy, case).await?.into_iter().find(|duty| duty.rule == "reply").context("nobody owes the reply")
    };
    assert_eq!(reply(&case).await?.due, 48 * 60, "two days round the clock");
    let before = json!({ "pack": "desk", "kind": "letter", "severity": "ordinary", "unit": case.unit, "stage": "received" });
    case.unit = "BR-9";
    let moved = json!({ "kind": "letter", "before": before });
    world.tell_and_wait(&copy, &[case.event_with("corrected", 2, minutes(5), moved)]).await?;
    let there = reply(&case).await?;
    assert_eq!(there.due, 49 * 60, "from its opening at ten, the same time two working days on");
    assert!(told(&copy, &format!("duty/{}", there.id)).await?.contains(&"duty.retimed".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_events_open_and_close_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0)), case.event("answered", 2, minutes(1))]).await?;
    world.step_to(hours(7 * 24 + 1)).await?;
    until("looked into", async || Ok(states(&copy, &case, "look_into_breach").await? == ["pending"])).await?;
    world.tell_and_wait(&copy, &[case.event("closed", 3, hours(7 * 24 + 1))]).await?;
    until("ended", async || Ok(states(&copy, &case, "look_into_breach").await? == ["closed_in_time"])).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_put_right_ends_the_duties_of_the_old_one_alone_in_whatever_order_it_is_read() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let before = json!({ "pack": "desk", "kind": "errand", "severity": "ordinary", "unsorted": false });
    let life = |case: &Case| {
        [
            case.event_with("registered", 1, minutes(0), json!({ "kind": "errand" })),
            case.event("corrected", 2, minutes(10)),
            case.event_with("sorted", 3, minutes(10), json!({ "before": before })),
        ]
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let case = Case::new();
        let life = life(&case);
        for place in order {
            world.tell_and_wait(&copy, std::slice::from_ref(&life[place])).await?;
        }
        let seen: Vec<_> = duties(&copy, &case).await?.into_iter().map(|duty| (duty.rule, duty.state, duty.due)).collect();
        let wanted = [("answer", "pending", 24 * 60), ("finish", "pending", 7 * 24 * 60), ("run", "cancelled", 2 * 24 * 60)];
        assert_eq!(seen, wanted.map(|(rule, state, due)| (rule.to_owned(), state.to_owned(), due)), "{order:?}");
    }
    // The other way round: what the new kind owes is opened, what was done under the old one is not asked for again.
    let case = Case::new();
    let before = json!({ "pack": "desk", "kind": "matter", "severity": "ordinary", "unsorted": false });
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0)), case.event("answered", 2, minutes(5))]).await?;
    world.tell_and_wait(&copy, &[case.event_with("sorted", 3, minutes(10), json!({ "kind": "errand", "before": before }))]).await?;
    assert_eq!(states(&copy, &case, "answer").await?, ["closed_in_time"]);
    assert_eq!(
        (states(&copy, &case, "finish").await?, states(&copy, &case, "run").await?),
        (vec!["pending".into()], vec!["pending".into()])
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duty_that_outlives_the_close_leaves_the_file_unsettled_until_it_ends() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    let errand = json!({ "kind": "errand" });
    let closed = case.event_with("closed", 2, minutes(60), errand.clone());
    world.tell_and_wait(&copy, &[case.event_with("registered", 1, minutes(0), errand.clone()), closed.clone()]).await?;
    let ask = async |settled: bool| {
        let request = DossierRequest { case: case.id, after: closed.id, settled, alert: None, from: None };
        world.archive.bus.request::<_, Dossier>("escalation", "case.dossier", &request).await
    };
    assert!(ask(false).await?.unsettled, "filed at the close, with what is still open");
    let waits = ask(true).await.unwrap_err();
    assert_eq!((waits.status, waits.code.as_str()), (409, "not-yet"));
    world.tell_and_wait(&copy, &[case.event_with("thanked", 3, minutes(90), errand)]).await?;
    let settled = ask(true).await?;
    assert!(!settled.unsettled);
    assert!(settled.content["duties"].as_array().is_some_and(|duties| duties.iter().all(|duty| duty["duty"]["state"] == "closed_in_time")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_cancels_what_nobody_can_do_any_longer_and_says_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(25)).await?;
    raised(&copy, &case, 1).await?;
    let duty = duties(&copy, &case).await?[0].id;
    let why = async |person: &str| world.ask::<_, WhyAnswer>(person, "duty.why", &WhyRequest { duty }).await;
    let (boss, clerk) = (why("qian").await?, why("wang").await?);
    assert_eq!(((boss.may_close, boss.may_cancel), (clerk.may_close, clerk.may_cancel)), ((false, true), (false, false)));
    let close = async |person: &str, note: &str| {
        let request = DutyCloseRequest { duty, note: note.to_owned() };
        world.ask::<_, DutyEvent>(person, "duty.close", &request).await
    };
    assert_eq!(close("wang", "不必了").await.unwrap_err().code, "closed-by-event");
    assert_eq!(close("zhao", "不必了").await.unwrap_err().status, 403, "a head who does not administer");
    let unsaid = close("qian", "  ").await.unwrap_err();
    assert_eq!((unsaid.status, unsaid.errors[0].field.as_str()), (422, "/note"));
    assert_eq!(states(&copy, &case, "answer").await?, ["breached"], "what is refused changes nothing");
    assert_eq!(close("qian", "门店已撤销").await?.state, "cancelled");
    assert_eq!(told(&copy, &format!("duty/{duty}")).await?, ["duty.opened", "duty.breached", "duty.cancelled"]);
    assert!(world::alerts(&copy, &case).await?.iter().all(|alert| alert.state == "closed"));
    assert!(!why("qian").await?.may_cancel, "not twice");
    Ok(())
}
