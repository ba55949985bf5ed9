//! What is due is raised once, in order, by whichever copy, to who is there, and never after its duty has been closed.

mod world;

use duban_contracts::alert::AlertShowRequest;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;
use world::{Case, ORGANISATION, World, alerts, at, duties, hours, minutes, raised, settled, states, told, told_counts, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duty_that_nobody_does_is_reminded_of_breached_and_climbs() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;

    world.step_to(hours(20)).await?;
    let reminder = raised(&copy, &case, 1).await?.remove(0);
    assert_eq!((reminder.rung, reminder.people, reminder.late), (-1, vec!["wang".to_owned()], false));
    world.step_to(hours(24)).await?;
    assert_eq!(raised(&copy, &case, 2).await?[1].rung, 1);
    world.step_to(hours(25)).await?;
    assert_eq!((raised(&copy, &case, 3).await?[2].rung, alerts(&copy, &case).await?[2].repetition), (1, 1));
    world.step_to(hours(26)).await?;
    let climbed = raised(&copy, &case, 4).await?;
    assert!(climbed.iter().any(|alert| alert.rung == 2 && alert.people == ["zhao"]), "{climbed:?}");
    world.step_to(hours(30)).await?;
    until("the top", async || Ok(alerts(&copy, &case).await?.iter().any(|alert| alert.rung == 3 && alert.people == ["qian", "sun"])))
        .await?;
    let duty = duties(&copy, &case).await?.remove(0);
    assert_eq!(told(&copy, &format!("duty/{}", duty.id)).await?, ["duty.opened", "duty.reminded", "duty.breached"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_raise_two_thousand_at_once_and_each_once() -> anyhow::Result<()> {
    const COUNT: usize = 2_000;
    let world = World::new().await?;
    let (one, _two) = (world.copy().await?, world.copy().await?);
    let cases: Vec<Case> = (0..COUNT).map(|_| Case::new()).collect();
    let events: Vec<_> = cases.iter().map(|case| case.event("registered", 1, minutes(0))).collect();
    for some in events.chunks(500) {
        world.tell(some).await?;
    }
    let open = "select count(*) from duty where open";
    until("opened", async || Ok(sqlx::query_scalar::<_, i64>(open).fetch_one(one.db.pool()).await? == 2 * COUNT as i64)).await?;

    world.step_to(hours(24)).await?;
    let began = std::time::Instant::now();
    settled(&one).await?;
    println!("{COUNT} breaches raised in {:?}", began.elapsed());
    let counts = told_counts(&one).await?;
    assert_eq!((counts.get("duty.breached"), counts.get("alert.raised")), (Some(&2_000), Some(&2_000)));
    let distinct: i64 =
        sqlx::query_scalar("select count(distinct (duty, rung)) from alert where rung = 1").fetch_one(one.db.pool()).await?;
    assert_eq!(distinct, 2_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn down_across_the_due_time_what_was_done_meanwhile_is_not_raised_and_what_was_not_is_raised_late() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = world.copy().await?;
    let (done, undone) = (Case::new(), Case::new());
    world.tell_and_wait(&first, &[done.event("registered", 1, minutes(0)), undone.event("registered", 1, minutes(0))]).await?;
    first.platform.stop().await;

    // Nobody is there while the answer is given and the due time and two rungs pass.
    world.tell(&[done.event("answered", 2, hours(3))]).await?;
    world.published().await?;
    // Written only: the copy that was stopped cannot confirm a step.
    world.ground.set_clock(&duban_local::ClockSetting::Stepped { start: hours(31).to_string() }).await?;
    let second = world.copy().await?;
    let late = raised(&second, &undone, 3).await?;
    settled(&second).await?;
    assert_eq!(late.iter().map(|alert| (alert.rung, alert.late)).collect::<Vec<_>>(), [(1, true), (2, true), (3, true)]);
    let raised_in_order: Vec<i32> =
        sqlx::query_scalar("select (body::jsonb ->> 'rung')::int from outbox where subject like '%alert.raised' order by seq")
            .fetch_all(second.db.pool())
            .await?;
    assert_eq!(raised_in_order, [1, 2, 3]);
    assert_eq!(alerts(&second, &done).await?, []);
    assert_eq!(states(&second, &done, "answer").await?, ["closed_in_time"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_races_a_rung_is_never_followed_by_an_alert() -> anyhow::Result<()> {
    const COUNT: usize = 300;
    let world = World::new().await?;
    let (one, _two) = (world.copy().await?, world.copy().await?);
    let cases: Vec<Case> = (0..COUNT).map(|_| Case::new()).collect();
    world.tell_and_wait(&one, &cases.iter().map(|case| case.event("registered", 1, minutes(0))).collect::<Vec<_>>()).await?;
    // All fall due while all are being closed, in small batches.
    let closing = async {
        for some in cases.chunks(10) {
            world.tell(&some.iter().map(|case| case.event("answered", 2, hours(24))).collect::<Vec<_>>()).await?;
        }
        anyhow::Ok(())
    };
    let (closed, stepped) = futures::join!(closing, world.step_to(hours(25)));
    closed?;
    stepped?;
    until("all closed", async || {
        let open: i64 = sqlx::query_scalar("select count(*) from duty where rule = 'answer' and open").fetch_one(one.db.pool()).await?;
        Ok(open == 0)
    })
    .await?;
    let open: i64 =
        sqlx::query_scalar("select count(*) from alert where state = 'open' and duty in (select id from duty where rule = 'answer')")
            .fetch_one(one.db.pool())
            .await?;
    assert_eq!(open, 0, "alerts outlive their duties' close");
    // In the order of their writing nothing is raised for a duty behind its close.
    let behind: i64 = sqlx::query_scalar(
        "select count(*) from outbox as raised join outbox as closed on closed.subject like '%.duty.closed'
         where raised.subject like '%.alert.raised' and raised.body::jsonb ->> 'duty' = closed.body::jsonb ->> 'duty' and raised.seq > closed.seq",
    )
    .fetch_one(one.db.pool())
    .await?;
    assert_eq!(behind, 0);
    println!("raised before the close won: {:?}", told_counts(&one).await?.get("alert.raised"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vacant_post_goes_to_its_deputy_then_up_with_the_reason() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    let (first, second) = (Case::new(), Case::new());
    world.tell_and_wait(&copy, &[first.event("registered", 1, minutes(0)), second.event("registered", 1, hours(10))]).await?;

    let without_clerk =
        ORGANISATION.replace("post.clerk = { holders = \"wang\", deputies = \"li\" }", "post.clerk = { deputies = \"li\" }");
    world.reorganise(&without_clerk, &[&copy]);
    world.step_to(hours(24)).await?;
    let alert = raised(&copy, &first, 1).await?.pop().unwrap();
    assert_eq!((alert.people, alert.how), (vec!["li".to_owned()], vec!["deputy".to_owned()]));

    let nobody = ORGANISATION.replace("post.clerk = { holders = \"wang\", deputies = \"li\" }", "post.clerk = {}");
    world.reorganise(&nobody, &[&copy]);
    world.step_to(hours(30)).await?;
    let alert = raised(&copy, &second, 1).await?.pop().unwrap();
    assert_eq!((alert.people, alert.how), (vec!["zhao".to_owned()], vec!["climbed".to_owned()]));
    let reason: Option<String> =
        sqlx::query_scalar("select recipients -> 0 ->> 'reason' from alert where id = $1").bind(alert.id).fetch_one(copy.db.pool()).await?;
    assert!(reason.is_some_and(|reason| !reason.is_empty()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_complained_about_is_passed_over() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    case.handler = Some("wang");
    case.excluded = vec!["wang", "zhao"];
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(27)).await?;
    let alerts = raised(&copy, &case, 2).await?;
    let told: BTreeSet<&str> = alerts.iter().flat_map(|alert| &alert.people).map(String::as_str).collect();
    // The clerk's deputy, and for the head the one above.
    assert_eq!(told, BTreeSet::from(["li", "qian"]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_is_to_be_sent_is_told_whether_it_still_stands() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(24)).await?;
    let alert = raised(&copy, &case, 1).await?.remove(0);
    let ask = async |alert: Uuid| -> anyhow::Result<String> {
        let shown: duban_contracts::alert::AlertEvent =
            world.notifications.bus.request("escalation", "alert.state", &AlertShowRequest { alert }).await?;
        Ok(shown.state)
    };
    assert_eq!(ask(alert.id).await?, "open");
    world.tell_and_wait(&copy, &[case.event("answered", 2, hours(24))]).await?;
    assert_eq!(ask(alert.id).await?, "closed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_nothing_is_raised_until_it_is_back() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.ground.nats()?.kill9().await;
    until("noticed", async || Ok(!copy.caught_up())).await?;
    world.ground.set_clock(&duban_local::ClockSetting::Stepped { start: hours(24).to_string() }).await?;
    // Nobody tells it of the step, but it looks at the clock's setting once a minute. Then it ticks at once, and twenty times a second.
    until("knows that it is due", async || Ok(copy.clock.now() >= hours(24))).await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(alerts(&copy, &case).await?, []);
    world.ground.nats()?.restart().await?;
    assert_eq!(raised(&copy, &case, 1).await?.last().map(|alert| alert.rung), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_handed_in_before_the_month_was_over_counts_whenever_it_is_read() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let handed_in = |unit: &'static str, time: &str| {
        let case = Case { unit, ..Case::new() };
        case.event_with("sorted", 1, at(time), json!({ "fields": { "period": "2026-03" } }))
    };
    world.tell_and_wait(&copy, &[handed_in("BR-1", "2026-03-30T01:00:00Z")]).await?;
    world.step_to(at("2026-04-02T01:00:00Z")).await?;
    let states = async || {
        let found: Vec<(String, String)> =
            sqlx::query_as("select unit, state from duty where rule = 'statistics' order by unit").fetch_all(copy.db.pool()).await?;
        anyhow::Ok(found.into_iter().map(|(unit, state)| format!("{unit} {state}")).collect::<Vec<_>>())
    };
    until("come round", async || Ok(states().await?.len() == 2)).await?;
    assert_eq!(states().await?, ["BR-1 closed_in_time", "BR-2 pending"]);
    let duty: Uuid =
        sqlx::query_scalar("select id from duty where rule = 'statistics' and unit = 'BR-1'").fetch_one(copy.db.pool()).await?;
    assert_eq!(told(&copy, &format!("duty/{duty}")).await?, ["duty.opened", "duty.closed"]);
    // Handed in before as well, and read after.
    world.tell_and_wait(&copy, &[handed_in("BR-2", "2026-03-31T09:00:00Z")]).await?;
    assert_eq!(states().await?, ["BR-1 closed_in_time", "BR-2 closed_in_time"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recurring_duties_open_once_for_each_month_and_who_owes_them_closes_them() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (one, _two) = (world.copy().await?, world.copy().await?);
    world.step_to(at("2026-04-02T01:00:00Z")).await?;
    let opened = "select count(*) from duty where rule = 'statistics' and not shadowed";
    until("opened", async || Ok(sqlx::query_scalar::<_, i64>(opened).fetch_one(one.db.pool()).await? >= 2)).await?;
    settled(&one).await?;
    let units: Vec<(String, String)> =
        sqlx::query_as("select unit, owed_by from duty where rule = 'statistics' order by unit").fetch_all(one.db.pool()).await?;
    assert_eq!(units, [("BR-1".to_owned(), "BR-1/head".to_owned()), ("BR-2".to_owned(), "BR-2/head".to_owned())]);

    let duty: Uuid = sqlx::query_scalar("select id from duty where rule = 'statistics' and unit = 'BR-1'").fetch_one(one.db.pool()).await?;
    let close = duban_contracts::duty::DutyCloseRequest { duty, note: "已报送".to_owned() };
    let refused = world.ask::<_, duban_contracts::duty::DutyEvent>("wu", "duty.close", &close).await.unwrap_err();
    assert_eq!(refused.status, 404);
    let may_close = async || {
        let why = duban_contracts::duty::WhyRequest { duty };
        anyhow::Ok(world.ask::<_, duban_contracts::duty::WhyAnswer>("zhao", "duty.why", &why).await?.may_close)
    };
    assert!(may_close().await?, "pages offer it to who owes it");
    let closed: duban_contracts::duty::DutyEvent = world.ask("zhao", "duty.close", &close).await?;
    assert_eq!(closed.state, "closed_in_time");
    assert!(!may_close().await?, "not twice");
    // What an event closes is not closed by hand.
    let case = Case::new();
    world.tell_and_wait(&one, &[case.event("registered", 1, at("2026-04-02T01:00:00Z"))]).await?;
    let close = duban_contracts::duty::DutyCloseRequest { duty: duties(&one, &case).await?[0].id, note: String::new() };
    assert_eq!(world.ask::<_, duban_contracts::duty::DutyEvent>("wang", "duty.close", &close).await.unwrap_err().code, "closed-by-event");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duty_that_cannot_be_read_holds_up_no_other() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let (spoilt, sound) = (Case::new(), Case::new());
    world.tell_and_wait(&copy, &[spoilt.event("registered", 1, minutes(0)), sound.event("registered", 1, minutes(5))]).await?;
    // As a mistake of another version might leave it. It is due first, and would be at every tick.
    sqlx::query("update duty set terms = '{}' where case_id = $1").bind(spoilt.id).execute(copy.db.pool()).await?;
    world.step_to(hours(25)).await?;
    let alert = raised(&copy, &sound, 1).await?.remove(0);
    assert_eq!(alert.people, ["wang"]);
    let waits = "select count(*) from duty where case_id = $1 and rule = 'answer' and next_at > $2";
    until("put off", async || {
        let put_off: i64 = sqlx::query_scalar(waits).bind(spoilt.id).bind(duban_platform::Ts(hours(25))).fetch_one(copy.db.pool()).await?;
        Ok(put_off == 1)
    })
    .await?;
    // Counted when it is written down.
    let figure = "duban_rows_put_off_total{sort=\"duty\",service=\"escalation\"} 1";
    until("it is counted", async || Ok(copy.metrics.text().contains(figure))).await?;
    let report = copy.health.report().await;
    assert_eq!((&report["ticks"], &report["own-events"]), (&Ok(()), &Ok(())));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_event_that_cannot_be_read_holds_up_no_other() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    sqlx::query(
        "insert into own_event (id, subject, time, about, version, policy, body)
         values (gen_random_uuid(), 'duban.escalation.v1.duty.breached', now(), 'duty/x', 1, 1, 'no JSON')",
    )
    .execute(copy.db.pool())
    .await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(24 * 7)).await?;
    // The breach of the duty to finish opens another, by way of own events.
    until("the breach is looked into", async || {
        let opened: i64 = sqlx::query_scalar("select count(*) from duty where rule = 'look_into_breach'").fetch_one(copy.db.pool()).await?;
        Ok(opened == 1)
    })
    .await?;
    until("the other is put off", async || {
        let left: Option<i32> =
            sqlx::query_scalar("select attempts from own_event where retry_at is not null").fetch_optional(copy.db.pool()).await?;
        Ok(left.is_some_and(|attempts| attempts >= 1))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_by_a_post_of_a_unit_that_is_kept_out() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let mut case = Case::new();
    case.excluded_units = vec!["BR-1"];
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(27)).await?;
    let alerts = raised(&copy, &case, 2).await?;
    let told: BTreeSet<&str> = alerts.iter().flat_map(|alert| &alert.people).map(String::as_str).collect();
    assert_eq!(told, BTreeSet::from(["qian"]), "{alerts:?}");
    // Nor does such a post let anybody take note of it.
    let request = duban_contracts::alert::AcknowledgeRequest { alert: alerts[0].id };
    let refused = world.ask::<_, duban_contracts::alert::Acknowledged>("zhao", "alert.acknowledge", &request).await.unwrap_err();
    assert_eq!(refused.status, 403);
    Ok(())
}
