//! Reports in, over HTTP: what is accepted, with what receipt, and what is refused how.

use crate::world::{LIMIT, World, a_report, until};
use duban_contracts::report::{AcceptedReport, KnownAnswer, KnownRequest};
use futures::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test]
async fn the_same_key_has_the_same_receipt_at_two_copies_with_postgres_down() -> anyhow::Result<()> {
    let (mut world, a, token) = World::start().await?;
    let (status, first) = a.report(&token, "call-1", &a_report("一")).await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");
    assert_eq!(first["stream"], "REPORTS");
    assert_eq!(first["links"]["status"], format!("https://duban.example/v1/reports/{}", first["tracking_code"].as_str().unwrap()));
    let b = world.gateway("b", &[]).await?;
    world.ground.postgres()?.kill9().await;
    let body = a_report("一");
    let (again, twice) = tokio::join!(a.report(&token, "call-1", &body), b.report(&token, "call-1", &body));
    for (status, answer) in [again?, twice?] {
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        for same in ["receipt", "tracking_code", "links"] {
            assert_eq!(answer[same], first[same]);
        }
        assert_ne!(answer["seq"], first["seq"]);
    }
    let (_, other) = a.report(&token, "call-2", &a_report("一")).await?;
    assert_ne!(other["receipt"], first["receipt"]);
    Ok(())
}

#[tokio::test]
async fn a_gateway_started_while_postgres_is_down_accepts_too() -> anyhow::Result<()> {
    let (mut world, mut a, token) = World::start().await?;
    let (_, before) = a.report(&token, "call-1", &a_report("一")).await?;
    a.process.kill9().await;
    world.ground.postgres()?.kill9().await;
    let a = world.gateway("a", &[]).await?;
    let (status, after) = a.report(&token, "call-1", &a_report("一")).await?;
    assert_eq!(status, StatusCode::ACCEPTED, "{after}");
    assert_eq!(after["receipt"], before["receipt"]);
    // What needs Postgres says so, and nothing else fails.
    let answer = a.get("/v1/producers", &world.admin).send().await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}

