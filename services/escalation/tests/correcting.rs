//! Corrections of a calendar and of rules, as they reach duties that stand: listed before, carried out once, with their reason.

mod world;

use duban_contracts::claim::Asker;
use duban_contracts::duty::{DutyAct, DutyActRequest, DutyEvent, Timeline, TimelineRequest, WhyAnswer, WhyRequest};
use duban_contracts::policy::{ForeseeRequest, Foreseen, PolicySnapshot, PolicySnapshotRequest};
use duban_contracts::{NewEvent, Timestamp};
use duban_platform::rpc::Request;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;
use world::{Case, Copy, Correcting, Learns, Seen, World, alerts, duties, hours, minutes, settled, sources, told, until};

/// Tuesday the 3rd is a holiday.
const HOLIDAY: (&str, &str) = ("[calendar.weekly]", "holidays = [\"2026-03-03\"]\n\n[calendar.weekly]");
/// A reply is due sooner, and the head owes it.
const SOONER: (&str, &str) = ("owed_by = \"clerk\"\nwithin = \"2wd\"", "owed_by = \"head\"\nwithin = \"1wd\"");

fn holiday(version: i64, since: Timestamp) -> Correcting {
    Correcting { version, since, edits: vec![HOLIDAY], places: vec!["calendar.always"] }
}

fn letter(case: &Case, version: i64, time: Timestamp) -> NewEvent {
    case.event_with("registered", version, time, json!({ "kind": "letter" }))
}

async fn reply(copy: &Copy, case: &Case) -> anyhow::Result<Seen> {
    let found = duties(copy, case).await?.into_iter().find(|duty| duty.rule == "reply");
    found.ok_or_else(|| anyhow::anyhow!("no duty to reply"))
}

/// Waits until every duty follows so many corrections.
async fn all_follow(copy: &Copy, corrections: i32) -> anyhow::Result<()> {
    until("every duty follows", async || {
        let behind: i64 = sqlx::query_scalar("select count(*) from duty where open and corrections < $1")
            .bind(corrections)
            .fetch_one(copy.db.pool())
            .await?;
        Ok(behind == 0)
    })
    .await
}

