//! Organisation and packs on their way into force, with the shipped ones.

use crate::world::{Gateway, World, expect, until};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

pub fn shipped(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All packs and calendars, without the organisation.
pub fn packs() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("calendars")] {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap_or_else(|error| panic!("{error}")).path();
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            if name.ends_with(".toml") && !["organisation.toml", "coverage.toml"].contains(&name.as_str()) {
                found.push(json!({ "name": name, "text": shipped(&name) }));
            }
        }
    }
    found
}

/// The shipped organisation and packs.
pub async fn install(world: &World, a: &Gateway) -> anyhow::Result<()> {
    let applied = a.ask(reqwest::Method::PUT, "/v1/organisation").bearer_auth(&world.admin).body(shipped("organisation.toml"));
    let applied = expect(applied.send().await?, StatusCode::OK).await?;
    assert!(applied["changed"].as_u64() > Some(40), "{applied}");
    assert!(applied.get("policy").is_none());
    let first = a.post("/v1/policies", &world.admin).json(&json!({ "sources": packs(), "note": "the first" })).send().await?;
    assert_eq!(expect(first, StatusCode::OK).await?["state"], "applied");
    Ok(())
}

/// A second administrator, from the organisation file.
async fn second_administrator(world: &World, a: &Gateway) -> anyhow::Result<String> {
    let people = expect(a.get("/v1/people", &world.admin).send().await?, StatusCode::OK).await?;
    let second = people["people"].as_array().unwrap().iter().find(|p| p["administers"] == true && p["id"] != "chief").unwrap();
    let path = format!("/v1/people/{}/token", second["id"].as_str().unwrap());
    let made = expect(a.post(&path, &world.admin).json(&json!({})).send().await?, StatusCode::OK).await?;
    Ok(made["token"].as_str().unwrap().to_owned())
}

async fn set(world: &World, a: &Gateway, version: i64) -> anyhow::Result<Value> {
    Ok(expect(a.get(&format!("/v1/policies/{version}"), &world.admin).send().await?, StatusCode::OK).await?["set"].clone())
}

#[tokio::test]
async fn a_second_person_approves_and_every_service_holds_it_before_it_is_in_force() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_DEMONSTRATION", "true"), ("DUBAN_ANNOUNCE_SECONDS", "1")]).await?;
    install(&world, &a).await?;
    let second = second_administrator(&world, &a).await?;
    // The first load of an empty installation is its administrator's, and recorded as his.
    let first = set(&world, &a, 1).await?;
    assert_eq!((&first["submitted_by"], &first["approved_by"]), (&json!("chief"), &json!("chief")), "{first}");
    let history = expect(a.get("/v1/history?what=policy&which=1", &world.admin).send().await?, StatusCode::OK).await?;
    let is_the_first = |change: &Value| change["by"] == "chief" && change["after"] == "applied, the first of this installation";
    assert!(history["changes"].as_array().unwrap().iter().any(is_the_first), "{history}");

    let submitted = a.post("/v1/policies", &world.admin).json(&json!({ "sources": packs(), "note": "again" })).send().await?;
    let submitted = expect(submitted, StatusCode::OK).await?;
    assert_eq!(submitted["state"], "submitted");
    let version = submitted["version"].as_i64().unwrap();
    let approve = format!("/v1/policies/{version}/approve");
    assert_eq!(a.post(&approve, &world.admin).send().await?.status(), StatusCode::FORBIDDEN, "not by who submitted it");
    expect(a.post(&approve, &second).send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!(a.post(&approve, &second).send().await?.status(), StatusCode::CONFLICT);

    let mut services = Vec::new();
    for service in ["intake", "escalation", "archive", "notifications"] {
        services.push((service, world.ground.connect_nats(service).await?));
    }
    let hold = |service: &'static str, error: Option<&'static str>| {
        let client = services.iter().find(|(name, _)| *name == service).map(|(_, client)| client.clone()).unwrap();
        let body = json!({ "service": service, "version": version, "error": error }).to_string();
        async move { client.request("duban.gateway.rpc.v1.policy.held", body.into()).await }
    };
    for service in ["intake", "escalation", "archive"] {
        hold(service, None).await?;
    }
    hold("notifications", Some("does not compile here")).await?;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let waiting = set(&world, &a, version).await?;
    assert_eq!(waiting["state"], "announced", "one service holds it back");
    assert_eq!(waiting["held_back_by"], json!([{ "service": "notifications", "error": "does not compile here" }]));

    hold("notifications", None).await?;
    until("it is in force", || async { Ok(set(&world, &a, version).await?["state"] == "applied") }).await?;
    until("this copy judges by it", || async {
        let sets = expect(a.get("/v1/policies", &world.admin).send().await?, StatusCode::OK).await?;
        Ok(sets["in_force"].as_i64() == Some(version))
    })
    .await?;
    let withdraw = a.post(&format!("/v1/policies/{version}/withdraw"), &second).send().await?;
    assert_eq!(withdraw.status(), StatusCode::CONFLICT, "in force is in force");

    // The others fetch it: sources without people.
    let (texts, _) = fetched(&services[0].1, version).await?;
    assert_eq!(texts.len(), packs().len() + 1);
    assert!(texts.values().all(|text| !text.contains("@duban.example")), "people travel with it");
    let sources: Vec<_> = texts.into_iter().map(|(name, text)| duban_contracts::policy::PolicySource { name, text }).collect();
    assert!(duban_policy::Policy::compile(&sources).is_ok());
    Ok(())
}