#[tokio::test]
async fn each_bad_input_is_a_clear_error() -> anyhow::Result<()> {
    let (_world, a, token) = World::start().await?;
    let send = |body: Vec<u8>, content_type: &'static str| {
        let request = a.post("/v1/reports", &token).header("Idempotency-Key", "k").header("Content-Type", content_type).body(body);
        async move {
            let answer = request.send().await?;
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            anyhow::Ok((answer.status().as_u16(), answer.json::<Value>().await?))
        }
    };
    let code = |answer: &(u16, Value)| (answer.0, answer.1["code"].as_str().unwrap().to_owned());
    let good = || a_report("x").to_string().into_bytes();

    assert_eq!(code(&send(good(), "text/plain").await?), (415, "not-json".into()));
    assert_eq!(code(&send(vec![b'x'; 300 * 1024], "application/json").await?), (413, "too-large".into()));
    let bad_utf8 = send(b"{\"channel\":\"\xff\xfe\"}".to_vec(), "application/json").await?;
    assert_eq!(code(&bad_utf8), (400, "malformed".into()));
    assert!(bad_utf8.1["detail"].as_str().unwrap().contains("UTF-8"));
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert!(send(deep.into_bytes(), "application/json").await?.1["detail"].as_str().unwrap().contains("too deep"));
    assert_eq!(send(b"{\"channel\": 1".to_vec(), "application/json").await?.0, 400);

    let several = json!({ "channel": "Phone!", "occurred_at": "2999-01-01T00:00:00Z", "reporter": { "phone": 5 }, "colour": "red" });
    let (status, problem) = send(several.to_string().into_bytes(), "application/json").await?;
    assert_eq!(status, 422);
    let fields: BTreeSet<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, BTreeSet::from(["/channel", "/occurred_at", "/reporter/phone", "/colour", "/text"]));
    assert!(problem["errors"].as_array().unwrap().iter().all(|e| e["wrong"] != "" && e["expected"] != ""));

    let without_key = a.post("/v1/reports", &token).json(&a_report("x")).send().await?;
    assert_eq!(without_key.status(), StatusCode::BAD_REQUEST);
    assert_eq!(without_key.json::<Value>().await?["errors"][0]["field"], "Idempotency-Key");
    let long_key = a.post("/v1/reports", &token).header("Idempotency-Key", "k".repeat(201)).json(&a_report("x")).send().await?;
    assert_eq!(long_key.status(), StatusCode::BAD_REQUEST);

    for token in ["", "wrong", "duban_producer_wrong"] {
        let answer = a.post("/v1/reports", token).header("Idempotency-Key", "k").json(&a_report("x")).send().await?;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let without = a.ask(Method::POST, "/v1/reports").header("Idempotency-Key", "k").json(&a_report("x")).send().await?;
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

/// One report of thirty is more than the stream takes in a message: the server refuses the batch that it is in.
#[tokio::test]
async fn of_a_refused_batch_every_report_that_can_be_taken_is_taken() -> anyhow::Result<()> {
    let mut world = World::bare().await?;
    let jetstream = async_nats::jetstream::new(world.ground.connect_nats("gateway").await?);
    let small = async_nats::jetstream::stream::Config {
        name: "REPORTS".into(),
        subjects: vec![duban_contracts::subjects::REPORT_ACCEPTED.into()],
        retention: async_nats::jetstream::stream::RetentionPolicy::WorkQueue,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        max_message_size: 4_096,
        allow_atomic_publish: true,
        ..Default::default()
    };
    jetstream.create_stream(small).await?;
    let a = world.gateway("a", &[]).await?;
    world.admin = world.first_administrator().await?;
    let token = world.producer(&a, "hotline").await?;
    let large = a_report(&"长".repeat(5_000));
    let mut taken = 0;
    // What arrives together makes up one batch only as often as the machine lets it: again, until one was refused whole.
    for round in 0..20 {
        let all = (0..60).map(|n| {
            let (a, token, body) = (&a, &token, if n == 30 { large.clone() } else { a_report("x") });
            async move { a.report(token, &format!("r-{round}-{n}"), &body).await }
        });
        let answers = futures::future::try_join_all(all).await?;
        for (n, (status, answer)) in answers.iter().enumerate() {
            let expected = if n == 30 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED };
            assert_eq!(*status, expected, "{round}-{n}: {answer}");
        }
        taken += 59;
        // Neither less nor more: what was tried one by one stands there once.
        assert_eq!(world.reports_in_stream().await?, taken);
        if std::fs::read_to_string(a.process.log())?.contains("its reports are tried one by one") {
            return Ok(());
        }
    }
    anyhow::bail!("no batch was refused whole:\n{}", a.process.tail())
}

