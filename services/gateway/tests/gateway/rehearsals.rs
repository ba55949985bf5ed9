//! Drafts on their way to a rehearsal: put into the set in force, checked, kept for who runs them; and what comes of it, as people read it.

use crate::approvals::token;
use crate::browser::Session;
use crate::pages::{answer, neighbours};
use crate::policies::{install, shipped};
use crate::policy_pages::session;
use crate::world::{Gateway, World, expect};
use duban_contracts::policy::{PolicySnapshot, PolicySnapshotRequest};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

const FROM: &str = "from = \"received_at\"\nwithin = \"{close_within}\"";

/// Complaints closed within five days.
fn shorter() -> String {
    shipped("store-complaints.toml").replacen(FROM, &FROM.replace("{close_within}", "5d"), 1)
}

fn rehearsal(state: &str) -> Value {
    json!({
        "id": Uuid::from_u128(9), "of": { "draft": 1 }, "packs": ["store-complaints"], "state": state, "asked_by": "chief",
        "asked_at": "2026-03-30T01:00:00Z", "since": "2026-03-02T00:00:00Z", "until": "2026-03-16T00:00:00Z",
        "reached": "2026-03-10T00:00:00Z", "played": 140, "left_out": 3, "weeks": 2, "made": made(),
    })
}

fn made() -> Value {
    json!({ "real": { "duties": 20, "breaches": 2, "alerts": 10 }, "draft": { "duties": 20, "breaches": 7, "alerts": 31 } })
}

async fn begin(a: &Gateway, token: &str, new: &Value, status: StatusCode) -> anyhow::Result<Value> {
    expect(a.post("/v1/rehearsals", token).json(new).send().await?, status).await
}

