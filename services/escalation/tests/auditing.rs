//! Timers that were lost are found, raised once, counted and told; what is in order is left alone.

mod world;

use duban_contracts::alert::{AcknowledgeRequest, Acknowledged};
use duban_contracts::duty::{DutyAct, DutyActRequest, DutyEvent, WhyAnswer, WhyRequest};
use duban_contracts::timer::TimersLost;
use std::time::Duration;
use uuid::Uuid;
use world::{Case, Copy, World, alerts, duties, hours, minutes, raised, settled, states, told_counts, until};

/// What the copies have counted together.
fn counted(copies: &[&Copy], found: &str) -> u64 {
    let name = format!("duban_timers_lost_total{{found=\"{found}\",service=\"escalation\"}} ");
    let of = |copy: &&Copy| copy.metrics.text().lines().find_map(|line| line.strip_prefix(&name)?.trim().parse::<u64>().ok());
    copies.iter().filter_map(of).sum::<u64>()
}

async fn rounds(copy: &Copy, more: usize) -> anyhow::Result<()> {
    for _ in 0..more {
        let began = "update audit set next_round_at = clock_timestamp() returning next_round_at::text";
        let began: String = sqlx::query_scalar(began).fetch_one(copy.db.pool()).await?;
        until("a round", async || {
            let over = "select due_at is null and next_round_at > $1::timestamptz from audit";
            Ok(sqlx::query_scalar(over).bind(&began).fetch_one(copy.db.pool()).await?)
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_that_were_lost_are_found_raised_once_counted_and_told() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let first = world.copy().await?;
    until("audited while nothing was there", async || {
        let rests = "select next_round_at > clock_timestamp() + interval '1 minute' from audit";
        Ok(sqlx::query_scalar(rests).fetch_one(first.db.pool()).await?)
    })
    .await?;
    let (nothing, later, sound) = (Case::new(), Case::new(), Case::new());
    let registered = [&nothing, &later, &sound].map(|case| case.event("registered", 1, minutes(0)));
    world.tell_and_wait(&first, &registered).await?;
    let lose = async |lost: &'static str, case: &Case| {
        sqlx::query(lost).bind(case.id).execute(first.db.pool()).await.map(|done| done.rows_affected())
    };
    let to_nothing = "update duty set next_at = null where case_id = $1 and rule = 'answer'";
    let to_later = "update duty set next_at = next_at + interval '40 days' where case_id = $1 and rule = 'answer'";
    assert_eq!((lose(to_nothing, &nothing).await?, lose(to_later, &later).await?), (1, 1));
    world.step_to(hours(25)).await?;
    settled(&first).await?;
    let of_sound = raised(&first, &sound, 1).await?.len();
    assert_eq!((alerts(&first, &nothing).await?.len(), alerts(&first, &later).await?.len()), (0, 0), "nobody comes to them");
    first.platform.stop().await;

    // Two copies audit at once, again and again.
    world.audit = Duration::from_millis(50);
    let (one, two) = (world.copy().await?, world.copy().await?);
    sqlx::query("update audit set next_round_at = clock_timestamp()").execute(one.db.pool()).await?;
    for case in [&nothing, &later] {
        let found = raised(&one, case, 1).await?;
        assert_eq!(found.iter().map(|alert| (alert.rung, alert.repetition, alert.late)).collect::<Vec<_>>(), [(1, 0, true)]);
    }
    rounds(&one, 3).await?;
    settled(&one).await?;
    for case in [&nothing, &later] {
        assert_eq!((alerts(&one, case).await?.len(), states(&one, case, "answer").await?), (1, vec!["breached".to_owned()]));
    }
    assert_eq!(alerts(&one, &sound).await?.len(), of_sound);
    until("counted", async || Ok(counted(&[&one, &two], "overdue") == 2)).await?;
    assert_eq!(counted(&[&one, &two], "before"), 0);

    // One event with both, and how late they are.
    let bodies: Vec<String> =
        sqlx::query_scalar("select body from outbox where subject like '%timer.lost' order by seq").fetch_all(one.db.pool()).await?;
    let told: Vec<TimersLost> = bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?;
    let found: Vec<Uuid> = told.iter().flat_map(|told| &told.timers).map(|timer| timer.duty).collect();
    assert_eq!((told.iter().map(|told| told.found).sum::<i64>(), found.len()), (2, 2));
    assert_eq!(told.iter().map(|told| told.overdue).sum::<i64>(), 2);
    assert_eq!(told.iter().map(|told| told.late_seconds).max(), Some(3_600));
    let kept: Vec<Uuid> = sqlx::query_scalar("select duty from lost_timer order by duty").fetch_all(one.db.pool()).await?;
    assert_eq!(kept.len(), 2);

    // Who owes it sees it in the duty's why; who looks after the system is told, and takes note of it.
    let duty = duties(&one, &nothing).await?.remove(0).id;
    let why: WhyAnswer = world.ask("wang", "duty.why", &WhyRequest { duty }).await?;
    assert!(why.steps.iter().any(|step| step.text.contains("found lost") && step.text_zh.contains("丢失")), "{:?}", why.steps);
    let of_audit = "select alert.id from alert join duty on duty.id = alert.duty where duty.rule = 'look_into_timers' and not shadowed";
    until("told", async || Ok(!sqlx::query_scalar::<_, Uuid>(of_audit).fetch_all(one.db.pool()).await?.is_empty())).await?;
    let alert: Uuid = sqlx::query_scalar(of_audit).fetch_one(one.db.pool()).await?;
    let _: Acknowledged = world.ask("qian", "alert.acknowledge", &AcknowledgeRequest { alert }).await?;
    until("noted", async || {
        let state: String =
            sqlx::query_scalar("select state from duty where rule = 'look_into_timers' and not shadowed").fetch_one(one.db.pool()).await?;
        Ok(state == "closed_in_time")
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_is_found_before_its_time_is_raised_in_time() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.audit = Duration::from_millis(50);
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    sqlx::query("update duty set next_at = null where case_id = $1").bind(case.id).execute(copy.db.pool()).await?;
    until("counted", async || Ok(counted(&[&copy], "before") == 2)).await?;
    world.step_to(hours(20)).await?;
    let reminder = raised(&copy, &case, 1).await?.remove(0);
    assert_eq!((reminder.rung, reminder.late), (-1, false));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_order_is_left_alone() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.audit = Duration::from_millis(50);
    let copy = world.copy().await?;
    // One is paused, one acknowledged, one done, one cannot be read; of those that are to be finished the ladder ends with its one rung.
    let cases: [Case; 5] = std::array::from_fn(|_| Case::new());
    world.tell_and_wait(&copy, &cases.each_ref().map(|case| case.event("registered", 1, minutes(0)))).await?;
    let [paused, acknowledged, done, spoilt, _] = &cases;
    sqlx::query("update duty set terms = '{}' where case_id = $1 and rule = 'answer'").bind(spoilt.id).execute(copy.db.pool()).await?;
    let duty = duties(&copy, paused).await?.remove(0).id;
    let act = DutyAct::Pause { reason: "等客户".into(), until: hours(30), waits_for: None };
    let _: DutyEvent = world.ask("zhao", "duty.act", &DutyActRequest { duty, act }).await?;
    world.tell_and_wait(&copy, &[done.event("answered", 2, hours(1))]).await?;
    world.step_to(hours(24)).await?;
    let alert = raised(&copy, acknowledged, 1).await?.into_iter().find(|alert| alert.rung == 1).unwrap();
    let _: Acknowledged = world.ask("wang", "alert.acknowledge", &AcknowledgeRequest { alert: alert.id }).await?;
    rounds(&copy, 2).await?;
    for hour in [29, 31, 60, 24 * 8] {
        world.step_to(hours(hour)).await?;
        settled(&copy).await?;
        rounds(&copy, 2).await?;
    }
    let put_off: i64 = sqlx::query_scalar("select count(*) from duty where put_off").fetch_one(copy.db.pool()).await?;
    assert_eq!(put_off, 1);
    let without: i64 = sqlx::query_scalar("select count(*) from duty where open and next_at is null").fetch_one(copy.db.pool()).await?;
    assert!(without > 0, "some have nothing to come");
    let lost: i64 = sqlx::query_scalar("select count(*) from lost_timer").fetch_one(copy.db.pool()).await?;
    assert_eq!((lost, told_counts(&copy).await?.get("timer.lost")), (0, None));
    Ok(())
}
