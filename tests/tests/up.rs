//! `duban up` as a newcomer uses it: the real program, one folder, everything through its commands.

use anyhow::Context;
use duban_contracts::subjects::service;
use duban_local::account::Account;
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_local::{Nats, NatsSettings, Port, Postgres, PostgresSettings, Secrets};
use duban_tests::until;
use duban_tests::world::repository;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncBufReadExt;

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

    let mut again = here.up(&[]).await?;
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
    here.done(&["down"])?;
    assert!(!running.exists(), "down waits until all has stopped");
    assert!(again.wait(LIMIT).await, "it goes on after down");
    for command in [&["case", "list"][..], &["report", "send", "--subject", "x", "--via", "nats"], &["dead", "list"]] {
        here.refused(command, duban::exit::UNAVAILABLE, "")?;
    }
    assert!(here.data.join("env").exists());
    here.done(&["clean"])?;
    assert!(!here.data.exists());
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
    let read = here.done(&["policy", "read", "car-dealer-complaints", "--set", policies, "--english"])?;
    assert!(read.contains("Article 2.5") && read.contains("within 24 hours"), "{read}");
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

/// The file `env`, for its owner alone, with all that a newcomer's shell needs, and nothing in it that is not good.
async fn told_where_everything_is(here: &Here, up: &Process, env: &Env) -> anyhow::Result<()> {
    let said = here.said(up)?;
    let addresses: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with("http://")).collect();
    // Pages, form, tracking, API, mail.
    assert_eq!(addresses.len(), 5, "{said}");
    for address in addresses {
        let answer = reqwest::get(address).await?;
        assert!(answer.status().is_success(), "{address}: {}", answer.status());
    }
    assert_eq!(std::fs::metadata(here.data.join("env"))?.permissions().mode() & 0o777, 0o600);
    for name in
        ["DUBAN_URL", "DUBAN_TOKEN_HOTLINE", "DUBAN_TOKEN_WEB", "DUBAN_NATS_URL", "DUBAN_DATABASE_URL", "DUBAN_LOGIN", "DUBAN_PASSWORD"]
    {
        assert!(env.get(name).is_some_and(|value| !value.is_empty()), "{name}");
    }
    assert!(log_in(env, &env["DUBAN_LOGIN"], &env["DUBAN_PASSWORD"]).await?);
    // The database is for looking: everything can be read, nothing can be changed.
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    for schema in ["intake.cases", "escalation.duty", "notifications.delivery", "archive.record", "identity.person"] {
        sqlx::query(AssertSqlSafe(format!("select from {schema} limit 1"))).execute(&mut database).await.context(schema)?;
    }
    for change in ["delete from intake.cases", "update identity.person set disabled = true", "create table intake.mine (x int)"] {
        assert!(sqlx::query(AssertSqlSafe(change.to_owned())).execute(&mut database).await.is_err(), "{change}");
    }
    Ok(())
}

/// Postgres and the broker, as they run, say that what they have taken is on disk.
async fn what_is_taken_is_on_disk(here: &Here, env: &Env) -> anyhow::Result<()> {
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let shown: String = sqlx::query_scalar(AssertSqlSafe(format!("show {setting}"))).fetch_one(&mut database).await?;
        assert_eq!(shown, "on", "{setting}");
    }
    let log = std::fs::read_to_string(found(&here.data, "nats.log")?)?;
    let monitor = log.rsplit_once("Starting http monitor on ").context("the broker does not say where its monitor is")?.1;
    let monitor = monitor.split_whitespace().next().unwrap_or_default();
    let shown: Value = reqwest::get(format!("http://{monitor}/jsz?config=true&streams=true")).await?.json().await?;
    assert_eq!(shown["config"]["sync_always"], true, "{}", shown["config"]);
    let accounts = shown["account_details"].as_array().context("no accounts")?;
    let streams: Vec<&Value> = accounts.iter().filter_map(|account| account["stream_detail"].as_array()).flatten().collect();
    assert_eq!(streams.len(), service::ALL.len() + 1, "each service's events, and the reports: {shown}");
    for stream in streams {
        assert_eq!(stream["config"]["storage"], "file", "{stream}");
    }
    Ok(())
}

