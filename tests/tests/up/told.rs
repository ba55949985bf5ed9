//! What `up` says and leaves behind is true: the file `env`, the lines that it prints, what lies on disk.

use crate::LIMIT;
use crate::asking::{bash, cases, is, log_in, shell};
use crate::here::{Env, Here, found};
use anyhow::Context;
use duban_contracts::subjects::service;
use duban_local::process::Process;
use duban_tests::until;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The file `env`, for its owner alone, with all that a newcomer's shell needs, and nothing in it that is not good.
pub async fn told_where_everything_is(here: &Here, up: &Process, env: &Env) -> anyhow::Result<()> {
    let said = here.said(up)?;
    let addresses: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with("http://")).collect();
    // Pages, form, tracking, API, mail.
    assert_eq!(addresses.len(), 5, "{said}");
    for address in addresses {
        let answer = reqwest::get(address).await?;
        assert!(answer.status().is_success(), "{address}: {}", answer.status());
    }
    for file in ["env", "credentials", "operator"] {
        assert_eq!(std::fs::metadata(here.data.join(file))?.permissions().mode() & 0o777, 0o600, "{file}");
    }
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
pub async fn what_is_taken_is_on_disk(here: &Here, env: &Env) -> anyhow::Result<()> {
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
pub async fn first_reports(here: &Here, up: &Process, env: &Env) -> anyhow::Result<i64> {
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
pub fn by_curl_sent(lines: &str, folder: &Path) -> anyhow::Result<i64> {
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
