//! Sets that correct what open matters go by: declared against the set in force, listed by escalation, signed with their list; with the shipped
//! packs and an escalation that the test plays.

use crate::approvals::{AT_ONCE, changed, hold, token};
use crate::browser::Session;
use crate::policies::install;
use crate::world::{Gateway, World, expect, until};
use duban_contracts::policy::{ForeseeRequest, Foreseen, ForeseenChange, ForeseenStage};
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A holiday that the calendar lacks.
fn holiday() -> Vec<Value> {
    changed("calendars/cn.toml", "holidays = [", "holidays = [\n  \"2026-03-04\",")
}

async fn submit(world: &World, a: &Gateway, corrects: &[&str]) -> anyhow::Result<reqwest::Response> {
    let set = json!({ "sources": holiday(), "note": "补正", "corrects": corrects });
    Ok(a.post("/v1/policies", &world.admin).json(&set).send().await?)
}

/// Escalation as far as the gateway knows it: its list is being made while `made` is 0; each time it is asked for again it is another one.
async fn play_escalation(world: &World, made: Arc<AtomicU32>) -> anyhow::Result<()> {
    let escalation = world.ground.connect_nats("escalation").await?;
    let mut questions = escalation.subscribe("duban.escalation.rpc.v1.correction.foresee").await?;
    escalation.flush().await?;
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let asked: ForeseeRequest = serde_json::from_slice(&question.payload)?;
            let nth = if asked.again { made.fetch_add(1, Ordering::SeqCst) + 1 } else { made.load(Ordering::SeqCst) };
            let body = serde_json::to_vec(&list(&asked, nth))?;
            escalation.publish(question.reply.unwrap(), body.into()).await?;
        }
        anyhow::Ok(())
    });
    Ok(())
}

fn list(asked: &ForeseeRequest, nth: u32) -> Foreseen {
    let at = |time: &str| time.parse().unwrap();
    let change = ForeseenChange {
        duty: uuid::Uuid::nil(),
        pack: "store-complaints".into(),
        rule: "close".into(),
        title: "Close the complaint".into(),
        title_zh: "办结投诉".into(),
        unit: "MD01".into(),
        of: asked.corrects.join(", "),
        due_before: at("2026-03-05T02:00:00Z"),
        due_after: at("2026-03-06T02:00:00Z"),
        owed_before: "MD01/store-manager".into(),
        owed_after: "MD01/store-manager".into(),
        stages: vec![ForeseenStage {
            rung: Some(1),
            at_before: Some(at("2026-03-05T02:00:00Z")),
            at_after: Some(at("2026-03-06T02:00:00Z")),
            told_before: vec!["MD01/store-manager".into()],
            told_after: vec!["superior".into()],
        }],
    };
    let is_done = nth > 0;
    Foreseen {
        version: asked.version,
        against: asked.against,
        state: if is_done { "done" } else { "looking" }.into(),
        fault: None,
        looked: 12,
        moved: 1,
        left: 2,
        digest: is_done.then(|| format!("{nth:064x}")),
        taken_at: at("2026-03-02T01:00:00Z"),
        changes: if is_done { vec![change] } else { Vec::new() },
        next: None,
    }
}