/// What `up` prints is typed as it stands, and gives cases that somebody is responsible for. Gives how many.
async fn first_reports(here: &Here, up: &Process, env: &Env) -> anyhow::Result<i64> {
    let said = here.said(up)?;
    let line = said.lines().find(|line| line.contains(" report send ")).context("it does not say how to send a report")?;
    let script = format!(". {} && {line} --json", here.data.join("env").display());
    let sent = shell(&script, here.folder.path())?;
    let accepted: Value = serde_json::from_slice(&sent.stdout).with_context(|| String::from_utf8_lossy(&sent.stderr).into_owned())?;
    assert_eq!(accepted["accepted"]["warnings"].as_array().map_or(0, Vec::len), 0, "{accepted}");
    let case = until("the first case", LIMIT, || async {
        let listed = here.json(&["case", "list"])?;
        listed["cases"].as_array().and_then(|cases| cases.first()).cloned().context("none yet")
    })
    .await?;
    assert_eq!((&case["unit"], &case["unsorted"]), (&json!("MD01"), &json!(false)), "{case}");
    let number = case["number"].as_str().context("no number")?;
    assert!(here.done(&["case", "show", number])?.contains(number));
    let whole = until("the first duty", LIMIT, || async {
        let whole = here.json(&["case", "show", number])?;
        anyhow::ensure!(whole["duties"].as_array().is_some_and(|duties| !duties.is_empty()), "{whole}");
        Ok::<_, anyhow::Error>(whole)
    })
    .await?;
    assert_eq!(whole["detail"]["summary"]["number"], number);
    assert!(whole["timeline"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["event"] == "case.registered")));
    let code = accepted["accepted"]["tracking_code"].as_str().context("no code")?;
    assert_eq!(here.json(&["report", "track", code])?["case"]["number"], number);

    let said = here.said(up)?;
    let (_, printed) = said.split_once("in another terminal:\n").context("it does not say how to begin")?;
    let (by_curl, _) = printed.split_once("\nor\n").context("it does not say how to send a report otherwise")?;
    let sent = 1 + by_curl_sent(by_curl, here.folder.path())?;
    until("the second case", LIMIT, || async { is(cases(env).await?, sent) }).await?;
    Ok(sent)
}

/// A newcomer's lines that send one report by curl. Gives how many were sent: none where there is no curl.
fn by_curl_sent(lines: &str, folder: &Path) -> anyhow::Result<i64> {
    assert!(lines.contains("source ") && lines.contains("curl "), "{lines}");
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("\n*** SKIPPED: there is no curl here, so these lines were not tried:\n{lines}\n***\n");
        return Ok(0);
    }
    let said = bash(lines, folder)?;
    let accepted: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    assert!(accepted["receipt"].is_string() && accepted["tracking_code"].is_string(), "{accepted}");
    assert!(accepted["warnings"].as_array().is_none_or(Vec::is_empty), "{accepted}");
    Ok(1)
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