/// How often something was told of each of the cases' duties to reply.
async fn retimed(copy: &Copy) -> anyhow::Result<BTreeMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "select told, count(*) from (
             select count(outbox.id) as told from duty
             left join outbox on outbox.about = 'duty/' || duty.id and outbox.subject like '%.duty.retimed'
             where duty.rule = 'reply' group by duty.id) as each group by told",
    )
    .fetch_all(copy.db.pool())
    .await?;
    Ok(rows.into_iter().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_holiday_moves_every_standing_duty_once_with_two_copies_one_of_which_dies() -> anyhow::Result<()> {
    const CASES: usize = 400;
    let world = World::new().await?;
    let (a, b) = (world.copy().await?, world.copy().await?);
    let overdue = Case::new();
    // Overdue by the old calendar when the correction comes: it stays.
    world.tell_and_wait(&a, &[letter(&overdue, 1, hours(-50))]).await?;
    until("it is breached", async || Ok(reply(&a, &overdue).await?.state == "breached")).await?;
    let cases: Vec<Case> = (0..CASES).map(|_| Case::new()).collect();
    let events: Vec<NewEvent> = cases.iter().map(|case| letter(case, 1, minutes(0))).collect();
    world.tell_and_wait(&a, &events).await?;
    let before = reply(&a, &cases[0]).await?;
    assert_eq!(before.due, 48 * 60);
    // The days that were counted stand in its 'why', as long as they give its due time.
    let counted = async || -> anyhow::Result<bool> {
        let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty: before.id }).await?;
        Ok(why.steps.iter().any(|step| step.text_zh.contains("第2个工作日") && step.text.contains("working day 2")))
    };
    assert!(counted().await?);

    let correction = [holiday(2, hours(1))];
    world.step_to(hours(1)).await?;
    a.learn(&correction)?;
    b.learn(&correction)?;
    // One of them is broken off in the middle of it, wherever it is.
    until("it has begun", async || Ok(!retimed(&b).await?.is_empty() && retimed(&b).await?.contains_key(&1))).await?;
    a.end().await?;
    all_follow(&b, 1).await?;
    // Each once, the overdue one never.
    assert_eq!(retimed(&b).await?, BTreeMap::from([(0, 1), (1, CASES as i64)]));
    let acts: i64 = sqlx::query_scalar("select count(*) from duty_act where corrected is not null").fetch_one(b.db.pool()).await?;
    assert_eq!(acts, CASES as i64);
    assert_eq!(reply(&b, &overdue).await?.due, -2 * 60);
    let moved = reply(&b, &cases[0]).await?;
    assert_eq!((moved.due, moved.state.as_str()), (72 * 60, "pending"));
    assert_eq!(told(&b, &format!("duty/{}", moved.id)).await?, ["duty.opened", "duty.retimed"]);

    assert!(!counted().await?);
    // Said on its page and in the case's timeline: which version, what of it, who approved.
    let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty: moved.id }).await?;
    let said = why.steps.iter().find(|step| step.text_zh.contains("制度版本 2 更正了日历“always”，由钱批准")).map(|step| &step.text);
    assert!(said.is_some_and(|said| said.contains("version 2 corrects calendar 'always', approved by 钱")), "{:?}", why.steps);
    let timeline: Timeline = world.ask("zhao", "case.timeline", &TimelineRequest { case: cases[0].id, after: None }).await?;
    assert_eq!(timeline.entries.iter().filter(|entry| entry.event == "duty.retimed" && entry.by == "qian").count(), 1);
    let body: String = sqlx::query_scalar("select body from outbox where about = $1 and subject like '%.duty.retimed'")
        .bind(format!("duty/{}", moved.id))
        .fetch_one(b.db.pool())
        .await?;
    let event: DutyEvent = serde_json::from_str(&body)?;
    let corrected = event.acted.and_then(|acted| acted.corrected).unwrap();
    assert_eq!(
        (corrected.version, corrected.of.as_str(), corrected.approved_by.as_deref(), event.policy),
        (2, "calendar.always", Some("qian"), 1)
    );

    // At the time of before nothing is raised; what opens under the old version follows the correction from the beginning.
    let later = Case::new();
    world.step_to(hours(49)).await?;
    world.tell_and_wait(&b, &[letter(&later, 1, hours(2))]).await?;
    settled(&b).await?;
    assert_eq!(reply(&b, &later).await?.due, 74 * 60);
    assert_eq!(reply(&b, &cases[0]).await?.state, "pending");
    assert_eq!(retimed(&b).await?, BTreeMap::from([(0, 2), (1, CASES as i64)]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_has_not_heard_of_the_correction_raises_nothing_by_the_time_of_before_and_its_own_are_brought_up() -> anyhow::Result<()>
{
    let world = World::new().await?;
    let unaware = world.copy().await?;
    let first = Case::new();
    world.tell_and_wait(&unaware, &[letter(&first, 1, minutes(0))]).await?;
    let correction = [holiday(2, hours(1))];
    world.step_to(hours(1)).await?;
    let aware = world.copy_that_knows(&correction).await?;
    all_follow(&aware, 1).await?;
    assert_eq!(reply(&aware, &first).await?.due, 72 * 60);
    aware.end().await?;
    // It knows of fewer corrections than the duty follows: it leaves it.
    world.step_to(hours(47)).await?;
    let own = Case::new();
    world.tell_and_wait(&unaware, &[letter(&own, 1, hours(46))]).await?;
    until("the reminder of another duty of the case is raised", async || {
        Ok(!alerts(&unaware, &own).await?.is_empty() || reply(&unaware, &own).await?.due > 0)
    })
    .await?;
    assert_eq!(reply(&unaware, &first).await?.state, "pending");
    assert_eq!(reply(&unaware, &own).await?.due, (46 + 48) * 60, "after the holiday as by the old calendar it is the same");
    unaware.learn(&correction)?;
    all_follow(&unaware, 1).await?;
    world.step_to(hours(72)).await?;
    until("its time is that of the right calendar", async || Ok(reply(&unaware, &first).await?.state == "breached")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_in_the_moment_of_a_correction_finds_the_duty_corrected_and_back_it_is_as_before() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[letter(&case, 1, minutes(0))]).await?;
    let duty = reply(&copy, &case).await?;
    world.step_to(hours(1)).await?;
    copy.learn(&[holiday(2, hours(1))])?;
    // Paused for six hours at once, whether or not the correction has reached it by itself.
    let pause = DutyAct::Pause { reason: "等客户答复".into(), until: hours(7), waits_for: None };
    let paused: DutyEvent = world.ask("zhao", "duty.act", &DutyActRequest { duty: duty.id, act: pause }).await?;
    assert_eq!(paused.due_at, hours(72));
    world.step_to(hours(8)).await?;
    until("the pause is over", async || Ok(reply(&copy, &case).await?.due == 78 * 60)).await?;
    // The holiday was none: corrected back, the pause stays granted.
    let back = Correcting { version: 3, since: hours(8), edits: Vec::new(), places: vec!["calendar.always"] };
    copy.learn(&[holiday(2, hours(1)), back])?;
    until("it is as before", async || Ok(reply(&copy, &case).await?.due == 54 * 60)).await?;
    let names = told(&copy, &format!("duty/{}", duty.id)).await?;
    assert_eq!(names, ["duty.opened", "duty.retimed", "duty.paused", "duty.resumed", "duty.retimed"]);
    Ok(())
}

/// The gateway's answer to who asks for a version that is submitted.
async fn snapshot(
    version: Arc<(i64, Vec<duban_contracts::policy::PolicySource>)>,
    request: Request<PolicySnapshotRequest>,
) -> Result<PolicySnapshot, duban_platform::rpc::Failed> {
    let is_it = request.body.version == Some(version.0);
    Ok(PolicySnapshot { versions: Vec::new(), sources: if is_it { version.1.clone() } else { Vec::new() }, pages: 1 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_rule_is_listed_before_and_gives_its_term_and_post_to_what_stands() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    let rpc = world.gateway.rpc().await?;
    rpc.serve("policy.snapshot", Arc::new((2, sources(&[SOONER]))), snapshot).await?;
    let cases: Vec<Case> = (0..5).map(|_| Case::new()).collect();
    let events: Vec<NewEvent> = cases.iter().map(|case| letter(case, 1, minutes(0))).collect();
    world.tell_and_wait(&copy, &events).await?;
    let place = "desk/reply".to_owned();
    let request = ForeseeRequest { version: 2, against: 1, corrects: vec![place.clone()], again: false, after: None, limit: Some(3) };
    let list = async |person: &str, again: bool, after: Option<String>| -> anyhow::Result<Foreseen> {
        let mut found: Option<Foreseen> = None;
        until("the list is done", async || {
            let first = found.is_none();
            let asked = ForeseeRequest { again: again && first, after: after.clone(), ..request.clone() };
            let answer: Foreseen = world.ask(person, "correction.foresee", &asked).await?;
            let is_done = answer.state == "done";
            found = Some(answer);
            Ok(is_done)
        })
        .await?;
        found.ok_or_else(|| anyhow::anyhow!("no list"))
    };
    let first = list("zhao", false, None).await?;
    assert_eq!((first.looked, first.moved, first.left, first.changes.len()), (15, 5, 0, 3));
    let rest = list("zhao", false, first.next.clone()).await?;
    assert_eq!((rest.changes.len(), rest.digest == first.digest), (2, true));
    for change in first.changes.iter().chain(&rest.changes) {
        assert_eq!((change.due_before, change.due_after, &change.of), (hours(48), hours(24), &place));
        assert_eq!((change.owed_before.as_str(), change.owed_after.as_str()), ("BR-1/clerk", "BR-1/head"));
    }
    // Of another store's duties its head sees none, and how many there are.
    let stranger = list("wu", false, None).await?;
    assert_eq!((stranger.moved, stranger.changes.len()), (5, 0));
    let public: Result<Foreseen, _> = world.ask_as(Asker::Public, Uuid::now_v7(), "correction.foresee", &request).await;
    assert_eq!(public.unwrap_err().status, 401);
    // One more: the list of before is another one, until it is made anew.
    let more = Case::new();
    world.tell_and_wait(&copy, &[letter(&more, 1, minutes(0))]).await?;
    assert_eq!(list("zhao", false, None).await?.digest, first.digest);
    let anew = list("zhao", true, None).await?;
    assert!(anew.moved == 6 && anew.digest != first.digest, "{anew:?}");
    assert_eq!(reply(&copy, &more).await?.due, 48 * 60, "nothing has been changed by listing it");

    // In force, it is what was listed.
    world.step_to(hours(1)).await?;
    copy.learn(&[Correcting { version: 2, since: hours(1), edits: vec![SOONER], places: vec!["desk/reply"] }])?;
    all_follow(&copy, 1).await?;
    for case in cases.iter().chain([&more]) {
        let duty = reply(&copy, case).await?;
        assert_eq!(duty.due, 24 * 60);
        let why: WhyAnswer = world.ask("zhao", "duty.why", &WhyRequest { duty: duty.id }).await?;
        assert_eq!((why.duty.owed_by.as_str(), why.duty.policy), ("BR-1/head", 1));
        assert!(why.steps.iter().any(|step| step.text_zh.contains("更正了规则“desk/reply”")), "{:?}", why.steps);
        assert!(why.steps.iter().any(|step| step.text_zh.contains("1个工作日")), "explained as corrected: {:?}", why.steps);
    }
    Ok(())
}
