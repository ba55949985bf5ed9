//! The pages of the public and of those who handle cases, as a browser asks for them; the other services are played.

use crate::browser::{FORM, Page, Session, form, hidden, page};
use crate::policies::{install, packs};
use crate::world::{Gateway, World, a_report, expect};
use anyhow::Context;
use duban_contracts::Problem;
use duban_local::neighbours::Neighbours;
use futures::StreamExt;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What a neighbour was asked.
pub type Asked = Arc<Mutex<Vec<Value>>>;

pub async fn neighbours(world: &World) -> anyhow::Result<Neighbours> {
    Ok(Neighbours::of(&world.ground, &["intake", "escalation", "archive", "notifications"]).await?)
}

/// Answers a request always in one way, and notes what was asked.
pub async fn answer(neighbours: &Neighbours, service: &str, name: &str, answer: Result<Value, Problem>) -> anyhow::Result<Asked> {
    let asked = Asked::default();
    let noted = asked.clone();
    neighbours
        .answer(service, name, move |request| {
            noted.lock().unwrap().push(request);
            answer.clone()
        })
        .await?;
    Ok(asked)
}

async fn public(gateway: &Gateway, members: &[(&str, &str)], language: &str) -> anyhow::Result<Page> {
    let request = gateway.ask(Method::POST, "/report").header(header::CONTENT_TYPE, FORM).header(header::ACCEPT_LANGUAGE, language);
    page(request.body(form(members)).send().await?).await
}

async fn public_get(gateway: &Gateway, path: &str, language: &str) -> anyhow::Result<Page> {
    page(gateway.ask(Method::GET, path).header(header::ACCEPT_LANGUAGE, language).send().await?).await
}

fn tracking_code(page: &str) -> String {
    let (_, after) = page.split_once("<p class=\"code\">").unwrap_or_else(|| panic!("no tracking code: {page}"));
    after.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_form_sent_twice_has_one_tracking_code_and_is_followed_on_the_tracking_page() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    world.producer(&a, "web").await?;
    let shown = public_get(&a, "/report", "en").await?;
    assert!(shown.text.contains("Send a report") && shown.text.contains("lang=\"en\""));
    assert!(public_get(&a, "/report", "zh-CN").await?.text.contains("提交来件"));
    let key = hidden(&shown.text, "key").unwrap();
    let members =
        [("key", key.as_str()), ("subject", "噪音"), ("text", "夜间施工"), ("unit", ""), ("name", "王芳"), ("phone", "13800002345")];
    let first = public(&a, &members, "en").await?;
    let again = public(&a, &members, "zh").await?;
    assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK), "{}", first.text);
    assert!(first.text.contains("Thank you") && again.text.contains("提交成功"));
    let code = tracking_code(&first.text);
    assert_eq!(code, tracking_code(&again.text));

    let track = format!("/track?code={code}");
    // Intake does not know it yet.
    assert!(public_get(&a, &track, "zh").await?.text.contains("已收到，正在登记"));
    let status = json!({ "state": "registered", "case": { "number": "TS-1", "stage": "answered", "stage_zh": "已答复",
        "due": "2026-11-30T08:00:00Z", "received_at": "2026-11-23T06:00:00Z" } });
    let neighbours = neighbours(&world).await?;
    answer(&neighbours, "intake", "report.track", Ok(status)).await?;
    let found = public_get(&a, &track, "en").await?;
    assert!(
        found.text.contains("TS-1") && found.text.contains("answered") && found.text.contains("Mon 30 Nov 2026, 16:00"),
        "{}",
        found.text
    );
    assert!(public_get(&a, &track, "zh").await?.text.contains("已答复"));
    assert_eq!(public_get(&a, "/track?code=7K2QF-9D4M-XW3TB", "zh").await?.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_form_with_faults_names_them_and_keeps_what_was_typed() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    world.producer(&a, "web").await?;
    let long = "长".repeat(201);
    let back = public(&a, &[("key", "k-1"), ("subject", &long), ("text", "夜间施工"), ("name", "王芳 <b>"), ("phone", "")], "zh").await?;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        back.text.contains("夜间施工") && back.text.contains("王芳 &lt;b&gt;") && back.text.contains("class=\"wrong\""),
        "{}",
        back.text
    );
    assert_eq!(hidden(&back.text, "key").as_deref(), Some("k-1"), "sent again it is the same report");
    assert_eq!(world.reports_in_stream().await?, 0);
    Ok(())
}

