//! What goes to others while somebody is away: kept with the alert, shown on the duty, told once on his return.

mod world;

use duban_contracts::Timestamp;
use duban_contracts::absence::ReturnNoticed;
use duban_contracts::duty::{DutyList, DutyListRequest, Timeline, TimelineRequest, WhyAnswer, WhyRequest};
use duban_engine::alert::Alert;
use duban_policy::directory::{Absence, Delegation, Delegator};
use serde_json::json;
use world::{Case, Copy, World, at, duties, hours, minutes, raised, settled, until};

/// The clerk is away from hour `from` to hour `until`.
fn clerk_away(from: i64, until: Option<i64>) -> (String, Absence) {
    ("wang".to_owned(), Absence { from: hours(from), until: until.map(hours) })
}

/// What was told of those who are back, in order.
async fn noticed(copy: &Copy) -> anyhow::Result<Vec<ReturnNoticed>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("select body from outbox where subject = 'duban.escalation.v1.return.noticed' order by seq")
            .fetch_all(copy.db.pool())
            .await?;
    Ok(bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?)
}

/// Waits until it is on record that the clerk is back from the absence that began then.
async fn noted_back(copy: &Copy, since: Timestamp) -> anyhow::Result<()> {
    let noted = "select exists (select from return_noticed where person = 'wang' and since = $1)";
    until("noted as back", async || Ok(sqlx::query_scalar(noted).bind(duban_platform::Ts(since)).fetch_one(copy.db.pool()).await?)).await
}

