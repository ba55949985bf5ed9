//! The pages of packs: read by everybody who may log in, acted on by whom it concerns.

use crate::approvals::{AT_ONCE, changed, hold, submit, token};
use crate::browser::Session;
use crate::pages::answer;
use crate::policies::{install, shipped};
use crate::world::{Gateway, World, expect};
use reqwest::StatusCode;
use serde_json::json;

/// Somebody of the organisation, logged in.
pub async fn session<'a>(world: &World, a: &'a Gateway, person: &str) -> anyhow::Result<Session<'a>> {
    let reset = a.post(&format!("/v1/people/{person}/reset"), &world.admin).json(&json!({ "password": "correct horse" }));
    expect(reset.send().await?, StatusCode::OK).await?;
    Session::of(a, person, "correct horse").await
}

#[tokio::test]
async fn everybody_reads_the_packs_as_on_paper() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let reader = session(&world, &a, "pan-xinyi").await?;
    let list = reader.get("/policies/packs").await?;
    assert_eq!(list.status, StatusCode::OK);
    for said in ["/policies/packs/car-dealer-complaints", "R13", "17 部制度"] {
        let count = said.split(' ').all(|word| list.text.contains(word));
        assert!(count || list.text.contains(said), "{said}: {}", list.text);
    }
    let paper = reader.get("/policies/packs/car-dealer-complaints").await?.text;
    for said in
        ["id=\"article-2.5\"", "id=\"duty.file_warning\"", "R13.2.5b", "24小时内", "逾期不办的后果", "到期时：通知", "尚不执行，将随"]
    {
        assert!(paper.contains(said), "{said}");
    }
    let english = reader.get("/policies/packs/car-dealer-complaints?lang=en").await?.text;
    for said in ["Article 2.5", "within 24 hours", "What follows if nobody acts", "does not run yet"] {
        assert!(english.contains(said), "{said}");
    }
    assert_eq!(reader.get("/policies/packs/nothing").await?.status, StatusCode::NOT_FOUND);
    let nothing = reader.get("/policies/nothing").await?;
    assert!(nothing.status == StatusCode::NOT_FOUND && nothing.text.contains("</html>"), "{}", nothing.text);
    let sets = reader.get("/policies").await?;
    assert!(sets.text.contains("现正生效") && !sets.text.contains("<form method=\"post\" action=\"/policies\""), "{}", sets.text);
    assert_eq!(reader.upload("/policies", &[("note", "x")], &[("a.toml", "x")], &reader.csrf).await?.status, StatusCode::FORBIDDEN);
    let outside = a.ask(reqwest::Method::GET, "/policies/packs").send().await?;
    assert_eq!(outside.status(), StatusCode::SEE_OTHER, "who is not logged in is sent to log in");
    Ok(())
}