/// What no service can read lies in its dead letters, and the operator looks at it.
async fn dead_letters(here: &Here, env: &Env) -> anyhow::Result<()> {
    assert!(here.done(&["dead", "list"])?.contains("no dead letters"));
    let mut url = reqwest::Url::parse(&env["DUBAN_NATS_URL"])?;
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| anyhow::anyhow!("{url} takes no credentials"))?;
    let password = Secrets::in_folder(here.data.join("secrets"))?.nats_password("intake")?;
    let intake = async_nats::ConnectOptions::with_user_and_password("intake".into(), password).connect(url.as_str()).await?;
    intake.publish("duban.intake.v1.case.registered", "not an event".into()).await?;
    intake.flush().await?;
    let letter = until("the dead letter", LIMIT, || async {
        let found = here.json(&["dead", "list", "escalation"])?;
        found["escalation"]["letters"][0]["letter"].as_str().map(str::to_owned).context("none yet")
    })
    .await?;
    let shown = here.json(&["dead", "show", "escalation", &letter])?;
    assert_eq!((&shown["letter"]["reason"], &shown["body"]), (&json!("no headers"), &json!("not an event")), "{shown}");
    assert!(here.done(&["dead", "show", "escalation", &letter])?.contains("not an event"));
    assert!(here.done(&["dead", "list"])?.contains(&letter));

    // Given back, it is handled again under its own id; since nothing was put right, it will lie there again.
    assert!(here.done(&["dead", "replay", "escalation", &letter])?.contains(&letter));
    let replayed = here.json(&["dead", "replay", "escalation", &letter])?;
    let by = replayed["replayed_by"].as_str().context("it is not recorded who replayed it")?;
    assert!(by.starts_with("operator/") && replayed["replayed_at"].is_string(), "{replayed}");
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    let again = "select attempts from escalation.set_aside where id = $1 and attempts > 0
                 union select 0 from escalation.dead_letter where id = $1 and replayed_at is null";
    let id: uuid::Uuid = letter.parse()?;
    until("the dead letter to be handled again", LIMIT, || async {
        let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
        sqlx::query_scalar::<_, i32>(again).bind(id).fetch_optional(&mut database).await?.context("not yet")
    })
    .await?;
    let acts: Vec<(String, String)> =
        sqlx::query_as("select act, by from escalation.dead_letter_act order by at").fetch_all(&mut database).await?;
    let acts: Vec<(&str, &str)> = acts.iter().map(|(act, by)| (act.as_str(), by.as_str())).collect();
    assert_eq!(acts, [("shown", by), ("shown", by), ("replayed", by), ("replayed", by)]);
    Ok(())
}

/// README's own lines, as they stand, in a folder that looks like the project's after `make up`. Gives how many reports were sent.
fn as_the_readme_says(here: &Here) -> anyhow::Result<i64> {
    let readme = std::fs::read_to_string(repository().join("README.md"))?;
    let (_, section) = readme.split_once("## Send a report").context("README says nothing of sending")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks: Vec<(&str, &str)> = section.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let [("sh", by_curl), ("sh", by_program), ("python", by_urllib), ("python", by_nats)] = blocks.as_slice() else {
        anyhow::bail!("README's blocks are others than are tried here: {blocks:?}");
    };
    let folder = here.data.parent().context("no folder")?;
    std::fs::create_dir_all(folder.join("target/release"))?;
    std::os::unix::fs::symlink(&here.program, folder.join("target/release/duban"))?;
    std::fs::write(folder.join("FILE.csv"), "unit,subject\nMD01,货架倒了\nMD01,收银排队太久\n")?;

    // One by the program and two of a file; one from Python.
    let sent = 4 + by_curl_sent(by_curl, folder)?;
    let said = bash(&format!("shopt -s expand_aliases\n{by_program}"), folder)?;
    assert!(said.contains("tracking code") && said.contains("2 rows: 2 accepted"), "{said}");

    let python = |program: &str, with: &str| {
        std::fs::write(folder.join("block.py"), program)?;
        bash(&format!("source .duban/env\n{with} block.py"), folder)
    };
    let said = python(by_urllib, "python3")?;
    assert!(said.contains("'tracking_code': "), "{said}");
    let has_nats = |with: &str| bash(&format!("{with} -c 'import nats'"), folder).is_ok();
    let making = "python3 -m venv env && env/bin/pip install nats-py";
    assert!(section.contains(making), "README says otherwise how to get nats-py");
    let with = if has_nats("python3") {
        "python3"
    } else if bash(&format!("timeout 120 sh -c '{making}'"), folder).is_ok() && has_nats("env/bin/python") {
        "env/bin/python"
    } else {
        eprintln!("\n*** SKIPPED: nats-py is not here and cannot be installed, so README's lines for NATS were not tried ***\n");
        return Ok(sent);
    };
    let said = python(by_nats, with)?;
    assert!(said.contains("'tracking_code': ") && said.contains("'stream': 'REPORTS'"), "{said}");
    Ok(sent + 1)
}

