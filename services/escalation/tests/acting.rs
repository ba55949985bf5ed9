//! What people do with duties besides doing them, and dates that move them, as it is kept and told.

mod world;

use duban_contracts::Problem;
use duban_contracts::claim::Asker;
use duban_contracts::duty::{
    DutyAct, DutyActRequest, DutyEvent, DutyList, DutyListRequest, Timeline, TimelineRequest, WhyAnswer, WhyRequest,
};
use serde_json::json;
use uuid::Uuid;
use world::{Case, Copy, Seen, World, alerts, duties, hours, minutes, raised, settled, told};

async fn one(copy: &Copy, case: &Case, rule: &str) -> anyhow::Result<Seen> {
    let found = duties(copy, case).await?.into_iter().find(|duty| duty.rule == rule);
    found.ok_or_else(|| anyhow::anyhow!("no duty of {rule}"))
}

async fn act(world: &World, person: &str, duty: Uuid, act: DutyAct) -> Result<DutyEvent, Problem> {
    world.ask(person, "duty.act", &DutyActRequest { duty, act }).await
}

fn pause(until: duban_contracts::Timestamp) -> DutyAct {
    DutyAct::Pause { reason: "等客户答复".into(), until, waits_for: Some("wu".into()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stands_still_reminds_who_is_waited_for_and_ends_by_itself_whichever_copy_runs() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let answer = one(&copy, &case, "answer").await?;
    world.step_to(hours(2)).await?;

    // Who owes it may not by this rule; the head decides. Sent again after a timeout, it is one act.
    let refused = act(&world, "wang", answer.id, pause(hours(50))).await.unwrap_err();
    assert_eq!(refused.status, 403);
    let head = Asker::Person { person: "zhao".into(), session: Uuid::nil() };
    let (request, wanted) = (Uuid::now_v7(), DutyActRequest { duty: answer.id, act: pause(hours(50)) });
    let first: DutyEvent = world.ask_as(head.clone(), request, "duty.act", &wanted).await?;
    let again: DutyEvent = world.ask_as(head, request, "duty.act", &wanted).await?;
    assert_eq!((first.paused_until, first.version), (again.paused_until, again.version));
    assert_eq!(first.paused_until, Some(hours(50)));

    // Its time passes and nobody is alerted but who is waited for. The copy that paused is gone.
    drop(copy);
    let other = world.copy().await?;
    world.step_to(hours(49)).await?;
    settled(&other).await?;
    let told_of = |list: &[world::Raised]| list.iter().filter(|alert| alert.people == ["wu"]).count();
    let all = alerts(&other, &case).await?;
    assert!(told_of(&all) > 0 && all.len() == told_of(&all), "{all:?}");

    world.step_to(hours(51)).await?;
    settled(&other).await?;
    let answer = one(&other, &case, "answer").await?;
    assert_eq!((answer.state.as_str(), answer.due), ("pending", (24 + 48) * 60));
    world.tell_and_wait(&other, &[case.event("answered", 2, hours(60))]).await?;
    assert_eq!(one(&other, &case, "answer").await?.state, "closed_in_time");
    assert_eq!(told(&other, &format!("duty/{}", answer.id)).await?, ["duty.opened", "duty.paused", "duty.resumed", "duty.closed"]);

    let timeline: Timeline = world.ask("zhao", "case.timeline", &TimelineRequest { case: case.id, after: None }).await?;
    let paused = timeline.entries.iter().find(|entry| entry.event == "duty.paused").unwrap();
    assert_eq!((paused.by.as_str(), paused.note.as_deref()), ("zhao", Some("等客户答复")));
    let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty: answer.id }).await?;
    assert!(why.steps.iter().any(|step| step.text_zh.contains("暂停计时") && step.text_zh.contains("等客户答复")), "{:?}", why.steps);
    assert!(why.offered.is_empty(), "it has ended");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_duty_is_extended_urged_and_handed_over() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let answer = one(&copy, &case, "answer").await?;
    world.step_to(hours(25)).await?;
    raised(&copy, &case, 1).await?;
    settled(&copy).await?;
    let offered = async |person: &str| -> Result<Vec<String>, Problem> {
        let why: WhyAnswer = world.ask(person, "duty.why", &WhyRequest { duty: answer.id }).await?;
        Ok(why.offered)
    };
    assert_eq!(offered("zhao").await?, ["extended", "handed_over", "urged"]);
    // What comes next is told to the top of the ladder: what is repeated every hour, or half hour, stands there once.
    let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty: answer.id }).await?;
    let next: Vec<(i64, usize)> = why.next.iter().map(|rung| (rung.at.duration_since(hours(0)).as_hours(), rung.posts.len())).collect();
    assert_eq!(next, [(26, 1), (30, 2)], "{:?}", why.next);
    assert_eq!(offered("wang").await?, ["handed_over"]);

    let extend = DutyAct::Extend { reason: "等物流".into(), until: hours(48) };
    let extended = act(&world, "zhao", answer.id, extend).await?;
    assert_eq!((extended.state.as_str(), extended.due_at), ("pending", hours(48)));
    assert!(alerts(&copy, &case).await?.iter().all(|alert| alert.state == "closed"), "what was told of the time before is settled");

    act(&world, "zhao", answer.id, DutyAct::Urge { note: String::new() }).await?;
    let urging = alerts(&copy, &case).await?.into_iter().find(|alert| alert.rung == 0).unwrap();
    assert_eq!(urging.people, ["wang"]);
    let refused = act(&world, "zhao", answer.id, DutyAct::Urge { note: String::new() }).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (409, "already-urged"));

    // Somebody of another store does not even see it, until it is his.
    let list = DutyListRequest { state: Some("mine".into()), ..DutyListRequest::default() };
    let stranger: DutyList = world.ask("qian", "duty.list", &list).await?;
    assert_eq!(stranger.total, 0);
    let hand_over = DutyAct::HandOver { to: "qian".into(), reason: "店长休假".into() };
    let handed = act(&world, "wang", answer.id, hand_over).await?;
    assert_eq!(handed.handed_to.as_deref(), Some("qian"));
    let his: DutyList = world.ask("qian", "duty.list", &list).await?;
    assert_eq!(his.duties.iter().map(|duty| duty.duty).collect::<Vec<_>>(), [answer.id]);
    world.step_to(hours(49)).await?;
    let breach = async || -> anyhow::Result<bool> {
        let all = alerts(&copy, &case).await?;
        Ok(all.iter().any(|alert| alert.rung == 1 && alert.state == "open" && alert.people.contains(&"qian".to_owned())))
    };
    world::until("who it was handed to is told of the breach", breach).await?;
    let told = told(&copy, &format!("duty/{}", answer.id)).await?;
    assert_eq!(told.iter().filter(|name| *name == "duty.breached").count(), 2, "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_that_is_put_in_later_moves_a_standing_duty_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    let of_kind =
        |day: Option<&str>| json!({ "kind": "appointment", "fields": day.map_or_else(|| json!({}), |day| json!({ "day": day })) });
    world.tell_and_wait(&copy, &[case.event_with("registered", 1, minutes(0), of_kind(None))]).await?;
    assert_eq!(one(&copy, &case, "come").await?.due, 24 * 60);
    world.step_to(hours(23)).await?;
    settled(&copy).await?;
    let arranged = case.event_with("arranged", 2, hours(23), of_kind(Some("2026-03-05")));
    world.tell_and_wait(&copy, std::slice::from_ref(&arranged)).await?;
    world.double(std::slice::from_ref(&arranged)).await?;
    let come = one(&copy, &case, "come").await?;
    // The end of Thursday in Shanghai.
    assert_eq!(come.due, (3 * 24 + 15) * 60);
    let reminders = alerts(&copy, &case).await?;
    let states: std::collections::BTreeSet<&str> =
        reminders.iter().filter(|alert| alert.rung == -1).map(|alert| alert.state.as_str()).collect();
    assert_eq!(states, ["closed", "open"].into(), "its own is settled; that of the duty to answer stands");
    assert_eq!(told(&copy, &format!("duty/{}", come.id)).await?, ["duty.opened", "duty.reminded", "duty.retimed"]);

    // Its rule lets who owes it stop the clock for six hours in all.
    let too_long = act(&world, "wang", come.id, pause(hours(30))).await.unwrap_err();
    assert_eq!(too_long.status, 422, "{too_long:?}");
    act(&world, "wang", come.id, pause(hours(28))).await?;
    let resumed = act(&world, "wang", come.id, DutyAct::Resume { note: String::new() }).await?;
    assert_eq!(resumed.paused_until, None);
    // The date that comes with its end is of what comes next.
    world.tell_and_wait(&copy, &[case.event_with("closed", 3, hours(24), of_kind(Some("2026-03-09")))]).await?;
    let ended = one(&copy, &case, "come").await?;
    assert_eq!((ended.state.as_str(), ended.due), ("closed_in_time", come.due));
    let told = told(&copy, &format!("duty/{}", come.id)).await?;
    assert_eq!(told.iter().filter(|name| *name == "duty.retimed").count(), 1, "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_act_on_the_same_state_one_is_shown_the_new_one() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let duty = one(&copy, &case, "answer").await?.id;
    let seen: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty }).await?;
    let extend = |until| DutyActRequest { duty, act: DutyAct::Extend { reason: "材料未到".into(), until } };
    let first: DutyEvent = world.ask_seeing("zhao", seen.duty.version, "duty.act", &extend(hours(30))).await?;
    assert_eq!(first.due_at, hours(30));
    let second: Result<DutyEvent, Problem> = world.ask_seeing("qian", seen.duty.version, "duty.act", &extend(hours(40))).await;
    let refused = second.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (409, "version-conflict"));
    let present: DutyEvent = serde_json::from_value(refused.present.unwrap())?;
    assert_eq!((present.due_at, present.version), (hours(30), first.version));
    // Having seen it, he decides; who gives no version means it as it is.
    let _: DutyEvent = world.ask_seeing("qian", present.version, "duty.act", &extend(hours(40))).await?;
    assert_eq!(act(&world, "zhao", duty, extend(hours(50)).act).await?.due_at, hours(50));
    let close = duban_contracts::duty::DutyCloseRequest { duty, note: "撤销".into() };
    let closed: Result<DutyEvent, Problem> = world.ask_seeing("qian", present.version, "duty.close", &close).await;
    assert_eq!(closed.unwrap_err().code, "version-conflict");
    Ok(())
}
