//! Who signs for a set of packs, what it changes, and the way back to an earlier one; with the shipped packs.

use crate::policies::{install, packs, shipped};
use crate::world::{Gateway, World, expect, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Announced at once, in force as soon as every service holds it.
pub const AT_ONCE: [(&str, &str); 2] = [("DUBAN_DEMONSTRATION", "true"), ("DUBAN_ANNOUNCE_SECONDS", "0")];

/// A token of somebody of the organisation.
pub async fn token(world: &World, a: &Gateway, person: &str) -> anyhow::Result<String> {
    let made = a.post(&format!("/v1/people/{person}/token"), &world.admin).json(&json!({})).send().await?;
    Ok(expect(made, StatusCode::OK).await?["token"].as_str().unwrap().to_owned())
}

/// The shipped packs with some text of one file replaced.
pub fn changed(file: &str, from: &str, to: &str) -> Vec<Value> {
    let mut sources = packs();
    put(&mut sources, file, from, to);
    sources
}

fn put(sources: &mut [Value], file: &str, from: &str, to: &str) {
    let source = sources.iter_mut().find(|source| source["name"] == file).unwrap_or_else(|| panic!("no {file}"));
    let text = source["text"].as_str().unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    source["text"] = text.replacen(from, to, 1).into();
}

pub async fn submit(world: &World, a: &Gateway, sources: Vec<Value>) -> anyhow::Result<Value> {
    let submitted = a.post("/v1/policies", &world.admin).json(&json!({ "sources": sources, "note": "a change" })).send().await?;
    expect(submitted, StatusCode::OK).await
}

fn version(submitted: &Value) -> i64 {
    submitted["version"].as_i64().unwrap()
}

async fn set(world: &World, a: &Gateway, version: i64) -> anyhow::Result<Value> {
    Ok(expect(a.get(&format!("/v1/policies/{version}"), &world.admin).send().await?, StatusCode::OK).await?["set"].clone())
}

async fn approve(a: &Gateway, version: i64, token: &str) -> anyhow::Result<StatusCode> {
    Ok(a.post(&format!("/v1/policies/{version}/approve"), token).send().await?.status())
}

/// Every service says that it holds an announced set; waits until it is in force.
pub async fn hold(world: &World, a: &Gateway, version: i64) -> anyhow::Result<()> {
    for service in ["intake", "escalation", "archive", "notifications"] {
        let client = world.ground.connect_nats(service).await?;
        let body = json!({ "service": service, "version": version, "error": null }).to_string();
        client.request("duban.gateway.rpc.v1.policy.held", body.into()).await?;
    }
    until("it is in force", || async {
        let sets = expect(a.get("/v1/policies", &world.admin).send().await?, StatusCode::OK).await?;
        Ok(sets["in_force"].as_i64() == Some(version))
    })
    .await
}

async fn changes(world: &World, a: &Gateway, path: &str) -> anyhow::Result<Value> {
    expect(a.get(path, &world.admin).send().await?, StatusCode::OK).await
}

#[tokio::test]
async fn the_way_back_to_an_earlier_set_is_approved_as_every_change_is() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let back = |version: i64, organisation: &'static str| {
        a.post(&format!("/v1/policies/{version}/back"), &world.admin).json(&json!({ "note": "it was wrong", "organisation": organisation }))
    };
    assert_eq!(back(1, "now").send().await?.status(), StatusCode::CONFLICT, "it is in force");
    assert_eq!(back(99, "now").send().await?.status(), StatusCode::NOT_FOUND);
    let reader = token(&world, &a, "tian-yuchen").await?;
    let not_his = a.post("/v1/policies/1/back", &reader).json(&json!({})).send().await?;
    assert_eq!(not_his.status(), StatusCode::FORBIDDEN);

    let worse = version(&submit(&world, &a, changed("basics.toml", "value = \"2h\"", "value = \"9h\"")).await?);
    assert_eq!(back(worse, "now").send().await?.status(), StatusCode::CONFLICT, "it never was in force");
    assert_eq!(approve(&a, worse, &second).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, worse).await?;

    let submitted = expect(back(1, "now").send().await?, StatusCode::OK).await?;
    let again = version(&submitted);
    assert_eq!(submitted["state"], "submitted");
    let shown = set(&world, &a, again).await?;
    assert_eq!((&shown["as_of"], &shown["note"]), (&json!(1), &json!("it was wrong")));
    assert_eq!(approve(&a, again, &world.admin).await?, StatusCode::FORBIDDEN, "not by who submitted it");
    let told = changes(&world, &a, &format!("/v1/policies/{again}/changes")).await?;
    assert_eq!(told["against"], json!(worse));
    let words = told["changes"].to_string();
    assert!(words.contains("9小时") && words.contains("2小时"), "{told}");
    assert_eq!(approve(&a, again, &second).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, again).await?;

    let sources = |version: i64| {
        let asked = a.get(&format!("/v1/policies/{version}"), &world.admin);
        async move { anyhow::Ok(expect(asked.send().await?, StatusCode::OK).await?["sources"].clone()) }
    };
    assert_eq!(sources(again).await?, sources(1).await?);
    assert_eq!(changes(&world, &a, &format!("/v1/policies/{again}/changes?against=1")).await?["changes"], json!([]));
    let history = expect(a.get(&format!("/v1/history?what=policy&which={again}"), &world.admin).send().await?, StatusCode::OK).await?;
    let did: Vec<&str> = history["changes"].as_array().unwrap().iter().filter_map(|change| change["after"].as_str()).collect();
    assert_eq!(did, ["applied", "announced", "signed for: second person", "submitted, back to version 1"]);
    Ok(())
}