/// Every command has an answer for people and one for programs; what went wrong is told on standard error alone, each by its exit code.
fn commands_answer_people_and_programs(here: &Here) -> anyhow::Result<()> {
    let listed = here.json(&["case", "list", "--limit", "1"])?;
    let number = listed["cases"][0]["number"].as_str().context("no case")?;
    for command in [
        &["case", "list"][..],
        &["case", "show", number],
        &["dead", "list"],
        &["dead", "list", "intake"],
        &["admin", "producer", "list"],
        &["admin", "person", "list"],
        &["policy", "check"],
        &["policy", "explain"],
        &["policy", "explain", "car-dealer-complaints/file_warning"],
        &["policy", "list"],
        &["policy", "coverage"],
        &["clock", "show"],
    ] {
        let (people, programs) = (here.duban(command).output()?, here.duban(&[command, &["--json"]].concat()).output()?);
        for output in [&people, &programs] {
            assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
        }
        let is_json = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).is_ok();
        assert!(is_json(&programs) && !is_json(&people) && !people.stdout.trim_ascii().is_empty(), "{command:?}: {people:?} {programs:?}");
    }

    use duban::exit::REFUSED;
    let nothing = uuid::Uuid::nil().to_string();
    for (command, said) in [
        (&["case", "show", "TS-19990101-0001"][..], "未找到"),
        (&["dead", "show", "intake", &nothing], "未找到"),
        (&["dead", "replay", "intake", &nothing], "未找到"),
        (&["policy", "explain", "no/such-rule"], "no/such-rule"),
        (&["policy", "read", "no-such-pack"], "no-such-pack"),
        (&["report", "send", "--subject", "x", "--token", "wrong"], "credential"),
        (&["report", "send", "--subject", "x", "--channel", "web", "--occurred-at", "2999-01-01T00:00:00Z"], "occurred_at"),
        (&["report", "track", "AAAA-AAAA-AAAA-AA"], "查询码不存在"),
        (&["admin", "producer", "create", "app", "--name", "x", "--unit", "MD01"], "taken"),
        (&["admin", "create", "--email", "second@duban.example"], "administrator"),
    ] {
        here.refused(command, REFUSED, said)?;
    }
    for command in [&["case", "frobnicate"][..], &["dead", "show", "gateway", &nothing], &["bench", "everything"]] {
        let output = here.duban(command).output()?;
        assert_eq!(output.status.code(), Some(i32::from(duban::exit::USAGE)), "{command:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{command:?}: {output:?}");
    }
    Ok(())
}