#[tokio::test]
async fn a_full_stream_is_503_to_all_and_taken_again_when_there_is_room() -> anyhow::Result<()> {
    let mut world = World::bare().await?;
    let jetstream = async_nats::jetstream::new(world.ground.connect_nats("gateway").await?);
    let small = async_nats::jetstream::stream::Config {
        name: "REPORTS".into(),
        subjects: vec![duban_contracts::subjects::REPORT_ACCEPTED.into()],
        retention: async_nats::jetstream::stream::RetentionPolicy::WorkQueue,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        max_messages: 40,
        allow_atomic_publish: true,
        ..Default::default()
    };
    jetstream.create_stream(small).await?;
    let a = world.gateway("a", &[]).await?;
    world.admin = world.first_administrator().await?;
    let token = world.producer(&a, "hotline").await?;

    // One alone fits; sixty at once do not fit into what is left.
    assert_eq!(a.report(&token, "first", &a_report("x")).await?.0, StatusCode::ACCEPTED);
    let many = (0..120).map(|n| {
        let (a, token) = (&a, &token);
        async move { a.report(token, &format!("many-{n}"), &a_report("x")).await }
    });
    let answers = futures::future::try_join_all(many).await?;
    let taken = answers.iter().filter(|(status, _)| *status == StatusCode::ACCEPTED).count();
    let refused = answers.iter().filter(|(status, _)| *status == StatusCode::SERVICE_UNAVAILABLE).count();
    assert_eq!(taken + refused, 120);
    assert!(refused >= 81, "{refused}");
    // Not one of those answered 202 is missing, and none of the others is there.
    assert_eq!(world.reports_in_stream().await?, taken as u64 + 1);

    let consumer = async_nats::jetstream::new(world.ground.connect_nats("intake").await?)
        .get_stream("REPORTS")
        .await?
        .create_consumer(async_nats::jetstream::consumer::pull::Config { durable_name: Some("intake".into()), ..Default::default() })
        .await?;
    let mut messages = consumer.fetch().max_messages(5).messages().await?;
    while let Some(message) = messages.next().await {
        message.map_err(|error| anyhow::anyhow!("{error}"))?.double_ack().await.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    until("there is room", || async { Ok(a.report(&token, "later", &a_report("x")).await?.0 == StatusCode::ACCEPTED) }).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_answered_202_is_on_disk_though_the_broker_is_killed_in_between() -> anyhow::Result<()> {
    let (mut world, a, token) = World::start().await?;
    let taken = AtomicUsize::new(0);
    let sending = (0..8).map(|worker| {
        let (a, token, taken) = (&a, &token, &taken);
        async move {
            let mut accepted = Vec::new();
            for n in 0..120 {
                let key = format!("w{worker}-{n}");
                // As a producer does: again under the same key until it is taken.
                loop {
                    match a.report(token, &key, &a_report("x")).await {
                        Ok((StatusCode::ACCEPTED, answer)) => {
                            taken.fetch_add(1, Ordering::Relaxed);
                            break accepted.push(answer["receipt"].as_str().unwrap().to_owned());
                        }
                        Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => {}
                        other => anyhow::bail!("{other:?}"),
                    }
                }
            }
            anyhow::Ok(accepted)
        }
    });
    let sending = futures::future::try_join_all(sending);
    let killing = async {
        // However fast the machine is: long before the last is taken.
        for so_many in [100, 300, 500] {
            until("so many to be taken", || async { Ok(taken.load(Ordering::Relaxed) >= so_many) }).await?;
            world.ground.nats()?.kill9().await;
            world.ground.nats()?.restart().await?;
        }
        anyhow::Ok(())
    };
    let (accepted, killed) = tokio::join!(sending, killing);
    killed?;
    let accepted: BTreeSet<String> = accepted?.into_iter().flatten().collect();
    assert_eq!(accepted.len(), 960);

    let consumer = async_nats::jetstream::new(world.ground.connect_nats("intake").await?)
        .get_stream("REPORTS")
        .await?
        .create_consumer(async_nats::jetstream::consumer::pull::Config { durable_name: Some("intake".into()), ..Default::default() })
        .await?;
    let mut on_disk = BTreeSet::new();
    loop {
        let mut messages = consumer.fetch().max_messages(500).messages().await?;
        let mut some = false;
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| anyhow::anyhow!("{error}"))?;
            on_disk.insert(serde_json::from_slice::<AcceptedReport>(&message.payload)?.receipt.to_string());
            message.ack().await.map_err(|error| anyhow::anyhow!("{error}"))?;
            some = true;
        }
        if !some {
            break;
        }
    }
    assert!(accepted.is_subset(&on_disk), "{} lost", accepted.difference(&on_disk).count());
    Ok(())
}

