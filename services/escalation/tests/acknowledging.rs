//! An acknowledgement stops the climb, once, by whom it may be given.

mod world;

use duban_contracts::Problem;
use duban_contracts::alert::{AcknowledgeRequest, Acknowledged, AlertEvent, AlertShowRequest};
use duban_contracts::claim::Asker;
use duban_contracts::duty::{WhyAnswer, WhyRequest};
use uuid::Uuid;
use world::{Case, Copy, Raised, World, alerts, duties, hours, minutes, raised, settled, told};

async fn press(world: &World, person: &str, alert: Uuid) -> Result<Acknowledged, Problem> {
    world.ask(person, "alert.acknowledge", &AcknowledgeRequest { alert }).await
}

/// A case whose answer is overdue: its first rung has been raised.
async fn overdue(world: &World, copy: &Copy) -> anyhow::Result<(Case, Raised)> {
    let case = Case::new();
    world.tell_and_wait(copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(24)).await?;
    let alert = raised(copy, &case, 1).await?.into_iter().find(|alert| alert.rung == 1).expect("the first rung");
    Ok((case, alert))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_the_climb_for_the_rungs_hold_and_then_it_goes_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (case, alert) = overdue(&world, &copy).await?;
    let answer = press(&world, "wang", alert.id).await?;
    assert_eq!((answer.state.as_str(), answer.quiet_until), ("acknowledged", Some(answer.quiet_until.unwrap())));

    // The second rung would have come at 26 hours; the first holds four.
    world.step_to(hours(27)).await?;
    settled(&copy).await?;
    assert!(alerts(&copy, &case).await?.iter().all(|alert| alert.rung < 2));
    world.step_to(hours(29)).await?;
    let climbed = raised(&copy, &case, 2).await?;
    assert!(climbed.iter().any(|alert| alert.rung == 2), "{climbed:?}");
    // On the duty it stands who was told, in the order of time, and who has acknowledged.
    let duty = duties(&copy, &case).await?.remove(0).id;
    let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty }).await?;
    let story: Vec<(&str, &str)> = why.told.iter().map(|entry| (entry.event.as_str(), entry.by.as_str())).collect();
    assert_eq!(story.iter().filter(|(event, by)| (*event, *by) == ("alert.acknowledged", "wang")).count(), 1, "{story:?}");
    assert!(story.iter().filter(|(event, _)| *event == "alert.raised").count() >= 2 && why.told_before == 0, "{story:?}");
    assert!(why.told.is_sorted_by_key(|entry| entry.at), "{:?}", why.told);
    assert_eq!(told(&copy, &format!("alert/{}", alert.id)).await?, ["alert.raised", "alert.acknowledged"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pressed_again_it_answers_the_same_and_does_nothing_more() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (_, alert) = overdue(&world, &copy).await?;
    let (request, link) = (Uuid::now_v7(), Uuid::now_v7());
    let by_link = Asker::Link { link, person: "wang".into(), act: "acknowledge".into(), on: alert.id };
    let ask = async || -> Result<Acknowledged, Problem> {
        world.ask_as(by_link.clone(), request, "alert.acknowledge", &AcknowledgeRequest { alert: alert.id }).await
    };
    let (first, twin) = futures::join!(ask(), ask());
    let first = first?;
    assert_eq!(first, twin?);
    assert_eq!(first, ask().await?);
    // By session too: another request, nothing new.
    assert_eq!(press(&world, "wang", alert.id).await?.state, "acknowledged");
    assert_eq!(told(&copy, &format!("alert/{}", alert.id)).await?, ["alert.raised", "alert.acknowledged"]);
    let by: Option<Uuid> =
        sqlx::query_scalar("select link from acknowledgement where alert = $1").bind(alert.id).fetch_one(copy.db.pool()).await?;
    assert_eq!(by, Some(link));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_was_told_his_deputies_and_who_decides_may() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (_, alert) = overdue(&world, &copy).await?;
    // A neighbour's head, and a deputy whose post is held.
    for stranger in ["wu", "li", "sun"] {
        assert_eq!(press(&world, stranger, alert.id).await.unwrap_err().status, 403, "{stranger}");
    }
    let elsewhere = Asker::Link { link: Uuid::now_v7(), person: "wang".into(), act: "acknowledge".into(), on: Uuid::now_v7() };
    let request = AcknowledgeRequest { alert: alert.id };
    let refused = world.ask_as::<_, Acknowledged>(elsewhere, Uuid::now_v7(), "alert.acknowledge", &request).await.unwrap_err();
    assert_eq!(refused.status, 403);
    // The head decides over the unit.
    assert_eq!(press(&world, "zhao", alert.id).await?.state, "acknowledged");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_are_asked_for_one_does_not_suffice() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (case, _) = overdue(&world, &copy).await?;
    world.step_to(hours(30)).await?;
    settled(&copy).await?;
    let top = alerts(&copy, &case).await?.into_iter().find(|alert| alert.rung == 3).expect("the top rung");
    assert_eq!(press(&world, "qian", top.id).await?.state, "open");
    // It goes on repeating.
    world.step_to(minutes(30 * 60 + 30)).await?;
    settled(&copy).await?;
    let again =
        alerts(&copy, &case).await?.into_iter().filter(|alert| alert.rung == 3).max_by_key(|alert| alert.repetition).expect("again");
    assert_eq!(again.repetition, 1);
    // The second answers for the whole rung, by whichever repetition.
    assert_eq!(press(&world, "sun", again.id).await?.state, "acknowledged");
    assert!(alerts(&copy, &case).await?.iter().filter(|alert| alert.rung == 3).all(|alert| alert.state == "acknowledged"));
    world.step_to(hours(38)).await?;
    settled(&copy).await?;
    assert_eq!(alerts(&copy, &case).await?.iter().filter(|alert| alert.rung == 3).count(), 2);
    world.step_to(hours(39)).await?;
    settled(&copy).await?;
    assert_eq!(alerts(&copy, &case).await?.iter().filter(|alert| alert.rung == 3).count(), 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_was_closed_meanwhile_answers_so_kindly() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (case, alert) = overdue(&world, &copy).await?;
    world.tell_and_wait(&copy, &[case.event("answered", 2, hours(24))]).await?;
    let answer = press(&world, "wang", alert.id).await?;
    assert_eq!((answer.state.as_str(), answer.quiet_until), ("closed", None));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_shown_as_settled_once_it_is_done() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (case, alert) = overdue(&world, &copy).await?;
    press(&world, "wang", alert.id).await?;
    let shown = async || world.ask::<_, AlertEvent>("wang", "alert.show", &AlertShowRequest { alert: alert.id }).await;
    assert_eq!(shown().await?.state, "acknowledged");
    world.tell_and_wait(&copy, &[case.event("answered", 2, hours(25))]).await?;
    assert_eq!(shown().await?.state, "closed");
    Ok(())
}