#[tokio::test]
async fn the_organisation_of_now_stays_unless_that_of_then_is_asked_for() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let own_figure = shipped("organisation.toml").replacen("name = \"visits\"\nvalue = \"4\"", "name = \"visits\"\nvalue = \"5\"", 1);
    let applied = a.ask(Method::PUT, "/v1/organisation").bearer_auth(&world.admin).body(own_figure).send().await?;
    let rebound = version(&expect(applied, StatusCode::OK).await?["policy"]);
    // The pack's general manager signs, for it is his pack's figure.
    assert_eq!(approve(&a, rebound, &second).await?, StatusCode::FORBIDDEN);
    let manager = token(&world, &a, "yu-guohua").await?;
    assert_eq!(approve(&a, rebound, &manager).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, rebound).await?;

    let back = async |organisation: &str| -> anyhow::Result<Value> {
        let asked = a.post("/v1/policies/1/back", &world.admin).json(&json!({ "organisation": organisation })).send().await?;
        let version = version(&expect(asked, StatusCode::OK).await?);
        changes(&world, &a, &format!("/v1/policies/{version}/changes")).await
    };
    assert_eq!(back("now").await?["touched"], json!([]));
    let then = back("then").await?;
    let touched = &then["touched"][0];
    assert_eq!(
        (&touched["pack"], &touched["extent"], &touched["parameter"]),
        (&json!("customer-visits-second"), &json!("parameter"), &json!("visits"))
    );
    let odd = a.post("/v1/policies/1/back", &world.admin).json(&json!({ "organisation": "yesterday" })).send().await?;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn the_posts_that_the_organisation_names_sign_each_for_his_pack() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let (first_manager, second_manager) = (token(&world, &a, "tian-yuchen").await?, token(&world, &a, "yu-guohua").await?);
    let mut sources = changed("customer-visits.toml", "value = \"8\"", "value = \"6\"");
    put(&mut sources, "customer-visits-second.toml", "value = \"8\"", "value = \"6\"");
    let both = version(&submit(&world, &a, sources).await?);
    let wanted = set(&world, &a, both).await?["wanted"].clone();
    let shown: Vec<(&str, &Value, &Value)> =
        wanted.as_array().unwrap().iter().map(|one| (one["signer"].as_str().unwrap(), &one["people"], &one["signed_by"])).collect();
    let expected = [("ME/general-manager", json!(["yu-guohua"])), ("MY/general-manager", json!(["tian-yuchen"]))];
    assert_eq!(shown.iter().map(|(signer, people, _)| (*signer, (*people).clone())).collect::<Vec<_>>(), expected);
    assert!(wanted[1]["title"]["zh"].as_str().unwrap().contains("总经理"), "{wanted}");

    let refused = a.post(&format!("/v1/policies/{both}/approve"), &second).send().await?;
    let problem = expect(refused, StatusCode::FORBIDDEN).await?;
    assert!(problem["detail_zh"].as_str().unwrap().contains("总经理"), "a second person is not enough: {problem}");
    assert_eq!(approve(&a, both, &first_manager).await?, StatusCode::NO_CONTENT);
    assert_eq!(set(&world, &a, both).await?["state"], "submitted", "the other has not signed");
    assert_eq!(approve(&a, both, &first_manager).await?, StatusCode::FORBIDDEN, "he has signed what is his");
    assert_eq!(approve(&a, both, &second_manager).await?, StatusCode::NO_CONTENT);
    let announced = set(&world, &a, both).await?;
    assert_eq!(announced["state"], "announced");
    let signed: Vec<(&str, &str)> = announced["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signature| (signature["signer"].as_str().unwrap(), signature["person"].as_str().unwrap()))
        .collect();
    assert_eq!(signed, [("MY/general-manager", "tian-yuchen"), ("ME/general-manager", "yu-guohua")]);
    // Who may sign does not administer for that.
    let withdraw = a.post(&format!("/v1/policies/{both}/withdraw"), &first_manager).send().await?;
    assert_eq!(withdraw.status(), StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_signature_counts_against_the_set_that_was_in_force_alone() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let (first_manager, second_manager) = (token(&world, &a, "tian-yuchen").await?, token(&world, &a, "yu-guohua").await?);
    let mut sources = changed("customer-visits.toml", "value = \"8\"", "value = \"6\"");
    put(&mut sources, "customer-visits-second.toml", "value = \"8\"", "value = \"6\"");
    let both = version(&submit(&world, &a, sources).await?);
    assert_eq!(approve(&a, both, &first_manager).await?, StatusCode::NO_CONTENT);
    let between = version(&submit(&world, &a, changed("basics.toml", "value = \"2h\"", "value = \"3h\"")).await?);
    assert_eq!(approve(&a, between, &second).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, between).await?;
    let wanted = set(&world, &a, both).await?["wanted"].clone();
    assert!(wanted.as_array().unwrap().iter().all(|one| one["signed_by"].is_null()), "what he signed is another change now: {wanted}");
    assert_eq!(approve(&a, both, &second_manager).await?, StatusCode::NO_CONTENT);
    assert_eq!(set(&world, &a, both).await?["state"], "submitted");
    Ok(())
}

#[tokio::test]
async fn wording_takes_the_lighter_approval_and_what_the_set_itself_says_of_approval_does_not_count() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let wording =
        version(&submit(&world, &a, changed("customer-visits.toml", "审核客户拜访计划书 {number}", "审阅客户拜访计划书 {number}")).await?);
    assert_eq!(set(&world, &a, wording).await?["wanted"][0]["signer"], "second person");
    assert_eq!(approve(&a, wording, &second).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, wording).await?;

    // Whoever would do away with the manager's approval needs it, also with a change that then would need none.
    let named = "by = \"MY/general-manager\"\nwording = \"second person\"";
    let mine = shipped("organisation.toml").replacen(named, "by = \"second person\"\nparameter = \"submitter\"", 1);
    let mut sources = changed("customer-visits.toml", "审核客户拜访计划书 {number}", "审阅客户拜访计划书 {number}");
    sources.push(json!({ "name": "organisation.toml", "text": mine }));
    let lighter = version(&submit(&world, &a, sources.clone()).await?);
    assert_eq!(approve(&a, lighter, &second).await?, StatusCode::FORBIDDEN);
    let manager = token(&world, &a, "tian-yuchen").await?;
    assert_eq!(approve(&a, lighter, &manager).await?, StatusCode::NO_CONTENT);
    hold(&world, &a, lighter).await?;

    // From now on one parameter is the submitter's own affair, and two are not.
    put(&mut sources, "customer-visits.toml", "value = \"8\"", "value = \"6\"");
    let alone = submit(&world, &a, sources.clone()).await?;
    assert_eq!(alone["state"], "announced", "{alone}");
    hold(&world, &a, version(&alone)).await?;
    put(&mut sources, "customer-visits.toml", "value = \"6\"", "value = \"5\"");
    put(&mut sources, "customer-visits.toml", "value = \"2wd\"", "value = \"3wd\"");
    assert_eq!(submit(&world, &a, sources).await?["state"], "submitted");
    Ok(())
}

