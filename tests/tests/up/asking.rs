//! What is asked of an installation from outside, and typed in a shell.

use crate::here::Env;
use anyhow::Context;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::process::{Command, Output};

/// What a newcomer's lines say, typed in `folder`; fails if one of them does.
pub fn bash(script: &str, folder: &Path) -> anyhow::Result<String> {
    let mut command = Command::new("bash");
    command.args(["-ec", script]).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_")) {
        command.env_remove(name);
    }
    let output = command.output().context("running bash")?;
    anyhow::ensure!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

pub fn shell(script: &str, folder: &Path) -> anyhow::Result<Output> {
    Ok(Command::new("/bin/sh").args(["-c", script]).current_dir(folder).output()?)
}

pub async fn cases(env: &Env) -> anyhow::Result<i64> {
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    Ok(sqlx::query_scalar("select count(*) from intake.cases").fetch_one(&mut database).await?)
}

pub fn is(found: i64, expected: i64) -> anyhow::Result<()> {
    anyhow::ensure!(found == expected, "{found} instead of {expected}");
    Ok(())
}

pub fn gateway(env: &Env) -> anyhow::Result<duban::gateway::Gateway> {
    duban::gateway::Gateway::new(&env["DUBAN_URL"], &env["DUBAN_ADMIN_TOKEN"])
}

pub async fn people(env: &Env) -> anyhow::Result<Vec<Value>> {
    let people: Value = gateway(env)?.get("/v1/people", &()).await?;
    people["people"].as_array().cloned().context("no people")
}

pub async fn log_in(env: &Env, name: &str, password: &str) -> anyhow::Result<bool> {
    let body = json!({ "name": name, "password": password });
    let answer = reqwest::Client::new().post(format!("{}/v1/session", env["DUBAN_URL"])).json(&body).send().await?;
    Ok(answer.status().is_success())
}
