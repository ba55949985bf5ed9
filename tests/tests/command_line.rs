//! What people do from the command line to an installation that runs: the real program against real services, as people read its answers and as
//! programs do.

use anyhow::Context;
use duban_contracts::duty::DutyEvent;
use duban_contracts::policy::Foreseen;
use duban_contracts::report::Accepted;
use duban_local::process::TemporaryFolder;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey;
use duban_tests::world::repository;
use duban_tests::{World, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);
/// Customer service of the software company; the customer is to be visited within three working days.
const AGENT: &str = "guo-wenbo";
const MANAGER: &str = "chen-zhiqiang";
/// Of another part of the group.
const STRANGER: &str = "xu-haitao";

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_submitted_listed_approved_by_another_and_moves_an_open_duty() -> anyhow::Result<()> {
    let mut world = stepped().await?;
    let admin = Caller::of(&world, &world.installation.admin_token)?;
    let (second, agent) = (admin.another(&second(&admin)?)?, admin.another(AGENT)?);
    let number = registered(&world).await?;
    let visit = until("the duty to visit", LIMIT, || visit(&agent, &number)).await?;

    // Wednesday is no working day after all.
    let folder = TemporaryFolder::new()?;
    let set = with_another_holiday(folder.path())?;
    let refused = admin.refused(&["policy", "submit", &set, "--corrects", "calendar.cm"])?;
    assert!(refused.contains("/corrects") && refused.contains("did you mean 'calendar.cn'"), "{refused}");
    let submitted = admin.json(&["policy", "submit", &set, "--note", "节假日补正", "--corrects", "calendars"])?;
    let version = submitted["version"].as_i64().context("no version")?.to_string();
    assert_eq!(submitted["state"], "submitted");
    let listed = admin.done(&["policy", "list"])?;
    for said in ["submitted", "waits for", "节假日补正", "calendar.cn"] {
        assert!(listed.contains(said), "{said}: {listed}");
    }

    // What it would change, for people and for programs, with what is to be signed.
    // Of the list everybody gets what he may see.
    let shown = agent.json(&["policy", "changes", &version])?;
    let list: Foreseen = serde_json::from_value(shown["foreseen"].clone())?;
    let digest = list.digest.clone().context("no digest")?;
    let foreseen = list.changes.iter().find(|change| change.duty == visit.duty).context("the visit is not listed")?;
    assert!(foreseen.due_before == visit.due_at && foreseen.due_after > visit.due_at, "{foreseen:?}");
    let told = agent.done(&["policy", "changes", &version])?;
    for said in [digest.as_str(), "2026-03-04", "calendar.cn"] {
        assert!(told.contains(said), "{said}: {told}");
    }

    // Signed by another with the list that was seen; by who submitted it never.
    for (who, list) in [(&admin, Some(digest.as_str())), (&second, None), (&second, Some("0000"))] {
        let list = list.map(|list| vec!["--list", list]).unwrap_or_default();
        who.refused(&[&["policy", "approve", &version], list.as_slice()].concat())?;
    }
    let approved = second.json(&["policy", "approve", &version, "--list", &digest])?;
    let set = &approved["sets"][0];
    assert_eq!((&set["state"], &set["signatures"][0]["list"]["digest"]), (&json!("announced"), &json!(digest)), "{approved}");
    assert_eq!(self::visit(&agent, &number).await?.due_at, visit.due_at, "nothing is moved before its time");

    world.step("2026-03-02T09:10:00+08:00").await?;
    let moved = until("the visit to be due later", LIMIT, || async {
        let found = self::visit(&agent, &number).await?;
        anyhow::ensure!(found.due_at != visit.due_at, "{}", found.due_at);
        anyhow::Ok(found)
    })
    .await?;
    assert_eq!((moved.due_at, moved.policy), (foreseen.due_after, visit.policy));
    assert!(admin.done(&["policy", "list"])?.contains("in force"));
    world.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_set_listed_and_ended() -> anyhow::Result<()> {
    let mut world = stepped().await?;
    let admin = Caller::of(&world, &world.installation.admin_token)?;
    let (manager, stranger) = (admin.another(MANAGER)?, admin.another(STRANGER)?);
    let person = &["admin", "person"][..];
    let of = |arguments: &[&'static str]| [person, arguments].concat();

    let until = ["--until", "2026-03-04T12:00:00+08:00", "--reason", "培训"];
    let told = manager.done(&[&of(&["away", MANAGER]), &until[..]].concat())?;
    assert!(told.contains("chen-zhiqiang is away from 2026-03-02 09:00 until 2026-03-04 12:00"), "{told}");
    let later = ["--from", "2026-03-09T09:00:00+08:00", "--until", "2026-03-10T09:00:00+08:00"];
    let upcoming = admin.json(&[&of(&["away", MANAGER]), &later[..]].concat())?;
    assert_eq!((&upcoming["state"], &upcoming["set_by"]), (&json!("upcoming"), &json!("admin")), "{upcoming}");
    let refused = admin.refused(&[&of(&["away", MANAGER]), &later[..]].concat())?;
    assert!(refused.contains("/from") && refused.contains("away already"), "{refused}");
    stranger.refused(&[&of(&["away", MANAGER]), &["--from", "2026-03-20T09:00:00+08:00"][..]].concat())?;

    let listed = admin.done(&of(&["absences", MANAGER]))?;
    for said in ["current", "upcoming", "培训", "2026-03-04 12:00"] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
    assert!(!stranger.done(&of(&["absences"]))?.contains(MANAGER), "none of his business");
    admin.refused(&of(&["absences", "nobody"]))?;

    world.step("2026-03-03T09:00:00+08:00").await?;
    // Back before the time; back twice is refused. What has not begun is withdrawn by its id.
    stranger.refused(&of(&["back", MANAGER]))?;
    let ended = manager.json(&of(&["back", MANAGER]))?;
    assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("ended"), &json!(MANAGER)), "{ended}");
    assert!(manager.refused(&of(&["back", MANAGER]))?.contains("chen-zhiqiang is not away"));
    let which = upcoming["absence"].as_str().context("no id")?;
    let withdrawn = manager.done(&[&of(&["back", MANAGER]), &["--absence", which][..]].concat())?;
    assert!(withdrawn.contains("will not be away"), "{withdrawn}");
    assert_eq!(admin.json(&of(&["absences", MANAGER]))?["absences"], json!([]));
    assert_eq!(admin.json(&of(&["absences", MANAGER, "--all"]))?["absences"].as_array().map(Vec::len), Some(2));
    world.stack.stop().await;
    Ok(())
}