#[tokio::test]
async fn another_body_under_a_registered_key_is_409_when_intake_answers() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let (_, first) = a.report(&token, "call-1", &a_report("一")).await?;
    // An intake that has registered the first report, and nothing else.
    let intake = world.ground.connect_nats("intake").await?;
    let mut questions = intake.queue_subscribe("duban.intake.rpc.v1.report.known", "intake".into()).await?;
    intake.flush().await?;
    let keys = duban_contracts::identity::IdentityKeys {
        identity: duban_platform::config::key_of(&world.ground.secrets().identity_key()?)?,
        check: duban_platform::config::key_of(&world.ground.secrets().check_key()?)?,
    };
    let registered = hex::encode(keys.body_hash(&a_report("一")));
    let receipt: uuid::Uuid = first["receipt"].as_str().unwrap().parse()?;
    let answering = tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let asked: KnownRequest = serde_json::from_slice(&question.payload)?;
            let known: BTreeMap<_, _> = asked.reports.iter().filter(|id| **id == receipt).map(|id| (*id, registered.clone())).collect();
            let answer = serde_json::to_vec(&KnownAnswer { known })?;
            intake.publish(question.reply.unwrap(), answer.into()).await?;
        }
        anyhow::Ok(())
    });
    // Twenty milliseconds may run out on a busy machine; then it is accepted, as it must be, and intake is left alone for a while.
    let deadline = std::time::Instant::now() + LIMIT;
    loop {
        let (status, answer) = a.report(&token, "call-1", &a_report("二")).await?;
        if status == StatusCode::CONFLICT && answer["code"] == "idempotency-conflict" {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{status} {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Order of members and white space are not another body.
    let same = r#"{ "text":"一", "reporter":{"phone":"13800002345","name":"王芳"},   "channel":"phone" }"#;
    let request = a.post("/v1/reports", &token).header("Idempotency-Key", "call-1").header("Content-Type", "application/json");
    assert_eq!(request.body(same).send().await?.status(), StatusCode::ACCEPTED);
    answering.abort();
    Ok(())
}

#[tokio::test]
async fn a_genuine_code_is_known_at_once_and_guesses_are_limited() -> anyhow::Result<()> {
    let (_world, a, token) = World::start_with(&[("DUBAN_LOOK_UPS_PER_MINUTE", "5")]).await?;
    let (_, first) = a.report(&token, "call-1", &a_report("一")).await?;
    let code = first["tracking_code"].as_str().unwrap();
    let status = a.ask(Method::GET, &format!("/v1/reports/{code}")).send().await?;
    assert_eq!(status.json::<Value>().await?, json!({ "state": "accepted" }));
    let sloppy = code.replace('-', " ").to_lowercase().replace(' ', "%20");
    assert_eq!(a.ask(Method::GET, &format!("/v1/reports/{sloppy}")).send().await?.status(), StatusCode::OK);
    let wrong = a.ask(Method::GET, "/v1/reports/00000-0000-00000").send().await?;
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
    let mut statuses = Vec::new();
    // Every twelve seconds one more is allowed: on a slow machine one of them may pass in between.
    for _ in 0..20 {
        statuses.push(a.ask(Method::GET, "/v1/reports/00000-0000-00000").send().await?.status());
    }
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    // A header that no trusted proxy has set changes nothing: each of these addresses would have its own allowance.
    let mut forged = Vec::new();
    for last in 1..=5 {
        let asked = a.ask(Method::GET, &format!("/v1/reports/{code}")).header("X-Forwarded-For", format!("203.0.113.{last}"));
        forged.push(asked.send().await?.status());
    }
    assert!(forged.contains(&StatusCode::TOO_MANY_REQUESTS), "{forged:?}");
    Ok(())
}

#[tokio::test]
async fn who_follows_a_wrong_tracking_code_is_accepted_and_told_so() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    world.producer(&a, "web").await?;
    let (_, first) = a.report(&token, "call-1", &a_report("一")).await?;
    let code = first["tracking_code"].as_str().unwrap();
    // The last symbols are nothing but the check.
    let wrong = format!("{}{}", &code[..code.len() - 1], if code.ends_with('7') { '8' } else { '7' });
    let warned = async |key: &str, follows: &str| {
        let mut body = a_report("补充");
        body["follows"] = follows.into();
        let (status, answer) = a.report(&token, key, &body).await?;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        anyhow::Ok(answer["warnings"].clone())
    };
    assert_eq!(warned("call-2", code).await?, Value::Null);
    assert_eq!(warned("call-3", "call-1").await?, Value::Null, "a key is no code");
    let warnings = warned("call-4", &wrong).await?;
    assert_eq!((&warnings[0]["field"], &warnings[0]["code"]), (&json!("/follows"), &json!("unknown-code")));
    assert!(warnings[0]["message"].as_str().unwrap().contains(&wrong), "{warnings}");

    // On the form who sends it can put it right at once: the public has no keys that it could have meant.
    let key = "form-wrong-code";
    let form = crate::browser::form(&[("key", key), ("text", "补充"), ("follows", &wrong)]);
    let sent = a.ask(Method::POST, "/report").header("Content-Type", crate::browser::FORM).header("Accept-Language", "zh").body(form);
    let page = crate::browser::page(sent.send().await?).await?;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("这不是有效的查询码") && page.text.contains(&wrong), "{}", page.text);
    Ok(())
}
