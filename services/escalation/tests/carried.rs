//! Cases that are attached to a master: what they owe ends, nobody is told of them, and what is detached owes again what it owed.

mod world;

use duban_contracts::NewEvent;
use serde_json::json;
use uuid::Uuid;
use world::{Case, World, alerts, duties, hours, minutes, settled, states, told};

fn attached(case: &Case, version: i64, at: i64) -> NewEvent {
    let master = Uuid::from_u128(7);
    case.event_with("attached", version, minutes(at), json!({ "carried_by": master, "other": master }))
}

fn detached(case: &Case, version: i64, at: i64, happened: &[&str]) -> NewEvent {
    case.event_with("detached", version, minutes(at), json!({ "happened": happened, "other": Uuid::from_u128(7) }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_attached_owes_nothing_and_is_never_overdue() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let cases: Vec<Case> = (0..200).map(|_| Case::new()).collect();
    let registered: Vec<NewEvent> = cases.iter().map(|case| case.event("registered", 1, minutes(0))).collect();
    world.tell_and_wait(&copy, &registered).await?;
    let carried: Vec<NewEvent> = cases.iter().map(|case| attached(case, 2, 30)).collect();
    world.tell_and_wait(&copy, &carried).await?;
    let open: i64 = sqlx::query_scalar("select count(*) from duty where open").fetch_one(copy.db.pool()).await?;
    assert_eq!(open, 0);
    let carrier = json!({ "carried_by": Uuid::from_u128(7) });
    // What is told of it meanwhile opens nothing: not its answer, nor another severity, nor its close, nor its being taken up again.
    let mut later = Vec::new();
    for case in &cases {
        later.push(case.event_with("answered", 3, minutes(40), carrier.clone()));
        later.push(case.event_with("reopened", 4, minutes(41), carrier.clone()));
        later.push(case.event_with("closed", 5, minutes(50), carrier.clone()));
    }
    world.tell_and_wait(&copy, &later).await?;
    world.step_to(hours(24 * 9)).await?;
    settled(&copy).await?;
    for case in &cases {
        let states: Vec<String> = duties(&copy, case).await?.into_iter().map(|duty| duty.state).collect();
        assert_eq!(states, ["cancelled", "cancelled"], "carried, and neither done nor late");
        assert!(alerts(&copy, case).await?.is_empty());
    }
    let duty = duties(&copy, &cases[0]).await?.remove(0);
    assert_eq!(told(&copy, &format!("duty/{}", duty.id)).await?, ["duty.opened", "duty.cancelled"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_detached_owes_again_what_it_owed_with_the_whole_time_for_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (open, answered) = (Case::new(), Case::new());
    world.tell_and_wait(&copy, &[open.event("registered", 1, minutes(0)), answered.event("registered", 1, minutes(0))]).await?;
    world.tell_and_wait(&copy, &[answered.event("answered", 2, minutes(10))]).await?;
    world.tell_and_wait(&copy, &[attached(&open, 2, 30), attached(&answered, 3, 30)]).await?;
    let back = 60 * 24 * 3;
    world
        .tell_and_wait(&copy, &[detached(&open, 3, back, &["registered"]), detached(&answered, 4, back, &["registered", "answered"])])
        .await?;
    let seen = |case| {
        let copy = &copy;
        async move {
            let seen = duties(copy, case).await?.into_iter().map(|duty| (duty.rule, duty.state, duty.due));
            anyhow::Ok(seen.collect::<Vec<_>>())
        }
    };
    let row = |rule: &str, state: &str, due: i64| (rule.to_owned(), state.to_owned(), due);
    assert_eq!(
        seen(&open).await?,
        [
            row("answer", "cancelled", 24 * 60),
            row("answer", "pending", back + 24 * 60),
            row("finish", "cancelled", 7 * 24 * 60),
            row("finish", "pending", back + 7 * 24 * 60),
        ]
    );
    assert_eq!(
        seen(&answered).await?,
        [row("answer", "closed_in_time", 24 * 60), row("finish", "cancelled", 7 * 24 * 60), row("finish", "pending", back + 7 * 24 * 60)],
        "what it had done is not asked for again"
    );
    world.tell_and_wait(&copy, &[open.event("closed", 4, minutes(back + 60))]).await?;
    assert_eq!(states(&copy, &open, "finish").await?, ["cancelled", "closed_in_time"]);
    Ok(())
}

/// Attached, detached and attached again, each event in a batch of its own and in every order: it comes to the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_whatever_order_it_is_read_it_comes_to_the_same() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let life = |case: &Case| {
        vec![
            case.event("registered", 1, minutes(0)),
            attached(case, 2, 10),
            detached(case, 3, 20, &["registered"]),
            case.event("answered", 4, minutes(30)),
        ]
    };
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 1, 3], [1, 3, 0, 2], [2, 3, 1, 0], [0, 2, 3, 1], [1, 2, 0, 3]];
    for order in orders {
        let case = Case::new();
        let life = life(&case);
        for place in order {
            world.tell_and_wait(&copy, std::slice::from_ref(&life[place])).await?;
        }
        world.double(&life).await?;
        world.worked_off(&copy).await?;
        assert_eq!(states(&copy, &case, "answer").await?, ["cancelled", "closed_in_time"], "{order:?}");
        assert_eq!(states(&copy, &case, "finish").await?, ["cancelled", "pending"], "{order:?}");
    }
    Ok(())
}