#[tokio::test]
async fn a_draft_is_the_set_in_force_with_the_changed_files_in_it_and_names_the_packs_that_change() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let asked = answer(&neighbours, "escalation", "rehearsal.begin", Ok(rehearsal("waiting"))).await?;
    let draft = json!({ "sources": [{ "name": "drafts/store-complaints.toml", "text": shorter() }], "since": "2026-03-02" });
    let begun = begin(&a, &world.admin, &draft, StatusCode::OK).await?;
    assert_eq!(begun["state"], "waiting");
    let question = asked.lock().unwrap()[0].clone();
    assert_eq!((&question["packs"], &question["since"]), (&json!(["store-complaints"]), &json!("2026-03-01T16:00:00Z")));
    let number = question["of"]["draft"].as_i64().unwrap();

    // Whoever runs it gets it whole: the draft's file, all others of the set in force, and nobody's name.
    let escalation = world.ground.connect_nats("escalation").await?;
    let snapshot = async |request: PolicySnapshotRequest| -> anyhow::Result<PolicySnapshot> {
        let asked = serde_json::to_vec(&request)?;
        let answer = escalation.request("duban.gateway.rpc.v1.policy.snapshot", asked.into()).await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    };
    let mut sources = Vec::new();
    let first = snapshot(PolicySnapshotRequest { draft: Some(number), ..PolicySnapshotRequest::default() }).await?;
    let pages = first.pages;
    sources.extend(first.sources);
    for page in 1..pages {
        sources.extend(snapshot(PolicySnapshotRequest { draft: Some(number), page, ..PolicySnapshotRequest::default() }).await?.sources);
    }
    let pack: String =
        sources.iter().filter(|source| source.name.ends_with("store-complaints.toml")).map(|source| source.text.as_str()).collect();
    assert!(pack == shorter(), "the draft's own");
    assert!(sources.iter().any(|source| source.name.ends_with("cn.toml")));
    let of_version = snapshot(PolicySnapshotRequest { version: Some(1), ..PolicySnapshotRequest::default() }).await?;
    assert!(!of_version.sources.is_empty());
    let unknown = snapshot(PolicySnapshotRequest { draft: Some(99), ..PolicySnapshotRequest::default() }).await?;
    assert!(unknown.sources.is_empty());

    // A calendar concerns all; packs may be wished for; a version is rehearsed as it is.
    let calendar = shipped("calendars/cn.toml").replacen("holidays = [", "holidays = [\n  \"2026-03-04\",", 1);
    begin(&a, &world.admin, &json!({ "sources": [{ "name": "cn.toml", "text": calendar }], "since": "2026-03-02" }), StatusCode::OK)
        .await?;
    begin(&a, &world.admin, &json!({ "version": 1, "packs": ["after-sales"], "since": "2026-03-02T00:00:00Z" }), StatusCode::OK).await?;
    let questions = asked.lock().unwrap().clone();
    assert_eq!(questions[1]["packs"], json!([]));
    assert_eq!((&questions[2]["of"], &questions[2]["packs"]), (&json!({ "version": 1 }), &json!(["after-sales"])));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_rehearsed_is_refused_with_its_place() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let asked = answer(&neighbours, "escalation", "rehearsal.begin", Ok(rehearsal("waiting"))).await?;
    let source = |text: String| json!([{ "name": "store-complaints.toml", "text": text }]);
    let reader = token(&world, &a, "pan-xinyi").await?;
    begin(&a, &reader, &json!({ "version": 1, "since": "2026-03-02" }), StatusCode::FORBIDDEN).await?;
    begin(&a, &world.admin, &json!({ "version": 7, "since": "2026-03-02" }), StatusCode::NOT_FOUND).await?;
    for (new, field) in [
        (json!({ "since": "2026-03-02" }), "/sources"),
        (json!({ "version": 1, "sources": source(shorter()), "since": "2026-03-02" }), "/sources"),
        (json!({ "version": 1, "since": "2 March" }), "/since"),
        (json!({ "version": 1, "packs": ["after-sales", "after-sails"], "since": "2026-03-02" }), "/packs/1"),
    ] {
        let refused = begin(&a, &world.admin, &new, StatusCode::UNPROCESSABLE_ENTITY).await?;
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let wrong = shorter().replacen("within = \"5d\"", "withn = \"5d\"", 1);
    let refused =
        begin(&a, &world.admin, &json!({ "sources": source(wrong), "since": "2026-03-02" }), StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert!(refused["errors"][0]["field"].as_str().unwrap().starts_with("/store-complaints.toml:"), "{refused}");
    assert!(asked.lock().unwrap().is_empty(), "nothing was handed on");
    let list = expect(a.get("/v1/policies", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(list["sets"].as_array().map(Vec::len), Some(1), "a draft is no version");
    Ok(())
}

#[tokio::test]
async fn a_rehearsal_is_begun_and_read_on_its_page() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let asked = answer(&neighbours, "escalation", "rehearsal.begin", Ok(rehearsal("waiting"))).await?;
    answer(&neighbours, "escalation", "rehearsal.list", Ok(json!({ "rehearsals": [rehearsal("done"), rehearsal("running")] }))).await?;
    let row = json!({
        "who": "nobody/knows", "title": "x", "title_zh": "某岗", "made": made(), "weeks": [{ "monday": "2026-03-02", "made": made() }]
    });
    let detail = json!({ "rehearsal": rehearsal("done"), "rows": [row], "next": 50 });
    let shown = answer(&neighbours, "escalation", "rehearsal.show", Ok(detail)).await?;
    let reader = session(&world, &a, "pan-xinyi").await?;
    assert!(!reader.get("/policies/packs").await?.text.contains("/rehearsals"), "not offered to who does not administer");
    let refused = reader.upload("/rehearsals", &[("version", "1"), ("since", "2026-03-02")], &[], &reader.csrf).await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let chief = session(&world, &a, "li-wenbo").await?;
    assert!(chief.get("/policies").await?.text.contains("/rehearsals"));
    let page = chief.get("/rehearsals?version=1").await?.text;
    for said in ["推演不改变任何事", "name=\"version\"", "value=\"1\"", "已完成", "进行中", "2 → 7", "10 → 31"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let wrong = chief.upload("/rehearsals", &[("version", "x"), ("since", "2026-03-02")], &[], &chief.csrf).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("不是版本号"), "{}", wrong.text);
    let files = [("store-complaints.toml", shorter())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let done = chief.upload("/rehearsals", &[("version", ""), ("since", "2026-03-02")], &files, &chief.csrf).await?;
    assert_eq!((done.status, done.location.as_str()), (StatusCode::SEE_OTHER, &*format!("/rehearsals/{}", Uuid::from_u128(9))));
    assert_eq!(asked.lock().unwrap()[0]["packs"], json!(["store-complaints"]));
    results_are_read(&chief, &done.location).await?;
    assert_eq!(shown.lock().unwrap().last().unwrap()["by"], "people");
    let answered = expect(a.get(&format!("/v1{}?by=people", done.location), &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(answered["rows"][0]["weeks"][0]["made"]["draft"]["alerts"], 31);
    let listed = expect(a.get("/v1/rehearsals", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(listed["rehearsals"][0]["state"], "done");
    Ok(())
}

async fn results_are_read(reader: &Session<'_>, at: &str) -> anyhow::Result<()> {
    let page = reader.get(at).await?.text;
    // Two weeks: half of everything is a week's.
    for said in ["按岗位", "1.0 → ", ">3.5<", "5.0 → ", ">15.5<", "2026-03-02", "nobody/knows", "3 件签收", "after=50", "上限"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let english = reader.get(&format!("{at}?by=people&lang=en")).await?.text;
    for said in ["By person", "A week on average", "the most that there could be"] {
        assert!(english.contains(said), "{said}: {english}");
    }
    Ok(())
}
