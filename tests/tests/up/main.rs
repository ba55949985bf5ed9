//! `duban up` as a newcomer uses it: the real program, one folder, everything through its commands.

mod asking;
mod commands;
mod here;
mod people;
mod ports;
mod readme;
mod told;

use anyhow::Context;
use asking::{cases, gateway, is, people};
use commands::{commands_answer_people_and_programs, dead_letters};
use duban_contracts::subjects::service;
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_local::{Nats, NatsSettings, Postgres, PostgresSettings, Secrets};
use duban_tests::until;
use duban_tests::world::repository;
use here::{Env, Here, NAMED, found, myself, write_program};
use people::producers_and_people;
use ports::Ports;
use readme::as_the_readme_says;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};
use told::{first_reports, told_where_everything_is, what_is_taken_is_on_disk};

/// Programs that were not made to be fast, on a machine that others use too.
const LIMIT: Duration = Duration::from_secs(120);
const ROWS: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_lives_in_one_folder_from_up_to_clean() -> anyhow::Result<()> {
    let mut here = Here::new()?;
    let ports = Ports::free()?;
    here.environment = ports.variables();
    let mut up = here.up(&ports.flags().each_ref().map(String::as_str)).await?;
    here.environment.clear();
    let env = here.env()?;
    ports.are_those_of(&env).await?;
    told_where_everything_is(&here, &up, &env).await?;
    what_is_taken_is_on_disk(&here, &env).await?;
    let mut expected = first_reports(&here, &up, &env).await?;
    expected += imported_once_though_it_was_killed(&here, &env).await?;
    dead_letters(&here, &env).await?;
    expected += producers_and_people(&here, &env).await?;
    expected += as_the_readme_says(&here)?;
    commands_answer_people_and_programs(&here)?;
    until("all to be cases", LIMIT, || async { is(cases(&env).await?, expected) }).await?;

    stops_in_order(&here, &mut up).await?;

    let mut again = here.up_while_one_hangs().await?;
    assert_eq!(here.env()?, env, "logins, tokens and ports stay");
    until("the cases of before to be listed", LIMIT, || async {
        is(here.json(&["case", "list"])?["total"].as_i64().unwrap_or_default(), expected)
    })
    .await?;
    assert!(!here.said(&again)?.contains("NOT IN FORCE"), "nothing has changed");
    // The start that is running is in the way of another.
    assert!(!here.duban(&["up", "--exit"]).output()?.status.success());

    // Postgres is the last to stop.
    let running = found(&here.data, "postgres.log")?.with_file_name("data").join("postmaster.pid");
    assert!(running.exists());
    // It refuses to run as root; whoever starts it as root has it run as another.
    assert_ne!(std::fs::metadata(&running)?.uid(), 0);
    assert_eq!(here.json(&["down"])?, json!({ "stopped": true }));
    assert!(!running.exists(), "down waits until all has stopped");
    assert_eq!(here.json(&["down"])?, json!({ "stopped": false }));
    assert!(again.wait(LIMIT).await, "it goes on after down");
    for command in [&["case", "list"][..], &["report", "send", "--subject", "x", "--via", "nats"], &["dead", "list"]] {
        here.refused(command, duban::exit::UNAVAILABLE, "")?;
    }
    assert!(here.data.join("env").exists());
    assert_eq!(here.json(&["clean"])?, json!({ "forgotten": true }));
    assert!(!here.data.exists());
    assert_eq!(here.json(&["clean"])?, json!({ "forgotten": false }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_policies_are_brought_by_the_next_start_and_never_passed_over() -> anyhow::Result<()> {
    // The whole of it as a user who is not root, with programs that settings name.
    let here = Here::of_somebody()?;
    let policies = here.folder.path().join("policies");
    duban_local::place::copy_folder(&repository().join("policies"), &policies)?;
    let at = policies.display().to_string();
    let news = |up: &Value| up["policies"].clone();
    let nothing = json!({ "given": [], "waiting": [] });
    let first = here.json(&["up", "--exit", "--policies", &at])?;
    assert_eq!((first["ready"].as_bool(), news(&first)), (Some(true), nothing.clone()));
    for log in ["postgres.log", "nats.log"] {
        let text = std::fs::read_to_string(found(&here.data, log)?)?;
        assert!(text.contains(NAMED), "{log} does not tell of the program that was named: {text}");
    }
    let owner = std::fs::metadata(here.data.join("postgres/data/PG_VERSION"))?.uid();
    assert_eq!(owner, here.user.map_or(myself()?, |user| user.uid), "Postgres ran as somebody else");

    change(&policies.join("basics.toml"), "value = \"2h\"", "value = \"3h\"")?;
    change(&policies.join("organisation.toml"), "name = \"宋志强\"", "name = \"宋志刚\"")?;
    let mut up = here.up(&["--policies", &at]).await?;
    let said = here.said(&up)?;
    for part in
        ["The organisation file has changed", "submitted as a new set", "Policy set 2, submitted by admin, is NOT IN FORCE", "/policies"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let env = here.env()?;
    let people = people(&env).await?;
    assert!(people.iter().any(|person| person["name"] == "宋志刚"), "the organisation is as the file says");

    // A second person approves, as it said; then it comes into force by itself.
    let second =
        people.iter().find(|person| person["administers"] == true && person["id"] != "admin").context("no second administrator")?;
    let second = second["id"].as_str().unwrap_or_default();
    assert!(said.contains(second), "{second} may approve: {said}");
    let token = here.json(&["admin", "token", second])?["token"].as_str().context("no token")?.to_owned();
    let waiting = here.done(&["policy", "list"])?;
    assert!(waiting.contains("waits for second person") && waiting.contains(second), "{waiting}");
    let own = here.duban(&["policy", "approve", "2"]).output()?;
    assert_eq!(own.status.code(), Some(i32::from(duban::exit::REFUSED)), "not by who submitted it");
    let announced = here.json(&["policy", "approve", "2", "--token", &token])?;
    assert_eq!(announced["sets"][0]["state"], "announced", "{announced}");
    until("the set to be in force", LIMIT, || async {
        let sets: Value = gateway(&env)?.get("/v1/policies", &()).await?;
        is(sets["in_force"].as_i64().unwrap_or_default(), 2)
    })
    .await?;
    back_and_withdrawn(&here, &at)?;
    assert!(up.stop(LIMIT).await);

    // What cannot be stops the start, with its place, and is not taken for applied.
    let whole = std::fs::read_to_string(policies.join("basics.toml"))?;
    std::fs::write(policies.join("basics.toml"), format!("{whole}\n[nonsense]\nx = 1\n"))?;
    let refused = here.duban(&["up", "--exit", "--policies", &at]).output()?;
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(i32::from(duban::exit::REFUSED)), "{complaint}");
    assert!(complaint.contains("basics.toml:"), "{complaint}");

    std::fs::write(policies.join("basics.toml"), whole)?;
    let last = here.json(&["up", "--exit", "--policies", &at])?;
    assert_eq!(news(&last), nothing);
    Ok(())
}

/// Whatever was given out is kept as soon as it is there: a start that fails, a token that has run out and a folder of an older version lock
/// nobody out.
#[tokio::test(flavor = "multi_thread")]
async fn no_start_loses_the_way_in() -> anyhow::Result<()> {
    let here = Here::new()?;
    let policies = here.folder.path().join("policies");
    duban_local::place::copy_folder(&repository().join("policies"), &policies)?;
    let at = policies.display().to_string();
    let whole = std::fs::read_to_string(policies.join("basics.toml"))?;
    std::fs::write(policies.join("basics.toml"), format!("{whole}\n[nonsense]\nx = 1\n"))?;
    let refused = here.duban(&["up", "--exit", "--policies", &at]).output()?;
    assert_eq!(refused.status.code(), Some(i32::from(duban::exit::REFUSED)), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(here.data.join("credentials").exists() && !here.data.join("env").exists(), "what was made is kept, and nobody told");

    // The next start goes on from there.
    std::fs::write(policies.join("basics.toml"), whole)?;
    let mut up = here.up(&["--policies", &at]).await?;
    let first = here.env()?;
    assert!(here.done(&["admin", "person", "list"])?.contains("admin"));
    // Tokens run out; passwords do not.
    let operator = duban::env_file::operator(&here.data)?;
    let mut database = PgConnection::connect(&operator["DUBAN_SUPERUSER_URL"]).await?;
    let run_out = "update identity.api_token set expires_at = clock_timestamp() - interval '1 second'";
    assert!(sqlx::query(run_out).execute(&mut database).await?.rows_affected() >= 2);
    here.refused(&["admin", "person", "list"], duban::exit::REFUSED, "")?;
    assert!(up.stop(LIMIT).await);

    let mut up = here.up(&["--policies", &at]).await?;
    let second = here.env()?;
    for token in ["DUBAN_ADMIN_TOKEN", "DUBAN_MANAGER_TOKEN"] {
        assert_ne!(first[token], second[token], "{token}");
    }
    for stays in ["DUBAN_ADMIN_PASSWORD", "DUBAN_PASSWORD", "DUBAN_TOKEN_HOTLINE", "DUBAN_TOKEN_WEB"] {
        assert_eq!(first[stays], second[stays], "{stays}");
    }
    assert!(here.done(&["admin", "person", "list"])?.contains("admin"));
    here.done(&["case", "list"])?;
    assert!(up.stop(LIMIT).await);

    // An older version kept what it gave out in the file for shells alone.
    std::fs::remove_file(here.data.join("credentials"))?;
    here.json(&["up", "--exit", "--policies", &at])?;
    assert_eq!(here.env()?, second);

    // With nothing kept, an administrator's token from elsewhere is a way in.
    std::fs::remove_file(here.data.join("credentials"))?;
    std::fs::remove_file(here.data.join("env"))?;
    here.refused_start(&at)?;
    assert!(!here.data.join("credentials").exists(), "what it tried with is nobody's");
    here.json(&["up", "--exit", "--policies", &at, "--token", &second["DUBAN_ADMIN_TOKEN"]])?;
    assert_eq!(here.env()?["DUBAN_ADMIN_TOKEN"], second["DUBAN_ADMIN_TOKEN"]);
    Ok(())
}

/// Sets from the command line: the way back to the first, and the folder as it is, each taken back again.
fn back_and_withdrawn(here: &Here, policies: &str) -> anyhow::Result<()> {
    let back = here.json(&["policy", "back", "1", "--note", "two hours were right"])?;
    assert_eq!((&back["version"], &back["state"]), (&json!(3), &json!("submitted")));
    let told = here.done(&["policy", "changes", "3"])?;
    assert!(told.contains("3小时 → 2小时") && told.contains("3 hours → 2 hours"), "{told}");
    assert!(here.done(&["policy", "list"])?.contains("back to version 1"));
    let withdrawn = here.json(&["policy", "withdraw", "3"])?;
    assert_eq!(withdrawn["sets"][0]["state"], "withdrawn", "{withdrawn}");
    let again = here.json(&["policy", "submit", policies, "--note", "the same"])?;
    assert_eq!((&again["version"], &again["state"]), (&json!(4), &json!("submitted")));
    assert_eq!(here.json(&["policy", "changes", "4"])?["changes"], json!([]));
    here.done(&["policy", "withdraw", "4"])?;
    rehearsed(here, policies)?;
    let read = here.done(&["policy", "read", "car-dealer-complaints", "--set", policies, "--english"])?;
    assert!(read.contains("Article 2.5") && read.contains("within 24 hours"), "{read}");
    Ok(())
}

/// A draft from the command line: of files, of a version, and what cannot be.
fn rehearsed(here: &Here, policies: &str) -> anyhow::Result<()> {
    let pack = format!("{policies}/basics.toml");
    let whole = here.json(&["policy", "rehearse", &pack, "--since", "2026-01-01", "--only", "basics"])?;
    assert_eq!((&whole["rehearsal"]["state"], &whole["rehearsal"]["packs"]), (&json!("done"), &json!(["basics"])), "{whole}");
    assert_eq!(whole["rehearsal"]["made"]["draft"], whole["rehearsal"]["made"]["real"], "as it is in force: {whole}");
    let told = here.done(&["policy", "rehearse", "--version", "1", "--since", "2026-01-01"])?;
    assert!(told.contains("basics") && told.contains("合计 in all"), "{told}");
    here.refused(&["policy", "rehearse", &pack, "--since", "soon"], duban::exit::REFUSED, "is no date")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_run_already_are_used_instead_of_private_ones() -> anyhow::Result<()> {
    let here = Here::new()?;
    let secrets = Secrets::in_folder(here.data.join("secrets"))?;
    let elsewhere = TemporaryFolder::new()?;
    let settings = PostgresSettings { dir: Some(elsewhere.path().join("postgres")), port: None, durable: false, template: true };
    let postgres = Postgres::start(settings).await?;
    let nats = Nats::start(NatsSettings { dir: Some(elsewhere.path().join("nats")), port: None, secrets: Some(secrets) }).await?;
    let (database, broker) = (postgres.superuser_url("postgres"), nats.url());
    let up = here.json(&["up", "--exit", "--postgres-url", &database, "--broker-url", &broker])?;
    assert_eq!(up["ready"].as_bool(), Some(true), "{up}");
    assert!(!here.data.join("postgres").exists() && !here.data.join("nats").exists(), "private ones were started besides");
    let mut installed = PgConnection::connect(&postgres.superuser_url("duban")).await?;
    let sets: i64 = sqlx::query_scalar("select count(*) from policy.applied_set").fetch_one(&mut installed).await?;
    assert_eq!(sets, 1, "installed there");
    // They go on running: they are not ours to stop.
    assert!(tokio::net::TcpStream::connect(broker.trim_start_matches("nats://")).await.is_ok());
    Ok(())
}

#[test]
fn the_program_prints_the_schema_of_every_kind_of_file() -> anyhow::Result<()> {
    let here = Here::new()?;
    for of in ["pack", "calendar", "organisation"] {
        let printed = here.json(&["policy", "schema", of])?;
        let published = std::fs::read_to_string(repository().join(format!("policies/schema/{of}.schema.json")))?;
        assert_eq!(printed, serde_json::from_str::<Value>(&published)?, "{of}");
    }
    Ok(())
}

#[test]
fn what_cannot_work_is_said_before_anything_is_made() -> anyhow::Result<()> {
    let mut here = Here::new()?;
    let old = here.folder.path().join("old");
    std::fs::create_dir(&old)?;
    for program in ["postgres", "initdb"] {
        write_program(&old.join(program), "echo 'postgres (PostgreSQL) 16.4'")?;
    }
    let (old, nowhere) = (old.display().to_string(), "/nowhere".to_owned());
    for (setting, value, said) in [
        ("DUBAN_POSTGRES_BIN", &old, "PostgreSQL 17 or newer is needed"),
        ("DUBAN_POSTGRES_BIN", &nowhere, "PostgreSQL (initdb, postgres) was not found"),
        ("DUBAN_NATS_SERVER", &nowhere, "nats-server was not found"),
    ] {
        here.environment = vec![(setting.to_owned(), value.clone())];
        let complaint = here.refused(&["up", "--exit"], duban::exit::FAILED, said)?;
        assert!(complaint.contains(setting), "{complaint}");
        let is_made = here.data.join("postgres/data/PG_VERSION").exists();
        assert!(!is_made || setting != "DUBAN_POSTGRES_BIN", "a cluster was made");
    }
    here.environment = vec![("DUBAN_GATEWAY_PORT".to_owned(), "many".to_owned())];
    let complaint = here.duban(&["up", "--exit"]).output()?;
    assert_eq!(complaint.status.code(), Some(i32::from(duban::exit::USAGE)));
    assert!(String::from_utf8_lossy(&complaint.stderr).contains("--gateway-port"), "{complaint:?}");
    // An installation that is not there: what would name it.
    here.environment.clear();
    for command in [&["case", "list"][..], &["report", "send", "--subject", "x"]] {
        here.refused(command, duban::exit::FAILED, "DUBAN_URL is not known")?;
    }
    here.refused(&["dead", "list"], duban::exit::FAILED, "DUBAN_OPERATOR_NATS_URL")?;
    Ok(())
}

/// An import that is killed half-way and run again makes every row one case. Gives how many.
async fn imported_once_though_it_was_killed(here: &Here, env: &Env) -> anyhow::Result<i64> {
    let (file, mapping) = (here.folder.path().join("calls.csv"), here.folder.path().join("calls.mapping.toml"));
    let mut rows = String::from("nr,store,what,phone\n");
    for nr in 0..ROWS {
        writeln!(rows, "{nr},MD0{},第{nr}件：空调不制冷,1990100{nr:04}", 1 + nr % 3)?;
    }
    std::fs::write(&file, rows)?;
    std::fs::write(&mapping, "key = \"call-{nr}\"\nunit = \"{store}\"\nsubject = \"{what}\"\n\n[reporter]\nphone = \"{phone}\"\n")?;
    let (file, mapping) = (file.display().to_string(), mapping.display().to_string());
    let arguments = ["report", "import", &file, "--mapping", &mapping, "--channel", "phone", "--parallel"];

    let before = cases(env).await?;
    let slowly = [&arguments[..], &["1"]].concat();
    let mut import = Process::spawn("import", here.duban(&slowly), &here.folder.path().join("import.log"), Signal::TERM)?;
    until("some to be registered", LIMIT, || async {
        anyhow::ensure!(cases(env).await? > before + 100, "not yet");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    import.fail_if_ended().context("it was over before it could be killed")?;
    import.kill9().await;
    let imported = here.json(&[&arguments[..], &["32"]].concat())?;
    assert_eq!((imported["rows"].as_u64(), imported["accepted"].as_u64()), (Some(ROWS as u64), Some(ROWS as u64)), "{imported}");
    let made = i64::try_from(ROWS)?;
    until("every row to be a case", LIMIT, || async { is(cases(env).await?, before + made) }).await?;
    Ok(made)
}

/// Ctrl-C: the services are gone before the broker, and that before Postgres; all of them in order.
async fn stops_in_order(here: &Here, up: &mut Process) -> anyhow::Result<()> {
    up.signal(Signal::INT);
    assert!(up.wait(LIMIT).await, "it goes on after Ctrl-C");
    assert!(up.ended().is_some_and(|status| status.success()), "{}", up.tail());
    assert!(here.said(up)?.contains("The data stays"));
    // The last thing that each of them wrote.
    let logs = here.data.join("logs");
    let last = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).with_context(|| path.display().to_string());
    let services = service::ALL.into_iter().map(|name| last(&logs.join(format!("{name}.log"))));
    let services = services.collect::<anyhow::Result<Vec<SystemTime>>>()?.into_iter().max().context("no services")?;
    let (broker, postgres) = (last(&found(&here.data, "nats.log")?)?, last(&found(&here.data, "postgres.log")?)?);
    assert!(services <= broker && broker <= postgres, "{services:?} {broker:?} {postgres:?}");
    let text = std::fs::read_to_string(found(&here.data, "postgres.log")?)?;
    assert!(text.contains("database system is shut down"), "{text}");
    Ok(())
}

fn change(path: &Path, from: &str, to: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)?;
    anyhow::ensure!(text.contains(from), "{} has no {from}", path.display());
    Ok(std::fs::write(path, text.replacen(from, to, 1))?)
}
