//! The pages of those who run Duban: what could not be handled, administration, sets of packs; the other services are played.

use crate::browser::{Page, Session, hidden};
use crate::pages::{answer, neighbours};
use crate::policies::{install, packs};
use crate::world::{World, a_report, expect, until};
use duban_contracts::Problem;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

fn a_rejected(rejected: Uuid) -> Value {
    json!({
        "rejected": rejected, "receipt": Uuid::now_v7(), "producer": "hotline", "unit": "BJ01", "channel": "phone", "state": "open", "version": 3,
        "problem": Problem::new(409, "idempotency-conflict", "Another report stands under this key", "该幂等键已用于另一份来件"),
        "received_at": "2026-11-23T06:00:00Z", "rejected_at": "2026-11-23T06:00:01Z",
        "report": { "channel": "phone", "kind": "客户投诉", "text": "另一件事", "fields": { "车牌号": "京A12345", "内部编号": "7" } }
    })
}

#[tokio::test]
async fn each_part_of_what_could_not_be_handled_stands_for_itself() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let rejected = Uuid::now_v7();
    answer(&neighbours, "intake", "report.rejected.list", Ok(json!({ "rejected": [a_rejected(rejected)] }))).await?;
    for service in ["intake", "escalation", "archive", "notifications"] {
        answer(&neighbours, service, "dead.list", Err(Problem::forbidden("it takes the right to administer"))).await?;
    }
    // A producer's fault over NATS is kept for an administrator to see.
    let hotline = world.connect_producer("hotline", &token).await?;
    let mut bad = a_report("写错字段的来件");
    bad["colour"] = "red".into();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Idempotency-Key", "k-1");
    hotline.request_with_headers("duban.report.v1.phone.hotline", headers, bad.to_string().into()).await?;

    expect(a.post("/v1/people/yang-lihua/reset", &world.admin).json(&json!({ "password": "correct horse" })).send().await?, StatusCode::OK)
        .await?;
    let desk = Session::of(&a, "yang-lihua", "correct horse").await?;
    let page = desk.get("/dead").await?;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains(&format!("/rejected/{rejected}")) && page.text.contains("该幂等键已用于另一份来件"), "{}", page.text);
    assert!(page.text.contains("您无权查看这一部分"));
    assert!(desk.get("/cases").await?.text.contains("href=\"/dead\""), "who takes in reports finds the page");

    let chief = Session::of(&a, "chief", "correct horse").await?;
    until("the refused report is kept", || async { Ok(chief.get("/dead").await?.text.contains("/refused/")) }).await?;
    let page = chief.get("/dead").await?.text;
    let report = page.split("/refused/").nth(1).unwrap().split('"').next().unwrap();
    assert!(chief.get(&format!("/refused/{report}")).await?.text.contains("写错字段的来件"));
    assert_eq!(desk.get(&format!("/refused/{report}")).await?.status, StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_handed_in_again_on_the_page_and_by_the_api_and_who_did_so_is_shown() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let (waiting, replayed) = (Uuid::now_v7(), Uuid::now_v7());
    let letter = |letter: Uuid, reason: &str| {
        json!({
            "letter": letter, "service": "escalation", "message": Uuid::now_v7(), "subject": "duban.intake.v1.case.registered",
            "reason": reason, "attempts": 5, "at": "2026-11-23T06:00:00Z"
        })
    };
    let mut done = letter(replayed, "a rule that is no longer there");
    done["replayed_at"] = "2026-11-24T01:30:00Z".into();
    done["replayed_by"] = "person/li-wenbo".into();
    let mut headless = letter(waiting, "no headers");
    headless["reason_zh"] = "不是事件消息：缺少消息头".into();
    let letters = json!({ "letters": [headless, done.clone()], "total": 2, "next": null });
    answer(&neighbours, "escalation", "dead.list", Ok(letters)).await?;
    let asked = answer(&neighbours, "escalation", "dead.replay", Ok(done)).await?;

    let chief = Session::of(&a, "chief", "correct horse").await?;
    let page = chief.get("/dead?lang=zh").await?.text;
    assert!(page.contains("不是事件消息：缺少消息头") && !page.contains("no headers"), "{page}");
    let page = chief.get("/dead?lang=en").await?.text;
    let row = |of: &str| page.split("<tr").find(|row| row.contains(of)).unwrap_or_default().to_owned();
    let (open, done) = (row("no headers"), row("a rule that is no longer there"));
    let act = format!("/dead/escalation/{waiting}/replay");
    assert!(open.contains(&format!("action=\"{act}\"")), "{open}");
    assert!(!done.contains("<form") && done.contains("李文博") && done.contains("2026-11-24T01:30:00Z"), "{done}");

    let request = hidden(&open, "request").unwrap();
    assert_eq!(chief.post_without_token(&act, &[("request", &request)]).await?.status, StatusCode::FORBIDDEN);
    assert!(asked.lock().unwrap().is_empty());
    let handed_in = chief.post(&act, &[("request", &request)]).await?;
    assert_eq!((handed_in.status, handed_in.location.as_str()), (StatusCode::SEE_OTHER, "/dead?told=replayed"));
    let path = format!("/v1/dead-letters/escalation/{waiting}/replay");
    expect(a.post(&path, &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(*asked.lock().unwrap(), [json!({ "letter": waiting }), json!({ "letter": waiting })]);

    // Who does not administer is turned away before the service is asked.
    let wang = world.person(&a, "wang").await?;
    for path in [path.as_str(), &format!("/v1/dead-letters/escalation/{waiting}"), "/v1/dead-letters/escalation"] {
        let method = if path.ends_with("replay") { reqwest::Method::POST } else { reqwest::Method::GET };
        assert_eq!(a.ask(method, path).bearer_auth(&wang).send().await?.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(asked.lock().unwrap().len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_does_not_answer_is_named_on_the_page_and_never_taken_for_nothing() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    let letters = json!({ "letters": [], "total": 0, "next": null });
    answer(&neighbours, "intake", "dead.list", Ok(letters)).await?;
    answer(&neighbours, "intake", "report.rejected.list", Err(Problem::internal())).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let page = chief.get("/dead?lang=en").await?;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Reports that could not be registered: Something failed on our side"), "{}", page.text);
    assert!(page.text.contains("archive: A part that is needed does not answer"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn a_rejected_report_is_put_right_and_admitted_or_dismissed() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let rejected = Uuid::now_v7();
    let listed = answer(&neighbours, "intake", "report.rejected.list", Ok(json!({ "rejected": [a_rejected(rejected)] }))).await?;
    let acted = |state: &str| Ok(json!({ "rejected": rejected, "state": state, "version": 4 }));
    let admitted = answer(&neighbours, "intake", "report.rejected.admit", acted("admitted")).await?;
    let dismissed = answer(&neighbours, "intake", "report.rejected.dismiss", acted("dismissed")).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let path = format!("/rejected/{rejected}");
    let page = chief.get(&path).await?;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(listed.lock().unwrap()[0]["rejected"], json!(rejected));
    for said in ["该幂等键已用于另一份来件", "另一件事", "<option value=\"complaint\" selected", "name=\"field.plate\" value=\"京A12345\""]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(chief.get(&format!("/rejected/{}", Uuid::now_v7())).await?.status, StatusCode::NOT_FOUND);
    let other = chief.get(&format!("{path}?unit=BJ01&kind=complaint_report")).await?;
    assert!(other.text.contains("name=\"field.period\""), "{}", other.text);

    let request = hidden(&page.text, "request").unwrap();
    let usual = [("request", request.as_str()), ("version", "3"), ("reason", "另一件事")];
    let as_it_came = [("do", "admit"), ("unit", "BJ01"), ("kind", "complaint"), ("field.plate", "京A12345")];
    assert_eq!(chief.post_without_token(&path, &[&usual[..], &as_it_came].concat()).await?.status, StatusCode::FORBIDDEN);
    let done = chief.post(&path, &[&usual[..], &as_it_came].concat()).await?;
    assert_eq!((done.status, done.location), (StatusCode::SEE_OTHER, format!("{path}?told=done")));
    assert_eq!(admitted.lock().unwrap()[0]["corrected"], Value::Null, "what was not put right goes in as it came");
    let put_right = [("do", "admit"), ("unit", "BJ02"), ("kind", "complaint"), ("field.plate", "京A54321"), ("field.about", "car")];
    chief.post(&path, &[&usual[..], &put_right].concat()).await?;
    let corrected = admitted.lock().unwrap()[1]["corrected"].clone();
    assert_eq!(corrected["fields"], json!({ "plate": "京A54321", "about": "car", "内部编号": "7" }));
    assert_eq!((&corrected["unit"], &corrected["kind"], &corrected["text"]), (&json!("BJ02"), &json!("客户投诉"), &json!("另一件事")));

    let done = chief.post(&path, &[&usual[..], &[("do", "dismiss")]].concat()).await?;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(*dismissed.lock().unwrap(), [json!({ "do": "dismiss", "rejected": rejected, "reason": "另一件事" })]);
    let by_api = a.post("/v1/rejected-reports/acts", &world.admin).header("Idempotency-Key", Uuid::now_v7().to_string());
    let by_api = by_api.json(&json!({ "do": "dismiss", "rejected": rejected, "reason": "x" })).send().await?;
    assert_eq!(expect(by_api, StatusCode::OK).await?["state"], "dismissed");
    Ok(())
}

#[tokio::test]
async fn a_producer_and_a_person_are_made_on_the_page() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    assert_eq!(chief.get("/administration").await?.status, StatusCode::OK);
    let producer = [("id", "kiosk"), ("name", ""), ("unit", "installation")];
    assert_eq!(chief.post_without_token("/administration/producers", &producer).await?.status, StatusCode::FORBIDDEN);
    let made = chief.post("/administration/producers", &producer).await?;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let token = made.text.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(a.report(token, "k-1", &a_report("x")).await?.0, StatusCode::ACCEPTED, "its token is good");

    // As a browser sends it: the empty fields too.
    let person = [
        ("id", "wang"),
        ("name", "王芳"),
        ("email", ""),
        ("phone", ""),
        ("webhook", ""),
        ("language", "en"),
        ("password", "correct horse"),
    ];
    let made = chief.post("/administration/people", &person).await?;
    assert_eq!((made.status, made.location.as_str()), (StatusCode::SEE_OTHER, "/administration?person=wang#people"), "{}", made.text);
    let people = expect(a.get("/v1/people", &world.admin).send().await?, StatusCode::OK).await?;
    let wang = people["people"].as_array().unwrap().iter().find(|person| person["id"] == "wang").unwrap();
    assert!(wang["email"].is_null(), "{wang}");
    let wang = Session::of(&a, "wang", "correct horse").await?;
    assert_eq!(wang.get("/administration").await?.status, StatusCode::FORBIDDEN);
    assert!(wang.get("/report").await?.text.contains("Send a report"), "in the language that was chosen");
    Ok(())
}

#[tokio::test]
async fn how_long_a_producer_may_be_silent_is_set_on_the_page_and_by_the_api() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let silence = async || {
        let list = expect(a.get("/v1/producers", &world.admin).send().await?, StatusCode::OK).await?;
        let hotline = list["producers"].as_array().unwrap().iter().find(|producer| producer["id"] == "hotline").unwrap().clone();
        anyhow::Ok(hotline["silent_after"].clone())
    };
    assert_eq!(silence().await?, serde_json::Value::Null);
    let watch = "/administration/producers/hotline/watch";
    assert_eq!(chief.post_without_token(watch, &[("silent_after", "4wh")]).await?.status, StatusCode::FORBIDDEN);
    let set = chief.post(watch, &[("silent_after", " 4wh ")]).await?;
    assert_eq!((set.status, set.location.as_str()), (StatusCode::SEE_OTHER, "/administration#producers"), "{}", set.text);
    assert_eq!(silence().await?, "4wh");
    assert!(chief.get("/administration").await?.text.contains("value=\"4wh\""));
    let refused = chief.post(watch, &[("silent_after", "four hours")]).await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(silence().await?, "4wh");
    // It outlives a new token, and ends by a time that is none.
    expect(a.post("/v1/producers/hotline/token", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(silence().await?, "4wh");
    let by_api = |id: &str| a.post(&format!("/v1/producers/{id}/watch"), &world.admin).json(&json!({ "silent_after": null }));
    expect(by_api("hotline").send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!(silence().await?, serde_json::Value::Null);
    assert_eq!(by_api("nobody").send().await?.status(), StatusCode::NOT_FOUND);
    let wrong = a.post("/v1/producers", &world.admin).json(&json!({ "id": "kiosk", "unit": "installation", "silent_after": "soon" }));
    let wrong = expect(wrong.send().await?, StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert_eq!(wrong["errors"][0]["field"], "/silent_after", "{wrong}");
    Ok(())
}

/// The token that a page shows once.
fn shown_token(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let (_, after) = page.text.split_once("<code>").unwrap_or_else(|| panic!("no token: {}", page.text));
    after.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_producer_and_a_person_are_given_new_tokens_and_disabled_on_the_page() -> anyhow::Result<()> {
    let (world, a, old) = World::start().await?;
    let wang_token = world.person(&a, "wang").await?;
    let wang = Session::of(&a, "wang", "correct horse").await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let report = async |token: &str, key: &str| anyhow::Ok(a.report(token, key, &a_report("x")).await?.0);
    let me = async |token: &str| anyhow::Ok(a.get("/v1/me", token).send().await?.status());
    let buttons = async |path: &str| anyhow::Ok(chief.get("/administration").await?.text.contains(&format!("action=\"{path}\"")));
    let (producer_token, producer_disable) = ("/administration/producers/hotline/token", "/administration/producers/hotline/disable");
    let (person_token, person_disable) = ("/administration/people/wang/token", "/administration/people/wang/disable");
    for path in [producer_token, producer_disable, person_token, person_disable] {
        assert!(buttons(path).await?, "no button for {path}");
        // Neither a form of another page nor somebody who does not administer does anything.
        assert_eq!(chief.post_without_token(path, &[]).await?.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(wang.post(path, &[]).await?.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!((report(&old, "k-1").await?, me(&wang_token).await?), (StatusCode::ACCEPTED, StatusCode::OK));

    let renewed = shown_token(&chief.post(producer_token, &[]).await?);
    assert_eq!((report(&old, "k-2").await?, report(&renewed, "k-2").await?), (StatusCode::UNAUTHORIZED, StatusCode::ACCEPTED));
    let another = shown_token(&chief.post(person_token, &[]).await?);
    assert_eq!(me(&another).await?, StatusCode::OK);
    for token in [&renewed, &another] {
        assert!(!chief.get("/administration").await?.text.contains(token.as_str()), "it is shown only once");
    }

    // A token that is named stands beside it, and ends it not.
    let named = shown_token(&chief.post(person_token, &[("name", "export")]).await?);
    assert_eq!([me(&named).await?, me(&another).await?], [StatusCode::OK; 2]);

    let led_back = |place: &str| (StatusCode::SEE_OTHER, format!("/administration{place}"));
    let disabled = chief.post(producer_disable, &[]).await?;
    assert_eq!((disabled.status, disabled.location), led_back("#producers"), "{}", disabled.text);
    assert_eq!(report(&renewed, "k-3").await?, StatusCode::UNAUTHORIZED);
    let disabled = chief.post(person_disable, &[]).await?;
    assert_eq!((disabled.status, disabled.location), led_back("?person=wang#people"), "{}", disabled.text);
    for token in [&wang_token, &another, &named] {
        assert_eq!(me(token).await?, StatusCode::UNAUTHORIZED);
    }
    assert!(wang.get("/alerts").await?.location.starts_with("/login"), "his session has ended");
    assert!(Session::of(&a, "wang", "correct horse").await.is_err(), "nor does he log in again");
    for path in [producer_disable, person_token, person_disable] {
        assert!(!buttons(path).await?, "a button for {path} is left");
    }
    for nobody in ["/administration/producers/nobody/token", "/administration/people/nobody/disable", "/administration/people/wang/promote"]
    {
        assert_eq!(chief.post(nobody, &[]).await?.status, StatusCode::NOT_FOUND, "{nobody}");
    }
    for (what, which) in [("producer", "hotline"), ("person", "wang")] {
        let path = format!("/v1/history?what={what}&which={which}");
        let history = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?;
        assert_eq!(history["changes"][0]["by"], "chief", "{history}");
        assert_eq!(history["changes"][0]["after"]["disabled"], true, "{history}");
    }
    assert!(buttons(producer_token).await?, "a new token enables it");
    let again = shown_token(&chief.post(producer_token, &[]).await?);
    assert_eq!((report(&renewed, "k-4").await?, report(&again, "k-4").await?), (StatusCode::UNAUTHORIZED, StatusCode::ACCEPTED));
    Ok(())
}

#[tokio::test]
async fn a_set_of_packs_is_approved_by_another_and_taken_back_on_the_page() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let submitted = a.post("/v1/policies", &world.admin).json(&json!({ "sources": packs(), "note": "again" })).send().await?;
    let version = expect(submitted, StatusCode::OK).await?["version"].as_i64().unwrap();
    let (approve, withdraw) = (format!("/policies/{version}/approve"), format!("/policies/{version}/withdraw"));
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let page = chief.get("/policies").await?.text;
    assert!(!page.contains(&approve) && page.contains(&withdraw), "not by who submitted it: {page}");
    assert_eq!(chief.post(&approve, &[]).await?.status, StatusCode::FORBIDDEN);

    expect(a.post("/v1/people/li-wenbo/reset", &world.admin).json(&json!({ "password": "correct horse" })).send().await?, StatusCode::OK)
        .await?;
    let second = Session::of(&a, "li-wenbo", "correct horse").await?;
    assert!(second.get("/policies").await?.text.contains(&approve));
    assert_eq!(second.post_without_token(&approve, &[]).await?.status, StatusCode::FORBIDDEN);
    assert_eq!(second.post(&approve, &[]).await?.status, StatusCode::SEE_OTHER);
    assert!(second.get("/policies").await?.text.contains("已公告，待生效"));
    assert_eq!(second.post(&withdraw, &[]).await?.status, StatusCode::SEE_OTHER);
    assert!(second.get("/policies").await?.text.contains("已撤回"));
    Ok(())
}