#[tokio::test]
async fn what_a_set_changes_is_told_in_both_languages_before_it_is_approved() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let from = "from = \"received_at\"\nwithin = \"{close_within}\"";
    let shorter = version(&submit(&world, &a, changed("store-complaints.toml", from, &from.replace("{close_within}", "5d"))).await?);
    let told = changes(&world, &a, &format!("/v1/policies/{shorter}/changes")).await?;
    // That it no longer takes its figure from a parameter, and the term.
    let change = &told["changes"][1];
    assert_eq!((&told["against"], told["changes"].as_array().map(Vec::len)), (&json!(1), Some(2)));
    assert_eq!((&change["place"], &change["article"]), (&json!("duty.close"), &json!("26")));
    assert_eq!((&change["before"]["zh"], &change["after"]["en"]), (&json!("7天内"), &json!("within 5 days")));
    assert_eq!((&told["touched"][0]["pack"], &told["touched"][0]["extent"]), (&json!("store-complaints"), &json!("rules")));
    // Rules are no secret of those whom they bind, and a first set has none before it.
    let reader = token(&world, &a, "tian-yuchen").await?;
    let first = expect(a.get("/v1/policies/1/changes", &reader).send().await?, StatusCode::OK).await?;
    assert_eq!((&first["against"], &first["changes"]), (&Value::Null, &json!([])));
    assert_eq!(a.get("/v1/policies/99/changes", &reader).send().await?.status(), StatusCode::NOT_FOUND);
    assert_eq!(a.get(&format!("/v1/policies/{shorter}/changes?against=99"), &reader).send().await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}
