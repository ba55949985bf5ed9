//! Producers and people that are made, renewed and shut out from the command line.

use crate::LIMIT;
use crate::asking::log_in;
use crate::here::{Env, Here};
use anyhow::Context;
use duban_tests::until;
use serde_json::Value;

/// A producer and a person are made while everything runs, and can be used at once. Gives how many reports were sent.
pub async fn producers_and_people(here: &Here, env: &Env) -> anyhow::Result<i64> {
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
pub async fn renewed_and_shut_out(here: &Here, env: &Env, token: &str, password: &str) -> anyhow::Result<i64> {
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
    tokens_of_a_person(here)?;
    here.done(&["admin", "person", "disable", "zhao-min"])?;
    assert!(!log_in(env, "zhao-min", other).await?, "he is disabled");
    here.done(&["admin", "person", "enable", "zhao-min"])?;
    assert!(log_in(env, "zhao-min", other).await?, "he is enabled");
    here.done(&["admin", "person", "disable", "zhao-min"])?;
    let is_disabled = |list: Value, of: &str, id: &str| {
        let one = list[of].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).cloned();
        one.is_some_and(|one| one["disabled"] == true)
    };
    assert!(is_disabled(here.json(&["admin", "producer", "list"])?, "producers", "app"));
    assert!(is_disabled(here.json(&["admin", "person", "list"])?, "people", "zhao-min"));
    for command in [["admin", "producer", "token", "nobody"], ["admin", "producer", "disable", "nobody"]] {
        here.refused(&command, REFUSED, "")?;
    }
    for act in ["reset", "disable", "enable", "tokens"] {
        here.refused(&["admin", "person", act, "nobody"], REFUSED, "")?;
    }
    here.refused(&["admin", "token", "zhao-min"], REFUSED, "disabled")?;
    Ok(1)
}

/// A person's tokens are made, listed and revoked, each by what it is for.
fn tokens_of_a_person(here: &Here) -> anyhow::Result<()> {
    assert!(here.done(&["admin", "person", "tokens", "zhao-min"])?.contains("no token"));
    let made = here.json(&["admin", "token", "zhao-min", "--name", "dashboard", "--days", "30"])?;
    let token = made["token"].as_str().context("no token")?;
    here.done(&["admin", "token", "zhao-min"])?;
    let mine = |token: &str| here.duban(&["case", "list", "--token", token]).output().map(|output| output.status.success());
    assert!(mine(token)?);
    let listed = here.json(&["admin", "person", "tokens", "zhao-min"])?;
    let names: Vec<&str> = listed["tokens"].as_array().into_iter().flatten().filter_map(|token| token["name"].as_str()).collect();
    assert_eq!(names, ["dashboard", "api"]);
    assert!(here.done(&["admin", "person", "tokens", "zhao-min"])?.contains("dashboard"));
    let id = listed["tokens"][0]["id"].as_str().context("no id")?;
    here.done(&["admin", "person", "revoke", "zhao-min", "dashboard"])?;
    assert!(!mine(token)?, "it is revoked");
    here.refused(&["admin", "person", "revoke", "zhao-min", id], duban::exit::REFUSED, "no token")?;
    let other = listed["tokens"][1]["id"].as_str().context("no id")?;
    here.done(&["admin", "person", "revoke", "zhao-min", other])?;
    Ok(())
}