#[tokio::test]
async fn one_address_sends_only_so_many_forms_a_minute() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_FORMS_PER_MINUTE", "2")]).await?;
    world.producer(&a, "web").await?;
    let mut statuses = Vec::new();
    // Each half minute one more is allowed: on a slow machine one of them may pass in between.
    for n in 0..6 {
        statuses.push(public(&a, &[("key", &format!("k-{n}")), ("text", "x")], "zh").await?.status);
    }
    assert_eq!(statuses[..2], [StatusCode::OK; 2]);
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_a_limit_of_his_own_and_nobody_makes_up_an_address() -> anyhow::Result<()> {
    let settings = [("DUBAN_TRUSTED_PROXIES", "127.0.0.0/8"), ("DUBAN_FORMS_PER_MINUTE", "1"), ("DUBAN_LOOK_UPS_PER_MINUTE", "1")];
    let (world, a, token) = World::start_with(&settings).await?;
    world.producer(&a, "web").await?;
    let code = a.report(&token, "call-1", &a_report("一")).await?.1["tracking_code"].as_str().unwrap().to_owned();
    let (api, page, form_body) = (format!("/v1/reports/{code}"), format!("/track?code={code}"), form(&[("key", "k-1"), ("text", "x")]));
    let status = async |what: &str, forwarded: &str| {
        let request = match what {
            "form" => a.ask(Method::POST, "/report").header(header::CONTENT_TYPE, FORM).body(form_body.clone()),
            path => a.ask(Method::GET, path),
        };
        anyhow::Ok(request.header("X-Forwarded-For", forwarded).send().await?.status())
    };
    // The API and the page of a code have one limit together, so each is asked from addresses of its own.
    for (what, net) in [("form", "198.51.100"), (&*api, "203.0.113"), (&*page, "192.0.2")] {
        // Of a few in a row one at least finds its minute's share used up, however slow the machine is.
        let mut of_one = Vec::new();
        for made_up in 1..=8 {
            // What stands before the address that the proxy saw is made up by the client; ours is the only proxy that is believed.
            of_one.push(status(what, &format!("10.9.8.{made_up}, {net}.1")).await?);
        }
        assert_eq!(of_one[0], StatusCode::OK, "{what}");
        assert!(of_one.contains(&StatusCode::TOO_MANY_REQUESTS), "{what}: {of_one:?}");
        for client in 2..=4 {
            assert_eq!(status(what, &format!("{net}.{client}")).await?, StatusCode::OK, "{what}: another client");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_sites_page_is_refused() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    world.producer(&a, "web").await?;
    let foreign = a.ask(Method::POST, "/report").header(header::CONTENT_TYPE, FORM).header(header::ORIGIN, "https://evil.example");
    assert_eq!(foreign.body(form(&[("key", "k"), ("text", "x")])).send().await?.status(), StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn the_form_offers_the_public_its_kinds_and_takers_of_reports_every_kind() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_FORMS_PER_MINUTE", "60")]).await?;
    install(&world, &a).await?;
    world.producer(&a, "web").await?;
    let chosen = public(&a, &[("key", "k-1"), ("unit", "BJ01"), ("text", "还没写完"), ("choose", "yes")], "zh").await?;
    assert_eq!(chosen.status, StatusCode::OK);
    assert!(chosen.text.contains("value=\"complaint\"") && chosen.text.contains("还没写完"), "{}", chosen.text);
    assert!(!chosen.text.contains("value=\"complaint_report\"") && !chosen.text.contains("value=\"unsorted\""));
    assert_eq!(world.reports_in_stream().await?, 0);
    let asking = public(&a, &[("key", "k-1"), ("unit", "BJ01"), ("kind", "complaint"), ("choose", "yes")], "zh").await?;
    assert!(asking.text.contains("name=\"field.plate\"") && !asking.text.contains("name=\"field.marked\""), "{}", asking.text);

    // What closes a duty of the store is not for everybody to hand in.
    let report = [("key", "k-2"), ("unit", "BJ01"), ("kind", "complaint_report"), ("text", "本周投诉 3 件"), ("field.period", "2026-W48")];
    let refused = public(&a, &report, "zh").await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    expect(a.post("/v1/people/yang-lihua/reset", &world.admin).json(&json!({ "password": "correct horse" })).send().await?, StatusCode::OK)
        .await?;
    let desk = Session::of(&a, "yang-lihua", "correct horse").await?;
    let offered = desk.get("/report?unit=BJ01&kind=complaint_report").await?;
    assert!(
        offered.text.contains("value=\"complaint_report\" selected") && offered.text.contains("name=\"field.period\""),
        "{}",
        offered.text
    );
    assert_eq!(desk.post_without_token("/report", &report).await?.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sent = desk.post("/report", &report).await?;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let body = the_report(&world).await?;
    assert_eq!(
        (&body["kind"], &body["fields"]["period"], &body["channel"]),
        (&json!("complaint_report"), &json!("2026-W48"), &json!("manual"))
    );
    Ok(())
}

/// The only report in the stream, taken as intake takes it.
async fn the_report(world: &World) -> anyhow::Result<Value> {
    let jetstream = async_nats::jetstream::new(world.ground.connect_nats("intake").await?);
    let config = async_nats::jetstream::consumer::pull::Config { durable_name: Some("intake".into()), ..Default::default() };
    let consumer = jetstream.get_stream("REPORTS").await?.create_consumer(config).await?;
    let message = consumer.fetch().max_messages(1).messages().await?.next().await.context("a report")?;
    let message = message.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(serde_json::from_slice::<Value>(&message.payload)?["report"].clone())
}

pub fn an_alert(alert: Uuid, link: &str) -> Value {
    json!({
        "alert": alert, "duty": Uuid::now_v7(), "rule": "answer", "pack": "car-dealer-complaints", "article": "2.4", "key": "k", "case": null,
        "title": "Answer TS-1", "title_zh": "答复 TS-1", "link": link, "unit": "U", "sort": "breach", "run": 1, "rung": 1, "repetition": 0,
        "until": "any", "state": "open", "recipients": [{ "person": "chief", "post": "U/manager", "unit": "U", "how": "direct" }],
        "next": { "at": "2026-11-24T06:00:00Z", "posts": ["U/president"], "people": [] },
        "due_at": "2026-11-23T06:00:00Z", "raised_at": "2026-11-23T06:00:00Z", "policy": 1, "version": 1
    })
}

#[tokio::test]
async fn no_link_of_the_shipped_packs_leads_nowhere() -> anyhow::Result<()> {
    let (_world, a, _) = World::start().await?;
    let sources = packs();
    let texts = sources.iter().filter_map(|source| source["text"].as_str());
    let written = texts.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("link = \"")?.split('"').next());
    let mut links: BTreeSet<String> = written.map(str::to_owned).collect();
    assert!(links.len() > 1, "{links:?}");
    // Where rules that name no link lead.
    links.extend(["/cases/{case}".to_owned(), "/duties".to_owned()]);
    for link in links {
        let path =
            link.split(['{', '}']).enumerate().map(|(n, part)| if n % 2 == 0 { part.to_owned() } else { Uuid::now_v7().to_string() });
        let page = public_get(&a, &path.collect::<String>(), "zh").await?;
        assert!(page.status.is_redirection() && page.location.starts_with("/login?next="), "{link}: {}", page.status);
    }
    Ok(())
}

#[tokio::test]
async fn alerts_are_listed_opened_and_acknowledged() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    let id = Uuid::now_v7();
    let mut alert = an_alert(id, &format!("/alerts/{id}"));
    let (zh, en) = ("店长空缺或离岗，由代理人负责", "the store manager is vacant or absent: the deputy stands in");
    alert["recipients"][0] = json!({ "person": "chief", "post": "U/manager", "unit": "U", "how": "deputy", "reason": zh, "reason_en": en });
    // Who owes it is told beside him.
    alert["owed_by"] = json!("U/clerk");
    alert["recipients"].as_array_mut().unwrap().push(json!({ "person": "clerk", "post": "U/clerk", "unit": "U", "how": "direct" }));
    answer(&neighbours, "escalation", "alert.list", Ok(json!({ "alerts": [alert], "total": 1, "next": null }))).await?;
    answer(&neighbours, "escalation", "alert.show", Ok(alert)).await?;
    let acknowledged = json!({ "alert": id, "duty": Uuid::now_v7(), "state": "acknowledged" });
    let asked = answer(&neighbours, "escalation", "alert.acknowledge", Ok(acknowledged)).await?;
    let path = format!("/alerts/{id}");
    let stranger = public_get(&a, &path, "zh").await?;
    assert!(stranger.status.is_redirection() && stranger.location.starts_with("/login?next="));

    let chief = Session::of(&a, "chief", "correct horse").await?;
    let list = chief.get("/alerts").await?;
    assert!(list.text.contains("我的督办") && list.text.contains("答复 TS-1"), "{}", list.text);
    assert!(chief.get("/alerts?lang=en").await?.text.contains("My alerts"));
    let one = chief.get(&path).await?;
    assert_eq!(one.status, StatusCode::OK, "{}", one.text);
    for said in ["答复 TS-1", "需要做什么", "若不处理", "2026年11月23日", "通知了谁"] {
        assert!(one.text.contains(said), "{said}");
    }
    assert!(one.text.contains("责任岗位") && one.text.contains("并督促"), "he who does not owe it sees that it is done: {}", one.text);
    assert!(one.text.contains(zh) && !one.text.contains(en));
    let in_english = chief.get(&format!("{path}?lang=en")).await?.text;
    assert!(in_english.contains("What must be done") && in_english.contains(en) && !in_english.contains(zh), "{in_english}");
    let by_api = expect(a.get(&format!("/v1{path}"), &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!((&by_api["recipients"][0]["reason"], &by_api["recipients"][0]["reason_en"]), (&json!(zh), &json!(en)));

    let act = format!("{path}/acknowledge");
    let request = hidden(&one.text, "request").unwrap();
    assert_eq!(chief.post_without_token(&act, &[("request", &request)]).await?.status, StatusCode::FORBIDDEN);
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(chief.post(&act, &[("request", &request)]).await?.status, StatusCode::SEE_OTHER);
    assert_eq!(asked.lock().unwrap()[0]["alert"], json!(id));
    Ok(())
}

fn a_case(case: Uuid, other: Uuid) -> Value {
    json!({
        "summary": {
            "case": case, "number": "TS-1", "pack": "car-dealer-complaints", "kind": "complaint", "kind_title": "Customer complaint",
            "kind_title_zh": "客户投诉", "unit": "BJ01", "severity": "major", "severity_title": "Grave", "severity_title_zh": "重大投诉",
            "stage": "new", "stage_title": "new", "stage_title_zh": "新立案", "channel": "phone", "title": "Complaint, BJ01",
            "title_zh": "客户投诉 BJ01", "unsorted": false, "closed": false, "received_at": "2026-11-23T06:00:00Z",
            "registered_at": "2026-11-23T06:00:01Z", "repeats": 1, "version": 7
        },
        "receipt": Uuid::now_v7(), "policy": 1, "fields": { "cause": "交付延误" }, "timeline": [],
        "steps": [{ "name": "check", "sort": "move", "title": "Check", "title_zh": "核实", "requires": [
            { "name": "cause", "title": "cause", "title_zh": "原因", "sort": "text" },
            { "name": "loss", "title": "loss", "title_zh": "损失", "sort": "amount", "optional": true }
        ] }], "people_added": ["zhang-wei"],
        "links": [{ "other": other, "number": "TS-0", "sort": "repeats", "at": "2026-11-23T06:00:01Z" }]
    })
}

#[tokio::test]
async fn a_long_case_leads_to_what_happened_before() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let (case, newest, older) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let mut long = a_case(case, Uuid::now_v7());
    long["earlier"] = json!(newest);
    answer(&neighbours, "intake", "case.show", Ok(long)).await?;
    let entry = json!({ "id": older, "at": "2026-11-23T06:00:01Z", "event": "case.noted", "text": "Noted", "text_zh": "添加了备注", "note": "最早的话" });
    let asked = answer(&neighbours, "intake", "case.earlier", Ok(json!({ "entries": [entry], "earlier": older }))).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let way = format!("/cases/{case}/earlier?before={newest}");
    assert!(chief.get(&format!("/cases/{case}")).await?.text.contains(&format!("href=\"{way}\"")));
    let shown = chief.get(&way).await?;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(shown.text.contains("最早的话") && shown.text.contains(&format!("/cases/{case}/earlier?before={older}")));
    assert_eq!(asked.lock().unwrap()[0], json!({ "case": case, "before": newest }));
    Ok(())
}

#[tokio::test]
async fn who_can_see_a_case_and_why_is_a_page_of_its_own() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    let case = Uuid::now_v7();
    let watcher = |person: &str, name: &str, reasons: (&str, &str), personal: bool| json!({ "person": person, "name": name, "reason": reasons.0, "reason_zh": reasons.1, "personal_text": personal });
    let watchers = [
        watcher("han-jianguo", "韩建国", ("handles it", "承办人"), true),
        watcher("zhang-wei", "张伟", ("chief executive officer: see everywhere", "首席执行官：查看全部单位"), false),
    ];
    answer(&neighbours, "intake", "case.show", Ok(a_case(case, case))).await?;
    let asked = answer(&neighbours, "intake", "case.watchers", Ok(json!({ "watchers": watchers }))).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let path = format!("/cases/{case}/watchers");
    assert!(chief.get(&format!("/cases/{case}")).await?.text.contains(&format!("href=\"{path}\"")));
    let shown = chief.get(&path).await?;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert_eq!(asked.lock().unwrap()[0]["case"], json!(case));
    // Row by row: who, why, and whether he sees what is personal.
    let row = |page: &str, name: &str| page.split("<tr").find(|row| row.contains(name)).unwrap_or_default().to_owned();
    let (han, zhang) = (row(&shown.text, "韩建国"), row(&shown.text, "张伟"));
    assert!(han.contains("承办人") && han.contains(">是<"), "{han}");
    assert!(zhang.contains("首席执行官：查看全部单位") && zhang.contains(">否<"), "{zhang}");
    let english = chief.get(&format!("{path}?lang=en")).await?.text;
    assert!(english.contains("Who can see this case, and why") && row(&english, "韩建国").contains("handles it"), "{english}");
    let by_api = expect(a.get(&format!("/v1{path}"), &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(by_api["watchers"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_case_is_shown_with_what_may_be_done_and_every_act_reaches_its_owner() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let (case, other) = (Uuid::now_v7(), Uuid::now_v7());
    answer(&neighbours, "intake", "case.show", Ok(a_case(case, other))).await?;
    let acted = json!({ "case": case, "number": "TS-1", "stage": "new", "version": 8 });
    let asked = answer(&neighbours, "intake", "case.act", Ok(acted)).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let path = format!("/cases/{case}");
    let shown = chief.get(&path).await?;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(shown.text.contains("重大投诉") && chief.get(&format!("{path}?lang=en")).await?.text.contains("Grave"));
    // A step asks for what it needs, and shows what is known already; what it only asks for may stay empty.
    for input in ["name=\"field.cause\" required>交付延误<", "name=\"field.loss\" inputmode=\"decimal\" value=\"\">"] {
        assert!(shown.text.contains(input), "{input}: {}", shown.text);
    }
    // Chosen, not typed: kinds of the unit and of others, units by their titles, those who may handle cases there.
    for choice in ["<option value=\"complaint\">", "<option value=\"BJ01\"", "optgroup label=\"本单位适用\"", "<option value=\"zhang-wei\""]
    {
        assert!(shown.text.contains(choice), "{choice}");
    }
    let request = Uuid::now_v7().to_string();
    let usual = [("request", request.as_str()), ("version", "7"), ("reason", "同一客户")];
    let other_text = other.to_string();
    let acts: [(&[(&str, &str)], Value); 8] = [
        (&[("do", "note"), ("text", "已电话联系")], json!({ "do": "note", "text": "已电话联系" })),
        (
            &[("do", "refer"), ("name", "录音"), ("reference", "REC-7")],
            json!({ "do": "refer", "attachment": { "name": "录音", "reference": "REC-7" } }),
        ),
        (&[("do", "assign"), ("person", "zhang-wei")], json!({ "do": "assign", "person": "zhang-wei" })),
        (&[("do", "unlink"), ("other", &other_text)], json!({ "do": "unlink", "other": other, "reason": "同一客户" })),
        (&[("do", "merge"), ("into", "TS-0")], json!({ "do": "merge", "into": case, "reason": "同一客户" })),
        (&[("do", "add_person"), ("person", "wang-xuemei")], json!({ "do": "add_person", "person": "wang-xuemei", "reason": "同一客户" })),
        (
            &[("do", "remove_person"), ("person", "zhang-wei")],
            json!({ "do": "remove_person", "person": "zhang-wei", "reason": "同一客户" }),
        ),
        (
            &[("do", "correct"), ("unit", "BJ02"), ("kind", "")],
            json!({ "do": "correct", "unit": "BJ02", "kind": null, "reason": "同一客户" }),
        ),
    ];
    let act = format!("{path}/act");
    assert_eq!(chief.post_without_token(&act, &[&usual[..], acts[0].0].concat()).await?.status, StatusCode::FORBIDDEN);
    for (members, expected) in acts {
        let done = chief.post(&act, &[&usual[..], members].concat()).await?;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{members:?}: {}", done.text);
        let got = asked.lock().unwrap().last().cloned().unwrap();
        assert_eq!(got["case"], json!(case));
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&got[name], value, "{members:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_list_keeps_its_filters_on_the_next_page_and_offers_the_export_to_who_may() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let neighbours = neighbours(&world).await?;
    let case = Uuid::now_v7();
    let summary = a_case(case, case)["summary"].clone();
    let next = Uuid::now_v7();
    answer(&neighbours, "intake", "case.list", Ok(json!({ "cases": [summary], "total": 2, "next": next }))).await?;
    let mut formula = summary.clone();
    formula["number"] = "TS-0".into();
    let page_of = |number: &Value, next: Option<Uuid>| {
        let report = json!({ "channel": "phone", "subject": "=HYPERLINK(\"https://evil.example\")", "text": "第一行\n第二行, \"引号\"" });
        json!({ "cases": [{ "summary": number, "occurred_at": "2026-11-23T05:00:00Z", "report": report }], "next": next })
    };
    let (first, last) = (page_of(&summary, Some(case)), page_of(&formula, None));
    neighbours
        .answer("intake", "case.export", move |asked| Ok(if asked["before"].is_null() { first.clone() } else { last.clone() }))
        .await?;

    expect(a.post("/v1/people/zhang-wei/reset", &world.admin).json(&json!({ "password": "correct horse" })).send().await?, StatusCode::OK)
        .await?;
    let exporter = Session::of(&a, "zhang-wei", "correct horse").await?;
    let list = exporter.get("/cases?state=open&search=%E5%88%B9%E8%BD%A6&unit=BJ01").await?;
    let kept = format!("/cases?state=open&amp;unit=BJ01&amp;search=%E5%88%B9%E8%BD%A6&amp;before={next}");
    assert!(list.text.contains(&kept), "{}", list.text);
    assert!(list.text.contains("重大投诉") && list.text.contains("/v1/cases/export?state=open"));
    let chief = Session::of(&a, "chief", "correct horse").await?;
    assert!(!chief.get("/cases").await?.text.contains("/v1/cases/export"));

    let json = expect(a.get("/v1/cases/export", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(json["cases"][0]["summary"]["number"], "TS-1");
    let csv =
        a.get("/v1/cases/export", &world.admin).header(header::ACCEPT, "text/csv").header(header::ACCEPT_LANGUAGE, "zh").send().await?;
    assert!(csv.headers()[header::CONTENT_TYPE].to_str()?.starts_with("text/csv"));
    assert!(csv.headers()[header::CONTENT_DISPOSITION].to_str()?.starts_with("attachment; filename=\"cases-"));
    let text = csv.text().await?;
    assert!(text.starts_with("\u{feff}编号,类别"), "{text}");
    assert!(text.contains("\r\nTS-1,") && text.contains("\r\nTS-0,"), "both pages are there: {text}");
    assert!(text.contains("\"'=HYPERLINK(\"\"https") && text.contains("\"第一行\n第二行, \"\"引号\"\"\""), "{text}");
    let unknown = a.get("/v1/cases/export?format=xls", &world.admin).send().await?;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    Ok(())
}

#[tokio::test]
async fn who_may_not_export_gets_the_refusal_and_no_file() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    answer(&neighbours, "intake", "case.export", Err(Problem::forbidden("it takes the right to export"))).await?;
    let refused = a.get("/v1/cases/export?format=csv", &world.admin).send().await?;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
    Ok(())
}

#[tokio::test]
async fn who_owes_a_duty_that_no_event_closes_closes_it_by_hand() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let neighbours = neighbours(&world).await?;
    let duty = Uuid::now_v7();
    let mut shown = json!({
        "duty": duty, "rule": "weekly_report", "pack": "p", "article": "2.8", "key": "k", "case": null, "title": "Hand in", "title_zh": "报送周报",
        "link": format!("/duties/{duty}"), "unit": "U", "owed_by": "U/manager", "state": "pending", "opened_at": "2026-11-23T06:00:00Z",
        "due_at": "2026-11-30T06:00:00Z", "policy": 1, "version": 1
    });
    let why = |shown: &Value, may_close: bool| json!({ "duty": shown, "steps": [], "next": [], "may_close": may_close });
    let answers = Arc::new(Mutex::new(why(&shown, true)));
    let kept = answers.clone();
    neighbours.answer("escalation", "duty.why", move |_| Ok(kept.lock().unwrap().clone())).await?;
    shown["state"] = "closed_in_time".into();
    let asked = answer(&neighbours, "escalation", "duty.close", Ok(shown.clone())).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let page = chief.get(&format!("/duties/{duty}")).await?;
    assert!(page.text.contains("确认已完成"), "{}", page.text);
    let request = hidden(&page.text, "request").unwrap();
    let close = format!("/duties/{duty}/close");
    assert_eq!(chief.post_without_token(&close, &[("request", &request), ("note", "x")]).await?.status, StatusCode::FORBIDDEN);
    let done = chief.post(&close, &[("request", &request), ("note", " 已报送 ")]).await?;
    assert_eq!((done.status, done.location), (StatusCode::SEE_OTHER, format!("/duties/{duty}?told=closed")));
    assert_eq!(*asked.lock().unwrap(), [json!({ "duty": duty, "note": "已报送" })]);
    *answers.lock().unwrap() = why(&shown, false);
    assert!(!chief.get(&format!("/duties/{duty}")).await?.text.contains("确认已完成"));

    let by_api = a.post(&format!("/v1/duties/{duty}/close"), &world.admin).header("Idempotency-Key", Uuid::now_v7().to_string());
    let closed = expect(by_api.json(&json!({ "note": "done" })).send().await?, StatusCode::OK).await?;
    assert_eq!(closed["state"], "closed_in_time");
    Ok(())
}