#[tokio::test]
async fn a_correction_is_declared_of_what_changes_and_signed_with_its_list_alone() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let second = token(&world, &a, "li-wenbo").await?;
    let refused = expect(submit(&world, &a, &["calendar.cn", "calendar.cm"]).await?, StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert_eq!((&refused["code"], &refused["errors"][0]["field"]), (&json!("cannot-correct"), &json!("/corrects/1")), "{refused}");
    let sets = expect(a.get("/v1/policies", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(sets["sets"].as_array().map(Vec::len), Some(1), "nothing was submitted");

    let submitted = expect(submit(&world, &a, &["calendars"]).await?, StatusCode::OK).await?;
    let version = submitted["version"].as_i64().unwrap();
    assert_eq!(submitted["state"], "submitted");
    let path = format!("/v1/policies/{version}");
    let approve =
        async |list: &str| -> anyhow::Result<reqwest::Response> { Ok(a.post(&format!("{path}/approve{list}"), &second).send().await?) };
    let foreseen = async |query: &str| -> anyhow::Result<Value> {
        let answer = a.get(&format!("{path}/foreseen{query}"), &second).send().await?;
        Ok(expect(answer, StatusCode::OK).await?["foreseen"].clone())
    };
    // While escalation is down there is no list, and nothing is signed.
    assert_eq!(approve("?list=00").await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    let made = Arc::new(AtomicU32::new(0));
    play_escalation(&world, made.clone()).await?;
    assert_eq!(foreseen("").await?["state"], "looking");
    let early = expect(approve("?list=00").await?, StatusCode::CONFLICT).await?;
    assert!(early["code"] == "list-not-seen" && early["detail"].as_str().unwrap_or_default().contains("being made"), "{early}");
    made.store(1, Ordering::SeqCst);
    let first = foreseen("").await?["digest"].as_str().unwrap().to_owned();
    let unnamed = expect(approve("").await?, StatusCode::CONFLICT).await?;
    assert_eq!(unnamed["code"], "list-not-seen");
    let anew = foreseen("?again=true").await?;
    let digest = anew["digest"].as_str().unwrap().to_owned();
    assert!(digest != first && anew["changes"][0]["of"] == "calendar.cn", "{anew}");
    let stale = expect(approve(&format!("?list={first}")).await?, StatusCode::CONFLICT).await?;
    assert!(stale["detail"].as_str().unwrap_or_default().contains("made anew"), "{stale}");
    let own = a.post(&format!("{path}/approve?list={digest}"), &world.admin).send().await?;
    assert_eq!(own.status(), StatusCode::FORBIDDEN, "not by who submitted it");
    let state = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?["set"]["state"].clone();
    assert_eq!(state, "submitted");

    // The services may read it to make their list.
    let escalation = world.ground.connect_nats("escalation").await?;
    let asked = json!({ "version": version, "page": 0 }).to_string();
    let answer = escalation.request("duban.gateway.rpc.v1.policy.snapshot", asked.into()).await?;
    let snapshot: Value = serde_json::from_slice(&answer.payload)?;
    assert!(snapshot["sources"].as_array().is_some_and(|sources| !sources.is_empty()), "{snapshot}");
    assert!(snapshot["versions"].as_array().is_some_and(|versions| versions.iter().all(|known| known["version"] != version)), "{snapshot}");

    expect(approve(&format!("?list={digest}")).await?, StatusCode::NO_CONTENT).await?;
    hold(&world, &a, version).await?;
    // Who declared what, who signed which list: on the set and in its history.
    let set = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?["set"].clone();
    assert_eq!(set["corrects"], json!(["calendar.cn"]));
    let signed = &set["signatures"][0];
    assert_eq!((&signed["person"], &signed["list"]["digest"]), (&json!("li-wenbo"), &json!(digest)), "{set}");
    assert_eq!((&signed["list"]["moved"], &signed["list"]["left"]), (&json!(1), &json!(2)));
    let history = expect(a.get(&format!("/v1/history?what=policy&which={version}"), &world.admin).send().await?, StatusCode::OK).await?;
    let did: Vec<&str> = history["changes"].as_array().unwrap().iter().filter_map(|change| change["after"].as_str()).collect();
    assert_eq!(did, ["applied", "announced", "signed for: second person", "corrects: calendar.cn", "submitted"]);
    assert_eq!(foreseen("").await?, Value::Null, "it does not wait any longer");

    // The services learn of it what it corrects and who approved it.
    let answer = escalation.request("duban.gateway.rpc.v1.policy.snapshot", json!({ "page": 0 }).to_string().into()).await?;
    let snapshot: Value = serde_json::from_slice(&answer.payload)?;
    let known = snapshot["versions"].as_array().unwrap().iter().find(|known| known["version"] == version).unwrap();
    assert_eq!((&known["corrects"], &known["approved_by"]), (&json!(["calendar.cn"]), &json!("li-wenbo")));

    // Corrected back by going back.
    let back = a.post("/v1/policies/1/back", &world.admin).json(&json!({ "note": "并非假日", "corrects": ["calendar.cn"] })).send().await?;
    let back = expect(back, StatusCode::OK).await?;
    let whole = expect(a.get(&format!("/v1/policies/{}", back["version"]), &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!((&whole["set"]["as_of"], &whole["set"]["corrects"]), (&json!(1), &json!(["calendar.cn"])));
    Ok(())
}

/// Which cases follow is intake's to say: while it is down, what changes of duties is told all the same.
#[tokio::test]
async fn what_a_corrected_kind_changes_of_duties_is_told_while_intake_is_down() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    play_escalation(&world, Arc::new(AtomicU32::new(1))).await?;
    let step = "[kind.product_complaint.act.visit]\ntitle = { zh = \"";
    let sources = changed("after-sales.toml", step, &format!("{step}登门"));
    let set = json!({ "sources": sources, "note": "补正", "corrects": ["after-sales/kind.product_complaint"] });
    let submitted = expect(a.post("/v1/policies", &world.admin).json(&set).send().await?, StatusCode::OK).await?;
    let path = format!("/v1/policies/{}/foreseen", submitted["version"]);
    let shown = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!((&shown["foreseen"]["state"], &shown["foreseen"]["moved"]), (&json!("done"), &json!(1)), "{shown}");
    assert_eq!((&shown["cases_missing"]["status"], shown.get("cases")), (&json!(503), None), "{shown}");
    Ok(())
}

#[tokio::test]
async fn the_page_of_a_correction_shows_its_list_and_has_it_signed() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let made = Arc::new(AtomicU32::new(1));
    play_escalation(&world, made).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let calendar = holiday().into_iter().find(|source| source["name"] == "calendars/cn.toml").unwrap();
    let files = [("cn.toml", calendar["text"].as_str().unwrap())];
    let done = chief.upload("/policies", &[("note", "补正"), ("corrects", "calendar.cn，nonsense")], &files, &chief.csrf).await?;
    assert_eq!(done.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(done.text.contains("calendar.cn，nonsense"), "what was written stays: {}", done.text);
    let done = chief.upload("/policies", &[("note", "补正"), ("corrects", "calendar.cn")], &files, &chief.csrf).await?;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let version = done.location.rsplit('/').next().unwrap_or_default().to_owned();
    let page = chief.get(&done.location).await?.text;
    for said in ["更正，适用于未了结事项：", "对未了结事项的影响", "办结投诉", "第 1 级", "上级"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("按此清单批准"), "who submitted it does not sign it");

    let reset = a.post("/v1/people/li-wenbo/reset", &world.admin).json(&json!({ "password": "correct horse" }));
    expect(reset.send().await?, StatusCode::OK).await?;
    let second = Session::of(&a, "li-wenbo", "correct horse").await?;
    let sets = second.get("/policies").await?.text;
    assert!(sets.contains(&format!("/policies/{version}#foreseen")) && !sets.contains(&format!("/policies/{version}/approve")), "{sets}");
    let page = second.get(&done.location).await?.text;
    let digest = crate::browser::hidden(&page, "list").unwrap_or_else(|| panic!("nothing to sign with: {page}"));
    let approve = format!("/policies/{version}/approve");
    assert_eq!(second.post(&approve, &[]).await?.status, StatusCode::CONFLICT);
    assert_eq!(second.post(&approve, &[("list", &digest)]).await?.status, StatusCode::SEE_OTHER);
    until("the page says by which list", || async {
        let page = second.get(&done.location).await?.text;
        Ok(page.contains(&digest[..12]) && page.contains("声明为更正：calendar.cn"))
    })
    .await?;
    let english = second.get(&format!("{}?lang=en", done.location)).await?.text;
    assert!(english.contains("declared a correction: calendar.cn"), "{english}");
    Ok(())
}
