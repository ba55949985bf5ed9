//! Acknowledgement links, and what a case's file gets from here.

mod world;

use anyhow::Result;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::delivery::{Link, LinkOpenRequest};
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_contracts::{Problem, ids};
use duban_local::ClockSetting;
use duban_policy::directory::Language;
use world::{LIMIT, World, acknowledged, alert, case, case_id, person};

fn request_of(mail: &duban_local::mail_catcher::Mail) -> LinkOpenRequest {
    let link = mail.link("/a/").expect("a link in the mail");
    LinkOpenRequest { token: link.rsplit('/').next().unwrap_or_default().to_owned() }
}

#[tokio::test]
async fn a_link_opens_is_used_once_and_expires() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::English);
    let mut world = World::with(vec![wang], &[("DUBAN_LINK_DAYS", "2")]).await?;
    let raised = alert(1, &["wang"]);
    world.alert("raised", &raised).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    let request = request_of(&world.mails_to("wang@")[0]);
    let opened: Link = world.neighbours.ask(None, "notifications", "link.open", &request).await??;
    assert_eq!((opened.alert, opened.person.as_str(), opened.language.as_str(), opened.used_at), (raised.alert, "wang", "en", None));
    let wrong = LinkOpenRequest { token: "abcdefghijklmnopqrstuvwxyz234567".into() };
    let refused: Result<Link, Problem> = world.neighbours.ask(None, "notifications", "link.open", &wrong).await?;
    assert_eq!(refused.unwrap_err().status, 404);

    // Used: told by escalation, twice; the first use stands.
    let used = acknowledged(&raised, "wang", Some(opened.link));
    world.alert("acknowledged", &used).await?;
    world.alert("acknowledged", &used).await?;
    let is_used = |answer: &Result<Link, Problem>| answer.as_ref().is_ok_and(|link| link.used_at.is_some());
    let after: Link = world.ask_until(None, "link.open", &request, is_used).await??;
    assert_eq!(after.used_at, Some(used.acknowledgements[0].at));

    // Three days later.
    let start = opened.expires_at.saturating_add(jiff::SignedDuration::from_hours(24))?;
    world.ground.set_clock(&ClockSetting::Stepped { start: start.to_string() }).await?;
    world.kill9().await;
    world.start()?;
    let expired = |answer: &Result<Link, Problem>| answer.as_ref().is_err_and(|problem| problem.code == "link-expired");
    assert_eq!(world.ask_until::<Link>(None, "link.open", &request, expired).await?.unwrap_err().status, 410);
    Ok(())
}

#[tokio::test]
async fn a_cases_file_is_given_once_the_close_was_read_and_nothing_is_on_its_way() -> Result<()> {
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    let mut world = World::of(vec![wang]).await?;
    let closing = ids::fresh();
    let request = DossierRequest { case: case_id(1), after: closing, settled: false, alert: None, from: None };
    world.mail.refuse(true);
    world.alert("raised", &alert(1, &["wang"])).await?;
    world.wait_until_tried(1).await?;
    world.case("closed", &case(1, 5), closing).await?;
    // What holds it up from here on is the mail alone.
    world.wait_until_read(closing).await?;
    let not_yet =
        |answer: &Result<Dossier, Problem>| answer.as_ref().is_err_and(|problem| problem.status == 409 && problem.code == "not-yet");
    world.ask_until::<Dossier>(None, "case.dossier", &request, not_yet).await?.unwrap_err();

    world.mail.refuse(false);
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    let dossier: Dossier = world.ask_until(None, "case.dossier", &request, Result::is_ok).await??;
    let delivery = &dossier.content["deliveries"][0];
    assert_eq!(delivery["delivery"]["state"], "sent");
    assert_eq!(delivery["delivery"]["address"], "w***@duban.example");
    assert_eq!(delivery["attempts"].as_array().and_then(|all| all.last()).map(|last| last["outcome"].clone()), Some("sent".into()));

    let ask = TimelineRequest { case: case_id(1), after: None };
    let timeline: Timeline = world.neighbours.ask(Some("director"), "notifications", "case.timeline", &ask).await??;
    assert_eq!(timeline.entries.len(), 1);
    assert_eq!(timeline.entries[0].event, "delivery.sent");
    let hidden: Timeline = world.neighbours.ask(Some("stranger"), "notifications", "case.timeline", &ask).await??;
    assert!(hidden.entries.is_empty());
    Ok(())
}