/// Somebody at the command line, with a token of his own.
struct Caller {
    url: String,
    token: String,
    folder: TemporaryFolder,
}

impl Caller {
    fn of(world: &World, token: &str) -> anyhow::Result<Self> {
        Ok(Self { url: world.installation.url.clone(), token: token.to_owned(), folder: TemporaryFolder::new()? })
    }

    /// Another person, with a token that this one makes for him.
    fn another(&self, person: &str) -> anyhow::Result<Self> {
        let made = self.json(&["admin", "token", person])?;
        let token = made["token"].as_str().context("no token")?.to_owned();
        Ok(Self { url: self.url.clone(), token, folder: TemporaryFolder::new()? })
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_")) {
            command.env_remove(name);
        }
        command.args(arguments).args(["--url", &self.url, "--token", &self.token]).arg("--dir").arg(self.folder.path());
        Ok(command.output()?)
    }

    /// What a command says for people.
    fn done(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments)?;
        anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())?).with_context(|| format!("{arguments:?}"))
    }

    /// What a command says that is understood and refused.
    fn refused(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments)?;
        anyhow::ensure!(output.status.code() == Some(i32::from(duban::exit::REFUSED)), "{arguments:?}: {output:?}");
        Ok(String::from_utf8(output.stderr)?)
    }
}

async fn stepped() -> anyhow::Result<World> {
    World::with(StackSettings { clock: Some(ClockSetting::Stepped { start: journey::START.into() }), ..StackSettings::test() }).await
}

/// Another administrator than the one who submits.
fn second(admin: &Caller) -> anyhow::Result<String> {
    let people = admin.json(&["admin", "person", "list"])?;
    let mut people = people["people"].as_array().into_iter().flatten();
    let second = people.find(|person| person["administers"] == true && person["id"] != "admin").context("no second administrator")?;
    Ok(second["id"].as_str().unwrap_or_default().to_owned())
}

/// The shipped set with another holiday, as it lies in a folder.
fn with_another_holiday(folder: &Path) -> anyhow::Result<String> {
    let mut changed = false;
    for source in duban::policy::sources::read(&[repository().join("policies")])? {
        let file = folder.join(&source.name);
        std::fs::create_dir_all(file.parent().context("no folder")?)?;
        let is_calendar = source.name.ends_with("cn.toml");
        changed |= is_calendar;
        let text = if is_calendar { source.text.replacen("holidays = [", "holidays = [\n  \"2026-03-04\",", 1) } else { source.text };
        std::fs::write(file, text)?;
    }
    anyhow::ensure!(changed, "no calendar");
    Ok(folder.to_str().context("a folder without a name")?.to_owned())
}

/// The customer's case by its number.
async fn registered(world: &World) -> anyhow::Result<String> {
    let body = json!({
        "channel": "phone", "unit": "RJ", "kind": "product_complaint", "subject": "软件账单算错",
        "reporter": { "name": "罗建平", "phone": "19900000101" }, "fields": {},
    });
    let accepted: Accepted = world.installation.producer("web")?.send_report("form-1", &serde_json::from_value(body)?).await?;
    let gateway = world.installation.person(AGENT).await?;
    until("the report to be a case", LIMIT, || async {
        Ok::<_, anyhow::Error>(gateway.track(&accepted.tracking_code).await?.case.context("not registered yet")?.number)
    })
    .await
}

/// The open duty to visit, as `duban case show` has it.
async fn visit(agent: &Caller, number: &str) -> anyhow::Result<DutyEvent> {
    let shown = agent.json(&["case", "show", number])?;
    let duties: Vec<DutyEvent> = serde_json::from_value(shown["duties"].clone())?;
    duties.into_iter().find(|duty| duty.rule == "visit" && duty.closed_at.is_none()).context("not there yet")
}