async fn first_alert(copy: &Copy, case: &Case) -> anyhow::Result<Alert> {
    let ids: Vec<_> = duties(copy, case).await?.into_iter().map(|duty| duty.id).collect();
    let mut connection = copy.db.pool().acquire().await?;
    Ok(duban_escalation::store::alerts::of_duties(&mut connection, &ids).await?.remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_diverted_is_shown_kept_and_told_once_on_return_by_one_of_two_copies() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let (one, two) = (world.copy().await?, world.copy().await?);
    world.set_away([clerk_away(10, Some(60))], Vec::new(), &[&one, &two]);
    let (case, done, hidden) = (Case::new(), Case::new(), Case::new());
    world
        .tell_and_wait(
            &one,
            &[case.event("registered", 1, minutes(0)), done.event("registered", 1, minutes(0)), hidden.event("registered", 1, minutes(0))],
        )
        .await?;

    // Before he is away nothing is diverted.
    let request = DutyListRequest { case: Some(case.id), ..DutyListRequest::default() };
    let list: DutyList = world.ask("qian", "duty.list", &request).await?;
    assert!(list.duties.iter().all(|duty| duty.diverted.is_none()), "{list:?}");

    world.step_to(hours(20)).await?;
    let reminder = raised(&one, &case, 1).await?.remove(0);
    assert_eq!((reminder.people, reminder.how), (vec!["li".to_owned()], vec!["deputy".to_owned()]));
    let kept = first_alert(&one, &case).await?;
    let meant = &kept.recipients[0].meant_for;
    assert_eq!((meant.len(), meant[0].person.as_str(), meant[0].why.as_str(), meant[0].until), (1, "wang", "absent", Some(hours(60))));

    let list: DutyList = world.ask("qian", "duty.list", &request).await?;
    let diverted = list.duties.iter().find(|duty| duty.rule == "answer").unwrap().diverted.as_ref().unwrap();
    assert_eq!((diverted.people.as_slice(), diverted.meant_for[0].person.as_str()), (["li".to_owned()].as_slice(), "wang"));
    let answer = duties(&one, &case).await?.into_iter().find(|duty| duty.rule == "answer").unwrap().id;
    let why: WhyAnswer = world.ask("qian", "duty.why", &WhyRequest { duty: answer }).await?;
    let last = why.steps.last().unwrap();
    // The clock began at nine in the morning of 2 March.
    assert_eq!(last.text, "It goes to 李 now instead of 王, who is away until 2026-03-04 21:00.");
    assert_eq!(last.text_zh, "王离岗至2026-03-04 21:00，现由李办理。");
    let timeline: Timeline = world.ask("qian", "case.timeline", &TimelineRequest { case: case.id, after: None }).await?;
    assert!(timeline.entries.iter().any(|entry| entry.text_zh.ends_with("（王离岗至2026-03-04 21:00，转给李）")), "{timeline:?}");

    // One is done meanwhile, and of one he is complained about.
    let out = json!({ "excluded_people": ["wang"] });
    world.tell_and_wait(&one, &[done.event("answered", 2, hours(21)), hidden.event_with("corrected", 2, hours(21), out)]).await?;
    world.step_to(hours(60)).await?;
    noted_back(&one, hours(10)).await?;
    settled(&one).await?;
    let told = noticed(&one).await?;
    assert_eq!(told.len(), 1, "{told:?}");
    let back = &told[0];
    assert_eq!((back.person.as_str(), back.since, back.until), ("wang", hours(10), hours(60)));
    assert!(back.duties.iter().all(|duty| duty.case == Some(case.id)) && back.total == back.duties.len() as i64, "{back:?}");
    let listed = back.duties.iter().find(|duty| duty.duty == answer).unwrap();
    assert!(listed.title_zh.contains("SX-") && !listed.went_to.contains(&"wang".to_owned()), "{listed:?}");
    // A copy that starts later finds that it was told; what it would tell stands before what it tells of a second absence.
    let three = world.copy().await?;
    world.set_away([clerk_away(10, Some(60)), clerk_away(61, Some(62))], Vec::new(), &[&one, &two, &three]);
    world.step_to(hours(62)).await?;
    noted_back(&three, hours(61)).await?;
    let told = noticed(&three).await?;
    assert!(told.len() <= 2 && told.iter().filter(|back| back.since == hours(10)).count() == 1, "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_his_absence_early_is_told_at_once_and_absences_that_follow_one_another_are_one() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    world.set_away([clerk_away(0, Some(10)), clerk_away(10, None)], Vec::new(), &[&copy]);
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    world.step_to(hours(20)).await?;
    assert_eq!(raised(&copy, &case, 1).await?[0].people, ["li"]);
    assert_eq!(noticed(&copy).await?, Vec::new(), "he is away still, by the second");

    world.set_away([clerk_away(0, Some(10)), clerk_away(10, Some(20))], Vec::new(), &[&copy]);
    noted_back(&copy, hours(0)).await?;
    let told = noticed(&copy).await?;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].since, told[0].until, told[0].total), (hours(0), hours(20), 1));
    // From now on it comes to him again.
    world.step_to(hours(24)).await?;
    assert_eq!(raised(&copy, &case, 2).await?[1].people, ["wang"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_without_anything_that_waits_is_noted_and_not_told() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    world.set_away([clerk_away(1, Some(5))], Vec::new(), &[&copy]);
    world.step_to(hours(5)).await?;
    noted_back(&copy, hours(1)).await?;
    assert_eq!(noticed(&copy).await?, Vec::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegate_is_alerted_in_place_of_who_delegated_and_may_do_what_he_could() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let copy = world.copy().await?;
    let case = Case::new();
    world.tell_and_wait(&copy, &[case.event("registered", 1, minutes(0))]).await?;
    let request = DutyListRequest { case: Some(case.id), ..DutyListRequest::default() };
    let before: DutyList = world.ask("zhou", "duty.list", &request).await?;
    assert_eq!(before.total, 0, "the clerk of the other store sees nothing of it");

    let delegation =
        Delegation { of: Delegator::Person("wang".to_owned()), to: "zhou".to_owned(), from: at(world::START), until: hours(22) };
    world.set_away([], vec![delegation], &[&copy]);
    world.step_to(hours(20)).await?;
    let reminder = raised(&copy, &case, 1).await?.remove(0);
    assert_eq!((reminder.people, reminder.how), (vec!["zhou".to_owned()], vec!["delegate".to_owned()]));
    assert_eq!(first_alert(&copy, &case).await?.recipients[0].meant_for[0].why, "delegated");
    let mine = DutyListRequest { state: Some("mine".to_owned()), ..request };
    let seen: DutyList = world.ask("zhou", "duty.list", &mine).await?;
    assert!(seen.duties.iter().any(|duty| duty.rule == "answer" && duty.diverted.is_some()), "{seen:?}");
    // The delegation is over: it comes to the clerk again.
    world.step_to(hours(24)).await?;
    assert_eq!(raised(&copy, &case, 2).await?[1].people, ["wang"]);
    Ok(())
}
