//! A rehearsal runs a set of packs over what really happened: the set in force makes again what was made, a draft what it would have made.

mod world;

use duban_contracts::alert::{AcknowledgeRequest, Acknowledged};
use duban_contracts::duty::{DutyAct, DutyActRequest, DutyEvent};
use duban_contracts::policy::{PolicySnapshot, PolicySnapshotRequest};
use duban_contracts::rehearsal::{
    Counts, Made, Rehearsal, RehearsalDetail, RehearsalList, RehearsalListRequest, RehearsalRow, RehearsalShowRequest, RehearseRequest,
    Rehearsed, Sides,
};
use duban_contracts::{NewEvent, Problem, Timestamp};
use duban_escalation::store::past;
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;
use world::{Case, Copy, World, alerts, duties, hours, minutes, settled, sources, until};

/// Rungs are repeated once a day at most: what is repeated while the clock steps is not made up for, and a rehearsal misses nothing.
const CALM: [(&str, &str); 2] = [("repeat = \"1h\"", "repeat = \"1d\""), ("repeat = \"30m\"", "repeat = \"1d\"")];
/// Answers are due in four hours, not a day.
const SOONER: (&str, &str) = ("within = \"24h\"\nremind = [\"4h before\"]", "within = \"4h\"\nremind = [\"1h before\"]");

/// The set in force.
const VERSION: i64 = 2;

/// What the gateway keeps: draft 7, and nothing else.
async fn snapshot(_: Arc<()>, request: Request<PolicySnapshotRequest>) -> Result<PolicySnapshot, Failed> {
    let sources = if request.body.draft == Some(7) { sources(&[CALM[0], CALM[1], SOONER]) } else { Vec::new() };
    Ok(PolicySnapshot { versions: Vec::new(), sources, pages: 1 })
}

/// Steps from one thing that is due to the next, as time would run.
async fn pass_to(world: &World, copy: &Copy, until: Timestamp) -> anyhow::Result<()> {
    loop {
        settled(copy).await?;
        let next = duban_escalation::store::duties::next_timer(copy.db.pool()).await?;
        match next.filter(|next| *next < until) {
            Some(next) => world.step_to(next).await?,
            None => break world.step_to(until).await,
        }
    }
}

fn told(case: &Case, happened: &str, version: i64, hour: i64) -> NewEvent {
    told_of(case, happened, version, hour, json!({}))
}

/// Of the set in force.
fn told_of(case: &Case, happened: &str, version: i64, hour: i64, mut more: Value) -> NewEvent {
    more["policy"] = VERSION.into();
    case.event_with(happened, version, hours(hour), more).with_policy(VERSION)
}

/// Ten days with cases in time and late, acknowledged, paused, extended, handed over, urged, reopened, and what comes round.
async fn ten_days(world: &World, copy: &Copy) -> anyhow::Result<()> {
    let mut cases = Vec::new();
    for day in 0..6 {
        pass_to(world, copy, hours(24 * day)).await?;
        let today: Vec<Case> = (0..3).map(|nth| Case { unit: if nth == 2 { "BR-2" } else { "BR-1" }, ..Case::new() }).collect();
        let errand = Case::new();
        let mut events: Vec<NewEvent> = today.iter().map(|case| told(case, "registered", 1, 24 * day)).collect();
        events.push(told_of(&errand, "registered", 1, 24 * day, json!({ "kind": "errand" })));
        world.tell_and_wait(copy, &events).await?;
        // The first is answered in time by either set, the second by the one in force alone, the third never.
        pass_to(world, copy, hours(24 * day + 3)).await?;
        world.tell_and_wait(copy, &[told(&today[0], "answered", 2, 24 * day + 3)]).await?;
        pass_to(world, copy, hours(24 * day + 9)).await?;
        world.tell_and_wait(copy, &[told(&today[1], "answered", 2, 24 * day + 9)]).await?;
        act_a_little(world, copy, day, &today).await?;
        cases.extend(today);
    }
    pass_to(world, copy, hours(24 * 7 - 2)).await?;
    let closes: Vec<NewEvent> = cases.iter().take(9).map(|case| told(case, "closed", 3, 24 * 7 - 2)).collect();
    world.tell_and_wait(copy, &closes).await?;
    world.tell_and_wait(copy, &[told(&cases[0], "reopened", 4, 24 * 7 - 1)]).await?;
    pass_to(world, copy, hours(240)).await?;
    settled(copy).await?;
    // What comes round is opened by the next tick; no timer waits for it.
    let (_, policy) = copy.policies.in_force(hours(240)).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let round = i64::try_from(policy.recurring(minutes(-1), hours(240)).len())?;
    until("what has come round to be there", async || {
        let opened: i64 = sqlx::query_scalar("select count(*) from duty where key like 'period/%'").fetch_one(copy.db.pool()).await?;
        Ok(opened == round)
    })
    .await
}

