//! What runs on trial is timed, breached and climbs, is shown as trial, and nobody is told; what a trial's end leaves behind starts no ladder.

mod world;

use duban_contracts::alert::{AcknowledgeRequest, Acknowledged, AlertList, AlertListRequest};
use duban_contracts::duty::{CaseDueAnswer, CaseDueRequest, DutyList, DutyListRequest, TrialFigures, TrialFiguresRequest};
use duban_contracts::{NewEvent, Problem};
use serde_json::json;
use std::collections::BTreeSet;
use world::{Case, Copy, World, alerts, hours, minutes, raised, settled, sources, until};

/// The set of packs with a trial in it.
fn on_trial(copy: &Copy, version: i64, trial: &str) -> anyhow::Result<()> {
    let text = format!("[[trial]]\n{trial}\n\n[[bind]]");
    copy.policies.put(version, &sources(&[("[[bind]]", &text)]), true, hours(-1_000)).map_err(|faults| anyhow::anyhow!(faults))
}

/// A case registered under the second version.
fn registered(case: &Case) -> NewEvent {
    case.event_with("registered", 1, minutes(0), json!({ "policy": 2 })).with_policy(2)
}

async fn listed(world: &World, state: &str, case: &Case) -> anyhow::Result<BTreeSet<String>> {
    let request = DutyListRequest { state: Some(state.into()), case: Some(case.id), ..DutyListRequest::default() };
    let list: DutyList = world.ask("qian", "duty.list", &request).await?;
    assert!(list.duties.iter().all(|duty| state == "all" || duty.trial == (state == "trial")), "{list:?}");
    Ok(list.duties.into_iter().map(|duty| duty.rule).collect())
}

async fn alerts_of(world: &World, person: &str, trial: bool) -> anyhow::Result<AlertList> {
    let request = AlertListRequest { state: Some("all".into()), all: trial, trial, ..AlertListRequest::default() };
    Ok(world.ask(person, "alert.list", &request).await?)
}

async fn public_due(world: &World, case: &Case) -> anyhow::Result<bool> {
    let answer: CaseDueAnswer = world.ask("qian", "case.due", &CaseDueRequest { cases: vec![case.id], number: None }).await?;
    Ok(answer.cases.contains_key(&case.id))
}

fn rules(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_trial_all_is_kept_and_nobody_is_told_and_what_is_due_after_it_is_for_real() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (one, two) = (world.copy().await?, world.copy().await?);
    for copy in [&one, &two] {
        // It ends at midnight after the 5th, 87 hours after the start.
        on_trial(copy, 2, "unit = \"BR-1\"\nuntil = \"2026-03-05\"")?;
    }
    let case = Case::new();
    world.tell_and_wait(&one, &[registered(&case)]).await?;
    assert_eq!(listed(&world, "trial", &case).await?, rules(&["answer", "finish"]));
    assert!(listed(&world, "open", &case).await?.is_empty());
    assert!(!public_due(&world, &case).await?, "the public is promised nothing by a trial");

    world.step_to(hours(30)).await?;
    until("the top", async || Ok(alerts(&one, &case).await?.iter().any(|alert| alert.rung == 3))).await?;
    let unsent = alerts_of(&world, "qian", true).await?;
    assert!(unsent.total >= 3 && unsent.alerts.iter().all(|alert| alert.trial && !alert.recipients.is_empty()), "{unsent:?}");
    for person in ["wang", "zhao", "qian"] {
        assert_eq!(alerts_of(&world, person, false).await?.total, 0, "{person} was told");
    }
    let breached = unsent.alerts.iter().find(|alert| alert.sort == "breach").unwrap();
    let refused: Result<Acknowledged, Problem> =
        world.ask("wang", "alert.acknowledge", &AcknowledgeRequest { alert: breached.alert }).await;
    assert_eq!(refused.unwrap_err().code, "on-trial");
    let figures: TrialFigures = world.ask("qian", "trial.figures", &TrialFiguresRequest::default()).await?;
    let answer = figures.rules.iter().find(|rule| rule.rule == "answer").unwrap();
    assert_eq!((answer.opened, answer.open, answer.breached), (1, 1, 1));
    assert!(answer.alerts >= 3 && answer.tellings > answer.alerts, "the top tells two: {answer:?}");
    let since = TrialFiguresRequest { since: Some(hours(1)) };
    assert!(world.ask::<_, TrialFigures>("qian", "trial.figures", &since).await?.rules.is_empty());

    // What was missed stays on trial; what is due after it is for real, with everything that follows.
    world.step_to(hours(88)).await?;
    until("for real", async || Ok(listed(&world, "open", &case).await? == rules(&["finish"]))).await?;
    assert_eq!(listed(&world, "trial", &case).await?, rules(&["answer"]));
    assert!(public_due(&world, &case).await?);
    settled(&one).await?;
    assert_eq!(alerts_of(&world, "wang", false).await?.total, 0, "a trial's end starts no ladder for what is past");
    world.step_to(hours(7 * 24)).await?;
    until("told for real", async || Ok(alerts_of(&world, "wang", false).await?.total == 1)).await?;
    until("what follows is for real", async || Ok(listed(&world, "open", &case).await?.contains("look_into_breach"))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_set_without_the_trial_ends_it_and_what_follows_from_a_trial_is_on_trial() -> anyhow::Result<()> {
    let world = World::new().await?;
    let copy = world.copy().await?;
    on_trial(&copy, 2, "pack = \"desk\"\nrule = [\"answer\", \"finish\"]")?;
    let (case, old) = (Case::new(), Case::new());
    let long_ago = old.event_with("registered", 1, hours(-6 * 24), json!({ "policy": 2 })).with_policy(2);
    world.tell_and_wait(&copy, &[registered(&case), long_ago]).await?;
    // The older one's finish falls due in a day: its breach opens a duty of a rule that is not on trial itself.
    world.step_to(hours(15)).await?;
    copy.policies.put(3, &sources(&[]), true, hours(16)).map_err(|faults| anyhow::anyhow!(faults))?;
    world.step_to(hours(17)).await?;
    until("ended", async || Ok(listed(&world, "open", &case).await? == rules(&["answer", "finish"]))).await?;
    world.step_to(hours(20)).await?;
    let reminder = raised(&copy, &case, 1).await?.remove(0);
    assert_eq!((reminder.rung, reminder.people), (-1, vec!["wang".to_owned()]));
    assert_eq!(alerts_of(&world, "wang", false).await?.total, 1);

    // Its answer was missed on trial, long before the end.
    assert_eq!(listed(&world, "trial", &old).await?, rules(&["answer"]));

    let follows = Case::new();
    let missed = follows.event_with("registered", 1, hours(-10 * 24), json!({ "policy": 2 })).with_policy(2);
    world.tell_and_wait(&copy, &[missed]).await?;
    until("missed on trial", async || Ok(listed(&world, "all", &follows).await?.contains("look_into_breach"))).await?;
    assert_eq!(listed(&world, "trial", &follows).await?, rules(&["answer", "finish", "look_into_breach"]));
    Ok(())
}