#[tokio::test]
async fn what_is_on_trial_is_read_with_its_figures_and_with_what_would_have_been_sent() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = crate::pages::neighbours(&world).await?;
    let rule = json!({
        "pack": "car-dealer-complaints", "rule": "file_warning", "opened": 12, "open": 3, "breached": 5, "closed_in_time": 4,
        "closed_late": 5, "alerts": 17, "tellings": 29
    });
    answer(&neighbours, "escalation", "trial.figures", Ok(json!({ "rules": [rule] }))).await?;
    let alert = crate::pages::an_alert(uuid::Uuid::now_v7(), "/duties");
    let asked = answer(&neighbours, "escalation", "alert.list", Ok(json!({ "alerts": [alert], "total": 1, "next": null }))).await?;
    let reader = session(&world, &a, "pan-xinyi").await?;
    let page = reader.get("/trials").await?;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for said in ["不发任何通知", "现行版本没有试运行", "4S店客户投诉管理", "本应发出的通知", "答复 TS-1", ">29<", "超期"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(asked.lock().unwrap()[0]["trial"], true);
    let english = reader.get("/trials?lang=en").await?.text;
    assert!(english.contains("Nothing is on trial") && english.contains("What would have been sent"), "{english}");
    let figures = expect(a.get("/v1/trials/figures", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(figures["rules"][0]["tellings"], 29);
    let paper = expect(a.get("/v1/policies/packs/car-dealer-complaints", &world.admin).send().await?, StatusCode::OK).await?;
    assert!(paper["articles"].as_array().is_some_and(|articles| articles.len() > 5), "{paper}");
    Ok(())
}

#[tokio::test]
async fn changed_files_are_checked_line_by_line_and_submitted() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let pack = shipped("store-complaints.toml");
    let from = "from = \"received_at\"\nwithin = \"{close_within}\"";
    let line = pack[..pack.find(from).unwrap()].matches('\n').count() + 2;
    let wrong = pack.replacen(from, &from.replace("within", "withn"), 1);
    let refused = chief.upload("/policies", &[("note", "更短的期限")], &[("store-complaints.toml", &wrong)], &chief.csrf).await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for said in ["store-complaints.toml", &format!(">{line}<"), "withn", "within", "更短的期限", "什么都没有改变"] {
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let nothing = chief.upload("/policies", &[("note", "x")], &[("", "")], &chief.csrf).await?;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sets = expect(a.get("/v1/policies", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(sets["sets"].as_array().map(Vec::len), Some(1), "nothing was submitted");

    let shorter = pack.replacen(from, &from.replace("{close_within}", "5d"), 1);
    let files = [("store-complaints.toml", shorter.as_str())];
    assert_eq!(chief.upload("/policies", &[("note", "x")], &files, "another").await?.status, StatusCode::FORBIDDEN);
    let done = chief.upload("/policies", &[("note", "更短的期限")], &files, &chief.csrf).await?;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = chief.get(&done.location).await?.text;
    for said in ["待批准", "更短的期限", "时限：7天内 → 5天内", "内容变更", "须由他人批准", "另一名有管理权限的人"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(chief.get(&format!("{}?lang=en", done.location)).await?.text.contains("time: within 7 days → within 5 days"));
    Ok(())
}

#[tokio::test]
async fn whom_the_organisation_names_signs_on_the_page_and_an_earlier_version_is_gone_back_to() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let version = submit(&world, &a, changed("customer-visits.toml", "value = \"8\"", "value = \"6\"")).await?["version"].as_i64().unwrap();
    let approve = format!("/policies/{version}/approve");
    let second = session(&world, &a, "li-wenbo").await?;
    assert!(!second.get("/policies").await?.text.contains(&approve), "not his to sign");
    assert_eq!(second.post(&approve, &[]).await?.status, StatusCode::FORBIDDEN);
    let manager = session(&world, &a, "tian-yuchen").await?;
    let page = manager.get(&format!("/policies/{version}")).await?.text;
    assert!(page.contains(&approve) && page.contains("仅一项参数变更：visits") && !page.contains("/withdraw"), "{page}");
    assert_eq!(manager.post(&approve, &[]).await?.status, StatusCode::SEE_OTHER);
    hold(&world, &a, version).await?;
    let page = manager.get(&format!("/policies/{version}")).await?.text;
    assert!(page.contains("批准（身份：") && page.contains("田宇辰") && page.contains("现正生效"), "{page}");
    assert!(!page.contains("/policies/1/back"), "going back is for who administers");

    let earlier = second.get("/policies/1").await?.text;
    assert!(earlier.contains("/policies/1/back") && earlier.contains("曾生效"), "{earlier}");
    assert_eq!(
        second.post_without_token("/policies/1/back", &[("note", "x"), ("organisation", "now")]).await?.status,
        StatusCode::FORBIDDEN
    );
    let back = second.post("/policies/1/back", &[("note", "定得太少"), ("organisation", "now")]).await?;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    let page = second.get(&back.location).await?.text;
    assert!(page.contains("恢复到版本") && page.contains("定得太少"), "{page}");
    // A token of an API client shows the same.
    let told = expect(a.get("/v1/policies", &token(&world, &a, "pan-xinyi").await?).send().await?, StatusCode::OK).await?;
    assert_eq!(told["sets"][0]["as_of"], json!(1));
    Ok(())
}

/// A set may compile and still forget somebody: who submits and who signs are both shown what is worth a look, with file and line.
#[tokio::test]
async fn what_is_worth_a_look_is_shown_where_a_set_is_submitted_and_signed() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&AT_ONCE).await?;
    install(&world, &a).await?;
    let clean = expect(a.get("/v1/policies/1", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(clean.get("remarks"), None, "the shipped set has none");
    let owner = "[duty.explain]\n";
    let (from, to) = ("[role]\n", "[role]\nauditor = { title = { zh = \"审计员\", en = \"auditor\" } }\n");
    let mut sources = changed("store-complaints.toml", from, to);
    let pack = sources.iter_mut().find(|source| source["name"] == "store-complaints.toml").unwrap();
    let text = pack["text"].as_str().unwrap();
    assert!(text.contains(owner), "{owner}");
    let (before, rule) = text.split_once(owner).unwrap();
    let told = rule.replacen("owed_by = ", "owed_to = \"auditor\"\nowed_by = ", 1);
    pack["text"] = format!("{before}{owner}{told}").into();
    let submitted = submit(&world, &a, sources).await?;
    let said = |remark: &serde_json::Value| {
        let (field, wrong) = (remark["field"].as_str().unwrap_or_default(), remark["wrong_zh"].as_str().unwrap_or_default());
        field.starts_with("/organisation.toml:") && wrong.contains("没有对应岗位：审计员")
    };
    let remarks = submitted["remarks"].as_array().cloned().unwrap_or_default();
    assert!(!remarks.is_empty() && remarks.iter().all(said), "one for each unit in which it binds: {remarks:?}");
    let path = format!("/policies/{}", submitted["version"]);
    let shown = expect(a.get(&format!("/v1{path}"), &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(shown["remarks"].as_array(), Some(&remarks));
    let reader = session(&world, &a, "li-wenbo").await?;
    let page = reader.get(&path).await?.text;
    assert!(page.contains("<h2>提示</h2>") && page.contains("没有对应岗位：审计员"), "{page}");
    assert!(reader.get(&format!("{path}?lang=en")).await?.text.contains("Worth a look"));
    Ok(())
}