async fn act_a_little(world: &World, copy: &Copy, day: i64, today: &[Case]) -> anyhow::Result<()> {
    let duty = |case: &Case, rule: &'static str| {
        let case = case.clone();
        async move { anyhow::Ok(duties(copy, &case).await?.into_iter().find(|duty| duty.rule == rule).map(|duty| duty.id)) }
    };
    let act = async |person: &str, duty: Uuid, act: DutyAct| -> anyhow::Result<()> {
        let _: DutyEvent = world.ask(person, "duty.act", &DutyActRequest { duty, act }).await?;
        Ok(())
    };
    let reason = "it takes longer".to_owned();
    match day {
        1 => {
            let finish = duty(&today[0], "finish").await?.unwrap();
            act("zhao", finish, DutyAct::Extend { reason, until: hours(24 * 9) }).await?;
        }
        2 => {
            let finish = duty(&today[0], "finish").await?.unwrap();
            act("zhao", finish, DutyAct::HandOver { to: "zhao".into(), reason }).await?;
        }
        3 => {
            let answer = duty(&today[2], "answer").await?.unwrap();
            act("wu", answer, DutyAct::Urge { note: reason }).await?;
            let finish = duty(&today[1], "finish").await?.unwrap();
            act("zhao", finish, DutyAct::Pause { reason: "we wait".into(), until: hours(24 * 5), waits_for: Some("sun".into()) }).await?;
        }
        _ => {}
    }
    // What was not answered on the day before stands by now: who is told acknowledges, with one exception.
    pass_to(world, copy, hours(24 * day + 12)).await?;
    settled(copy).await?;
    for case in today.iter().filter(|_| day != 4) {
        for alert in alerts(copy, case).await?.into_iter().filter(|alert| alert.state == "open") {
            let person = alert.people[0].clone();
            let _: Result<Acknowledged, Problem> = world.ask(&person, "alert.acknowledge", &AcknowledgeRequest { alert: alert.id }).await;
        }
    }
    Ok(())
}

async fn rehearse(world: &World, of: Rehearsed, since: Timestamp) -> anyhow::Result<RehearsalDetail> {
    let rehearsal = Uuid::now_v7();
    let request = RehearseRequest { rehearsal, of, packs: vec!["desk".into()], since };
    let begun: Rehearsal = world.ask("qian", "rehearsal.begin", &request).await?;
    assert_eq!(begun.id, rehearsal);
    let again: Rehearsal = world.ask("qian", "rehearsal.begin", &request).await?;
    assert_eq!((again.id, again.asked_at), (begun.id, begun.asked_at), "asked twice it is one");
    shown(world, rehearsal, Sides::Posts).await
}