/// A producer and a person are made while everything runs, and can be used at once. Gives how many reports were sent.
async fn producers_and_people(here: &Here, env: &Env) -> anyhow::Result<i64> {
    let made = here.json(&["admin", "producer", "create", "app", "--name", "门店小程序", "--unit", "MD02"])?;
    let token = made["token"].as_str().context("no token")?;
    let sent = here.json(&["report", "send", "--token", token, "--key", "app-1", "--subject", "冰箱有异响"])?;
    assert!(sent["accepted"]["receipt"].is_string(), "{sent}");
    let over_nats = here.json(&["report", "send", "--via", "nats", "--channel", "phone", "--unit", "BJ01", "--subject", "刹车异响"])?;
    assert_eq!(over_nats["accepted"]["stream"], "REPORTS", "{over_nats}");
    let told = here.done(&["admin", "person", "create", "zhao-min", "--name", "赵敏", "--webhook", "https://hooks.example/zhao"])?;
    let password = told.lines().find_map(|line| line.trim().strip_prefix("password")).context("no password is shown")?.trim();
    assert!(log_in(env, "zhao-min", password).await?, "{told}");
    let webhook =
        until("notifications to know the address", LIMIT, || async { here.json(&["admin", "person", "webhook", "zhao-min"]) }).await?;
    assert!(webhook["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{webhook}");
    Ok(2 + renewed_and_shut_out(here, env, token, password).await?)
}

/// The producer `app` is given a new token and the person `zhao-min` a new password; then both are disabled. Gives how many reports were
/// sent.
async fn renewed_and_shut_out(here: &Here, env: &Env, token: &str, password: &str) -> anyhow::Result<i64> {
    use duban::exit::REFUSED;
    let send = |token: &str, key: &str| ["report", "send", "--token", token, "--key", key, "--subject", "冰箱有异响"].map(str::to_owned);
    let refused = |token: &str, key: &str| {
        let command = send(token, key);
        here.refused(&command.each_ref().map(String::as_str), REFUSED, "credential")
    };
    let renewed = here.json(&["admin", "producer", "token", "app"])?;
    let renewed = renewed["token"].as_str().context("no token")?;
    assert_ne!(renewed, token);
    refused(token, "app-2")?;
    let sent = here.json(&send(renewed, "app-2").each_ref().map(String::as_str))?;
    assert!(sent["accepted"]["receipt"].is_string(), "{sent}");
    here.done(&["admin", "producer", "disable", "app"])?;
    refused(renewed, "app-3")?;

    let told = here.done(&["admin", "person", "reset", "zhao-min"])?;
    let other = told.lines().find_map(|line| line.trim().strip_prefix("password")).context("no password is shown")?.trim();
    assert!(!log_in(env, "zhao-min", password).await? && log_in(env, "zhao-min", other).await?, "{told}");
    here.done(&["admin", "person", "disable", "zhao-min"])?;
    assert!(!log_in(env, "zhao-min", other).await?, "he is disabled");
    let is_disabled = |list: Value, of: &str, id: &str| {
        let one = list[of].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).cloned();
        one.is_some_and(|one| one["disabled"] == true)
    };
    assert!(is_disabled(here.json(&["admin", "producer", "list"])?, "producers", "app"));
    assert!(is_disabled(here.json(&["admin", "person", "list"])?, "people", "zhao-min"));
    for command in [["admin", "producer", "token", "nobody"], ["admin", "producer", "disable", "nobody"]] {
        here.refused(&command, REFUSED, "")?;
    }
    for command in [["admin", "person", "reset", "nobody"], ["admin", "person", "disable", "nobody"]] {
        here.refused(&command, REFUSED, "")?;
    }
    Ok(1)
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

type Env = BTreeMap<String, String>;

/// Ports that an operator has chosen.
struct Ports {
    gateway: u16,
    broker: u16,
    postgres: u16,
    mail: u16,
}

impl Ports {
    /// Free ones, given back so that the program can take them.
    fn free() -> anyhow::Result<Self> {
        let held = [Port::reserve()?, Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let [gateway, broker, postgres, mail] = held.each_ref().map(Port::number);
        Ok(Self { gateway, broker, postgres, mail })
    }

    /// Two of them are named by flags,
    fn flags(&self) -> [String; 4] {
        ["--gateway-port".into(), self.gateway.to_string(), "--nats-port".into(), self.broker.to_string()]
    }

    /// two by variables.
    fn variables(&self) -> Vec<(String, String)> {
        [("DUBAN_POSTGRES_PORT", self.postgres), ("DUBAN_MAIL_PAGE_PORT", self.mail)]
            .map(|(name, port)| (name.to_owned(), port.to_string()))
            .to_vec()
    }

    /// Each is in the file `env`, and what listens there is what was to listen there.
    async fn are_those_of(&self, env: &Env) -> anyhow::Result<()> {
        assert_eq!(env["DUBAN_URL"], format!("http://127.0.0.1:{}", self.gateway));
        assert!(env["DUBAN_NATS_URL"].ends_with(&format!("@127.0.0.1:{}", self.broker)), "{}", env["DUBAN_NATS_URL"]);
        assert!(env["DUBAN_DATABASE_URL"].contains(&format!("@127.0.0.1:{}/", self.postgres)), "{}", env["DUBAN_DATABASE_URL"]);
        assert_eq!(env["DUBAN_MAIL_URL"].trim_end_matches('/'), format!("http://127.0.0.1:{}", self.mail));

        let alive = reqwest::get(format!("http://127.0.0.1:{}/livez", self.gateway)).await?;
        assert!(alive.status().is_success(), "{}", alive.status());
        let mails = reqwest::get(format!("http://127.0.0.1:{}/", self.mail)).await?;
        assert!(mails.status().is_success(), "{}", mails.status());
        let mut said = String::new();
        let broker = tokio::net::TcpStream::connect(("127.0.0.1", self.broker)).await?;
        tokio::io::BufReader::new(broker).read_line(&mut said).await?;
        let said: Value = serde_json::from_str(said.strip_prefix("INFO ").context("no broker listens there")?)?;
        assert_eq!(said["port"], self.broker, "{said}");
        let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
        let port: String = sqlx::query_scalar("show port").fetch_one(&mut database).await?;
        assert_eq!(port, self.postgres.to_string());
        Ok(())
    }
}

/// One folder, and the program that works in it.
struct Here {
    folder: TemporaryFolder,
    data: PathBuf,
    program: PathBuf,
    /// Settings of every command.
    environment: Vec<(String, String)>,
    /// As whom commands run; none: as who runs the test.
    user: Option<Account>,
}

/// What programs say that were named by a setting.
const NAMED: &str = "started by the program that a setting names";

impl Here {
    fn new() -> anyhow::Result<Self> {
        let folder = TemporaryFolder::new()?;
        let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
        Ok(Self { data: folder.path().join(".duban"), folder, program, environment: Vec::new(), user: None })
    }

    /// For a user who is not root, with servers' programs that settings name. Where only root can reach what was built, all is done as root.
    fn of_somebody() -> anyhow::Result<Self> {
        let mut here = Self::new()?;
        let named = here.folder.path().join("named");
        std::fs::create_dir(&named)?;
        let postgres = duban_local::programs::postgres_bin()?.canonicalize()?;
        for program in ["postgres", "initdb"] {
            let real = postgres.join(program);
            write_program(&named.join(program), &format!("echo '{NAMED}' >&2\nexec '{}' \"$@\"", real.display()))?;
        }
        let nats = duban_local::programs::nats_server()?.canonicalize()?;
        write_program(&named.join("nats"), &format!("echo '{NAMED}' >&2\nexec '{}' \"$@\"", nats.display()))?;
        let setting = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        here.environment = vec![setting("DUBAN_POSTGRES_BIN", &named), setting("DUBAN_NATS_SERVER", &named.join("nats"))];

        // Postgres wants to know its user by name.
        let nobody = nobody()?;
        if myself()? == 0
            && let Some(nobody) = nobody
        {
            let home = here.folder.path().join("home");
            std::fs::create_dir(&home)?;
            std::os::unix::fs::chown(&home, Some(nobody.uid), Some(nobody.gid))?;
            here.environment.push(setting("HOME", &home));
            here.user = Some(nobody);
            let reaches = |program: &Path| {
                let mut command = Command::new(program);
                command.arg("--version").current_dir(repository()).uid(nobody.uid).gid(nobody.gid);
                command.output().is_ok_and(|output| output.status.success())
            };
            let programs = [named.join("postgres"), named.join("nats"), here.program.clone(), here.program.with_file_name("duban-intake")];
            if programs.iter().all(|program| reaches(program)) {
                here.data = home.join(".duban");
            } else {
                eprintln!("\n*** SKIPPED: only root can reach the programs here, so nothing was tried as another user ***\n");
                here.user = None;
            }
        }
        Ok(here)
    }

    /// The program with nothing from this process's surroundings but where servers are to be found.
    fn duban(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_") && name != "DUBAN_TOOLS") {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(repository()).args(arguments).arg("--dir").arg(&self.data);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Starts `duban up` and waits until it says that all is ready.
    async fn up(&self, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut command = self.duban(&[&["up"], arguments].concat());
        // A minute ahead is for the earnest case.
        command.env("DUBAN_ANNOUNCE_SECONDS", "1");
        let log = self.folder.path().join(format!("up-{}.log", uuid::Uuid::now_v7().simple()));
        let mut up = Process::spawn("duban up", command, &log, Signal::INT)?;
        let deadline = std::time::Instant::now() + LIMIT;
        while !self.said(&up)?.contains("Ctrl-C stops everything") {
            up.fail_if_ended()?;
            anyhow::ensure!(std::time::Instant::now() < deadline, "not ready: {}", up.tail());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(up)
    }

    fn said(&self, up: &Process) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(up.log())?)
    }

    fn env(&self) -> anyhow::Result<Env> {
        duban::env_file::read(&self.data)
    }

    /// What a command says for people.
    fn done(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.duban(arguments).output()?;
        anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A command that ends with `code`, says why on standard error, to people as to programs, and nothing on standard output. Gives what it
    /// says to people.
    fn refused(&self, arguments: &[&str], code: u8, said: &str) -> anyhow::Result<String> {
        let (people, programs) = (self.duban(arguments).output()?, self.duban(&[arguments, &["--json"]].concat()).output()?);
        for output in [&people, &programs] {
            assert_eq!(output.status.code(), Some(i32::from(code)), "{arguments:?}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{arguments:?} says nothing of {said:?}: {output:?}");
        }
        let error: Value = serde_json::from_slice(&programs.stderr).with_context(|| format!("{arguments:?}: {programs:?}"))?;
        assert!(!error["error"].is_null() && programs.stdout.is_empty(), "{arguments:?}: {programs:?}");
        let told = String::from_utf8_lossy(&people.stderr).into_owned();
        assert!(told.starts_with("duban: "), "{arguments:?}: {told}");
        Ok(told)
    }

    /// What a command says for programs.
    fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.done(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("{arguments:?}: {text}"))
    }
}

/// The number of who runs this test.
fn myself() -> anyhow::Result<u32> {
    Ok(std::fs::metadata("/proc/self")?.uid())
}

/// The user `nobody`, if the machine has one.
fn nobody() -> anyhow::Result<Option<Account>> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let numbers = passwd.lines().find_map(|line| {
        let [name, _, uid, gid, ..] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        (name == "nobody").then(|| Some(Account { uid: uid.parse().ok()?, gid: gid.parse().ok()? })).flatten()
    });
    Ok(numbers)
}

fn write_program(path: &Path, script: &str) -> anyhow::Result<()> {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n"))?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

/// What a newcomer's lines say, typed in `folder`; fails if one of them does.
fn bash(script: &str, folder: &Path) -> anyhow::Result<String> {
    let mut command = Command::new("bash");
    command.args(["-ec", script]).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_")) {
        command.env_remove(name);
    }
    let output = command.output().context("running bash")?;
    anyhow::ensure!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn shell(script: &str, folder: &Path) -> anyhow::Result<Output> {
    Ok(Command::new("/bin/sh").args(["-c", script]).current_dir(folder).output()?)
}

fn change(path: &Path, from: &str, to: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)?;
    anyhow::ensure!(text.contains(from), "{} has no {from}", path.display());
    Ok(std::fs::write(path, text.replacen(from, to, 1))?)
}

/// A file of this name below a folder.
fn found(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|found| found == name) {
                return Ok(path);
            }
            if path.is_dir() && !path.ends_with("data") {
                folders.push(path);
            }
        }
    }
    anyhow::bail!("no {name} below {}", folder.display())
}

async fn cases(env: &Env) -> anyhow::Result<i64> {
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    Ok(sqlx::query_scalar("select count(*) from intake.cases").fetch_one(&mut database).await?)
}

fn is(found: i64, expected: i64) -> anyhow::Result<()> {
    anyhow::ensure!(found == expected, "{found} instead of {expected}");
    Ok(())
}

fn gateway(env: &Env) -> anyhow::Result<duban::gateway::Gateway> {
    duban::gateway::Gateway::new(&env["DUBAN_URL"], &env["DUBAN_ADMIN_TOKEN"])
}

async fn people(env: &Env) -> anyhow::Result<Vec<Value>> {
    let people: Value = gateway(env)?.get("/v1/people", &()).await?;
    people["people"].as_array().cloned().context("no people")
}

async fn log_in(env: &Env, name: &str, password: &str) -> anyhow::Result<bool> {
    let body = json!({ "name": name, "password": password });
    let answer = reqwest::Client::new().post(format!("{}/v1/session", env["DUBAN_URL"])).json(&body).send().await?;
    Ok(answer.status().is_success())
}