/// The sources of a version as the services fetch them, page by page, and how many pages there are.
async fn fetched(service: &async_nats::Client, version: i64) -> anyhow::Result<(std::collections::BTreeMap<String, String>, u32)> {
    let mut texts = std::collections::BTreeMap::<String, String>::new();
    let (mut page, mut pages) = (0, 1);
    while page < pages {
        let asked = json!({ "version": version, "page": page }).to_string();
        let answer = service.request("duban.gateway.rpc.v1.policy.snapshot", asked.into()).await?;
        let part: duban_contracts::policy::PolicySnapshot = serde_json::from_slice(&answer.payload)?;
        part.sources.into_iter().for_each(|source| texts.entry(source.name).or_default().push_str(&source.text));
        (page, pages) = (page + 1, part.pages);
    }
    Ok((texts, pages))
}

#[tokio::test]
async fn a_set_larger_than_a_message_is_handed_over_in_pages() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_DEMONSTRATION", "true")]).await?;
    install(&world, &a).await?;
    let second = second_administrator(&world, &a).await?;
    let mut sources = packs();
    let long = format!("{}\n# {}\n", sources[0]["text"].as_str().unwrap(), "条".repeat(700_000));
    sources[0]["text"] = long.into();
    let submitted = a.post("/v1/policies", &world.admin).json(&json!({ "sources": sources })).send().await?;
    let version = expect(submitted, StatusCode::OK).await?["version"].as_i64().unwrap();
    expect(a.post(&format!("/v1/policies/{version}/approve"), &second).send().await?, StatusCode::NO_CONTENT).await?;

    let intake = world.ground.connect_nats("intake").await?;
    let (texts, pages) = fetched(&intake, version).await?;
    assert!(pages > 2, "{pages}");
    for source in &sources {
        let (name, text) = (source["name"].as_str().unwrap(), source["text"].as_str().unwrap());
        assert!(texts[name] == text, "{name} came otherwise");
    }
    let beyond =
        intake.request("duban.gateway.rpc.v1.policy.snapshot", json!({ "version": version, "page": 99 }).to_string().into()).await?;
    assert_eq!(serde_json::from_slice::<Value>(&beyond.payload)?["status"], 404);
    Ok(())
}

#[tokio::test]
async fn an_announced_set_can_be_withdrawn() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_DEMONSTRATION", "true")]).await?;
    install(&world, &a).await?;
    let second = second_administrator(&world, &a).await?;
    let submitted = a.post("/v1/policies", &world.admin).json(&json!({ "sources": packs() })).send().await?;
    let version = expect(submitted, StatusCode::OK).await?["version"].as_i64().unwrap();
    expect(a.post(&format!("/v1/policies/{version}/approve"), &second).send().await?, StatusCode::NO_CONTENT).await?;
    expect(a.post(&format!("/v1/policies/{version}/withdraw"), &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!(set(&world, &a, version).await?["state"], "withdrawn");
    let history = expect(a.get("/v1/history?what=policy", &world.admin).send().await?, StatusCode::OK).await?;
    let did: Vec<&str> = history["changes"].as_array().unwrap().iter().filter_map(|c| c["after"].as_str()).collect();
    assert_eq!(&did[..4], ["withdrawn", "announced", "signed for: second person", "submitted"]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_compile_is_refused_with_file_and_line() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let mut sources = packs();
    let text = sources[0]["text"].as_str().unwrap().to_owned() + "\n[nonsense]\nx = 1\n";
    sources[0]["text"] = text.into();
    let refused = a.post("/v1/policies", &world.admin).json(&json!({ "sources": sources })).send().await?;
    let problem = expect(refused, StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert_eq!(problem["code"], "does-not-compile");
    let place = problem["errors"][0]["field"].as_str().unwrap();
    assert!(place.starts_with(&format!("/{}:", sources[0]["name"].as_str().unwrap())), "{place}");
    Ok(())
}

#[tokio::test]
async fn what_a_person_can_put_right_is_a_warning_and_never_refuses_a_customer() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    install(&world, &a).await?;
    let odd = json!({ "channel": "phone", "unit": "NOWHERE", "kind": "不存在的类别", "text": "x", "fields": { "colour": "red" } });
    let (status, answer) = a.report(&token, "call-1", &odd).await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let warned: Vec<&str> = answer["warnings"].as_array().unwrap().iter().filter_map(|w| w["field"].as_str()).collect();
    assert!(warned.contains(&"/unit") || warned.contains(&"/kind"), "{answer}");
    // Warnings are of this sending; the receipt is for ever.
    let (_, again) = a.report(&token, "call-1", &odd).await?;
    assert_eq!(again["receipt"], answer["receipt"]);
    Ok(())
}

#[tokio::test]
async fn an_applied_file_changes_posts_at_once_and_keeps_the_way_in_for_administrators() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let shown = expect(a.get("/v1/organisation", &world.admin).send().await?, StatusCode::OK).await?;
    assert!(shown["directory"]["posts"]["installation/administrator"].is_object());
    assert!(shown["file"].as_str().unwrap().contains("[organisation]"));
    // The same file again changes nothing.
    let again = a.ask(reqwest::Method::PUT, "/v1/organisation").bearer_auth(&world.admin).body(shipped("organisation.toml"));
    assert_eq!(expect(again.send().await?, StatusCode::OK).await?["changed"], 0);
    // Others read it in pages.
    let intake = world.ground.connect_nats("intake").await?;
    let mut directory = duban_policy::directory::Directory::default();
    let (mut page, mut pages) = (0, 1);
    while page < pages {
        let answer = intake.request("duban.gateway.rpc.v1.directory.snapshot", json!({ "page": page }).to_string().into()).await?;
        let part: duban_contracts::directory::Snapshot = serde_json::from_slice(&answer.payload)?;
        directory.merge(serde_json::from_value(part.directory)?);
        (page, pages) = (page + 1, part.pages);
    }
    assert!(directory.units().count() > 40 && directory.person("chief").is_some());
    Ok(())
}