async fn shown(world: &World, rehearsal: Uuid, by: Sides) -> anyhow::Result<RehearsalDetail> {
    let mut detail = None;
    until("the rehearsal has ended", async || {
        let request = RehearsalShowRequest { rehearsal, by, after: None, limit: Some(200) };
        let found: RehearsalDetail = world.ask("qian", "rehearsal.show", &request).await?;
        let has_ended = ["done", "failed"].contains(&found.rehearsal.state.as_str());
        detail = Some(found);
        Ok(has_ended)
    })
    .await?;
    detail.ok_or_else(|| anyhow::anyhow!("nothing shown"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_set_in_force_makes_again_what_was_made_and_a_draft_what_it_would_have_made() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    copy.policies.put(VERSION, &sources(&CALM), true, hours(-1_000)).map_err(|faults| anyhow::anyhow!(faults))?;
    let rpc = world.gateway.rpc().await?;
    rpc.serve("policy.snapshot", Arc::new(()), snapshot).await?;
    ten_days(&world, &copy).await?;

    let same = rehearse(&world, Rehearsed::Version(VERSION), minutes(-1)).await?;
    assert_eq!(same.rehearsal.state, "done", "{:?}", same.rehearsal.fault);
    let Made { draft, real } = same.rehearsal.made;
    let other: Vec<&RehearsalRow> = same.rows.iter().filter(|row| row.made.draft != row.made.real).collect();
    assert_eq!(draft, real, "{other:#?}");
    assert!(real.duties > 40 && real.breaches > 5 && real.alerts > 20, "{real:?}");
    assert_eq!(same.rehearsal.left_out, 0);
    assert!(same.rehearsal.played > 40);
    assert_eq!(same.rehearsal.weeks, 2);
    for row in &same.rows {
        assert_eq!(row.made.draft, row.made.real, "{}: {:?}", row.who, row.weeks);
        assert!(row.weeks.iter().all(|week| week.made.draft == week.made.real), "{}: {:?}", row.who, row.weeks);
    }
    let of_posts = same.rows.iter().map(|row| row.made.draft.duties).sum::<i64>();
    assert_eq!(of_posts, real.duties, "each duty is owed by one post");
    let clerk = same.rows.iter().find(|row| row.who == "BR-1/clerk").unwrap();
    assert_eq!((clerk.title.as_str(), clerk.title_zh.as_str()), ("clerk", "经办人"));
    assert!(clerk.weeks.iter().all(|week| ["2026-03-02", "2026-03-09"].contains(&week.monday.as_str())));
    let people = shown(&world, same.rehearsal.id, Sides::People).await?;
    let wang = people.rows.iter().find(|row| row.who == "wang").unwrap();
    assert_eq!(wang.made.draft.duties, clerk.made.draft.duties, "he holds the post");
    assert!(wang.made.draft.alerts > 0 && wang.made.draft == wang.made.real);

    let sooner = rehearse(&world, Rehearsed::Draft(7), minutes(-1)).await?;
    assert_eq!(sooner.rehearsal.state, "done", "{:?}", sooner.rehearsal.fault);
    assert_eq!(sooner.rehearsal.made.real, real);
    let would: Counts = sooner.rehearsal.made.draft;
    assert_eq!(would.duties, real.duties);
    // One of each day was answered after nine hours: late by the draft.
    assert_eq!(would.breaches, real.breaches + 6);
    assert!(would.alerts > real.alerts, "{would:?}");
    assert!(sooner.rows[0].made.change() >= sooner.rows.last().unwrap().made.change());

    let list: RehearsalList = world.ask("qian", "rehearsal.list", &RehearsalListRequest::default()).await?;
    let listed: Vec<Rehearsed> = list.rehearsals.iter().map(|rehearsal| rehearsal.of).collect();
    assert_eq!(listed, [Rehearsed::Draft(7), Rehearsed::Version(VERSION)]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_for_who_administers_and_what_cannot_be_run_says_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let rpc = world.gateway.rpc().await?;
    rpc.serve("policy.snapshot", Arc::new(()), snapshot).await?;
    let request = |since| RehearseRequest { rehearsal: Uuid::now_v7(), of: Rehearsed::Version(1), packs: Vec::new(), since };
    let refused: Result<Rehearsal, Problem> = world.ask("zhao", "rehearsal.begin", &request(minutes(-1))).await;
    assert_eq!(refused.unwrap_err().status, 403);
    let refused: Result<RehearsalList, Problem> = world.ask("zhao", "rehearsal.list", &RehearsalListRequest::default()).await;
    assert_eq!(refused.unwrap_err().status, 403);
    let refused: Result<Rehearsal, Problem> = world.ask("qian", "rehearsal.begin", &request(hours(1))).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.status, refused.errors[0].field.as_str()), (422, "/since"));
    let unknown = rehearse(&world, Rehearsed::Draft(8), minutes(-1)).await?;
    assert_eq!(unknown.rehearsal.state, "failed");
    assert!(unknown.rehearsal.fault.unwrap().contains("not known"));

    // What happened before anything is kept is not asked for: it says from when on.
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let early = rehearse(&world, Rehearsed::Version(1), hours(-24 * 90)).await?;
    assert_eq!(early.rehearsal.since, minutes(0));
    // Kept for so long and no longer.
    let pool = copy.db.pool();
    assert_eq!(past::forget_older(pool, minutes(0), 10).await?, 0);
    assert_eq!(past::forget_older(pool, minutes(1), 10).await?, 1);
    assert_eq!(past::oldest(pool).await?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_a_copy_left_is_run_by_another() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    // As one leaves it that was killed in the midst of it.
    sqlx::query(
        "insert into rehearsal (id, version, packs, state, asked_by, asked_at, since, until, reached, played, attempts, leased_until)
         values ($1, 1, '{}', 'running', 'qian', $2, $2, $2 + interval '1 minute', $2, 17, 1, clock_timestamp() - interval '1 second')",
    )
    .bind(Uuid::from_u128(5))
    .bind(duban_platform::Ts(minutes(0)))
    .execute(copy.db.pool())
    .await?;
    let done = shown(&world, Uuid::from_u128(5), Sides::Posts).await?;
    assert_eq!((done.rehearsal.state.as_str(), done.rehearsal.played), ("done", 1));
    // One that breaks everybody who takes it is given up.
    sqlx::query("update rehearsal set state = 'running', attempts = 3, leased_until = clock_timestamp() - interval '1 second'")
        .execute(copy.db.pool())
        .await?;
    let given_up = shown(&world, Uuid::from_u128(5), Sides::Posts).await?;
    assert_eq!(given_up.rehearsal.state, "failed");
    Ok(())
}
