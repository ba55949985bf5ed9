//! Producers on the broker: let in by the gateway, held to their own subjects, shut out at once.

use crate::policies::install;
use crate::world::{LIMIT, World, a_report, expect, until};
use duban_contracts::Problem;
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

async fn request(client: &async_nats::Client, subject: &str, key: Option<&str>, body: &Value) -> anyhow::Result<Value> {
    let mut headers = async_nats::HeaderMap::new();
    if let Some(key) = key {
        headers.insert("Idempotency-Key", key);
    }
    let answer = client.request_with_headers(subject.to_owned(), headers, body.to_string().into()).await?;
    Ok(serde_json::from_slice(&answer.payload)?)
}

#[tokio::test]
async fn a_report_over_the_broker_has_the_receipt_that_it_has_over_http() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let over_nats = request(&hotline, "duban.report.v1.phone.hotline", Some("call-1"), &a_report("一")).await?;
    let (_, over_http) = a.report(&token, "call-1", &a_report("一")).await?;
    for same in ["receipt", "tracking_code", "links"] {
        assert_eq!(over_nats[same], over_http[same]);
    }
    assert_eq!(over_nats["stream"], "REPORTS");
    assert!(over_nats["seq"].as_u64().unwrap() > 0);

    let other_channel = request(&hotline, "duban.report.v1.web.hotline", Some("call-2"), &a_report("一")).await?;
    assert_eq!(other_channel["error"]["errors"][0]["field"], "/channel");
    let without_key = request(&hotline, "duban.report.v1.phone.hotline", None, &a_report("一")).await?;
    assert_eq!(without_key["error"]["status"], 400);
    Ok(())
}

#[tokio::test]
async fn a_refused_report_is_kept_sealed_where_an_administrator_sees_it() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let bad = json!({ "channel": "phone", "subject": "王芳的投诉", "occurred_at": "王芳13812342345昨天" });
    let answer = request(&hotline, "duban.report.v1.phone.hotline", Some("call-1"), &bad).await?;
    let problem: Problem = serde_json::from_value(answer["error"].clone())?;
    assert_eq!((problem.status, problem.errors[0].field.as_str()), (422, "/occurred_at"));
    assert!(problem.errors[0].wrong.contains("13812342345"), "who sends it is told what was wrong: {problem:?}");

    let listed = || async { expect(a.get("/v1/refused-reports", &world.admin).send().await?, StatusCode::OK).await };
    until("the refused report is listed", || async { Ok(listed().await?["reports"].as_array().unwrap().len() == 1) }).await?;
    let report = &listed().await?["reports"][0];
    assert_eq!(report["producer"], "hotline");
    assert!(report.get("body").is_none());
    // What the problem quotes is masked in the list, on the page as in the API.
    let listed_problem = report["problem"].to_string();
    assert!(listed_problem.contains("138****2345") && !listed_problem.contains("12342345"), "{listed_problem}");
    let path = format!("/v1/refused-reports/{}", report["id"].as_str().unwrap());
    let opened = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?;
    assert!(opened["body"].as_str().unwrap().contains("王芳的投诉"));
    let history = expect(a.get("/v1/history?what=refused_report", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(history["changes"][0]["by"], "chief");

    // On disk it is not to be read.
    let pool = sqlx::PgPool::connect(&world.ground.database_url("inspector")?).await?;
    let row: String = sqlx::query_scalar("select to_jsonb(r)::text from identity.refused_report r").fetch_one(&pool).await?;
    assert!(row.contains(r#""code": "invalid""#), "{row}");
    let sealed: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select sealed, sealed_problem from identity.refused_report").fetch_all(&pool).await?;
    let (body, problem) = &sealed[0];
    let bytes = [body.as_slice(), problem.as_slice(), row.as_bytes()].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(!bytes.contains("王芳") && !bytes.contains("12342345"), "{bytes}");
    Ok(())
}

/// Input that no report is: what it is called here, its key, its body; the answer's status, the field that it names, what it says.
type BadInput = (&'static str, Option<&'static str>, Vec<u8>, u16, &'static str, &'static str);

fn bad_inputs() -> Vec<BadInput> {
    let with = |member: &str, value: Value| {
        let mut body = a_report("一");
        body[member] = value;
        body.to_string().into_bytes()
    };
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(11);
    let deep = format!(r#"{{"channel":"phone","text":"x","fields":{{"a":{}{}}}}}"#, "[".repeat(40), "]".repeat(40));
    vec![
        ("too large", Some("k-1"), vec![b' '; 256 * 1024 + 1], 413, "", "at most 262144 bytes"),
        ("too deep", Some("k-2"), deep.into_bytes(), 400, "", "at most 32 levels"),
        ("bad UTF-8", Some("k-3"), b"{\"channel\":\"phone\",\"text\":\"\xff\"}".to_vec(), 400, "", "UTF-8 text is expected"),
        ("no key", None, a_report("一").to_string().into_bytes(), 400, "Idempotency-Key", "1 to 200 printable characters"),
        ("ahead", Some("k-5"), with("occurred_at", json!(ahead)), 422, "/occurred_at", "no later than"),
        ("unknown member", Some("k-6"), with("colour", json!("red")), 422, "/colour", "one of channel, kind, unit"),
    ]
}

#[tokio::test]
async fn each_bad_input_over_the_broker_is_answered_by_its_field_and_kept_as_it_came() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    install(&world, &a).await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let send = async |key: Option<&str>, body: Vec<u8>| {
        let mut headers = async_nats::HeaderMap::new();
        key.into_iter().for_each(|key| headers.insert("Idempotency-Key", key));
        let answer = hotline.request_with_headers("duban.report.v1.phone.hotline", headers, body.into()).await?;
        anyhow::Ok(serde_json::from_slice::<Value>(&answer.payload)?)
    };
    let mut sent = BTreeMap::new();
    for (what, key, body, status, field, said) in bad_inputs() {
        let answer = send(key, body.clone()).await?;
        let problem: Problem = serde_json::from_value(answer["error"].clone())?;
        assert_eq!(problem.status, status, "{what}: {problem:?}");
        let named = problem.errors.first().map(|error| (error.field.as_str(), error.expected.as_str())).unwrap_or_default();
        assert_eq!((problem.errors.len(), named.0), (usize::from(!field.is_empty()), field), "{what}: {problem:?}");
        assert!(problem.detail.contains(said) || named.1.contains(said), "{what}: {problem:?}");
        sent.insert((problem.code, problem.detail, field.to_owned()), String::from_utf8_lossy(&body).into_owned());
    }
    assert_eq!(world.reports_in_stream().await?, 0);

    let listed = || async { expect(a.get("/v1/refused-reports", &world.admin).send().await?, StatusCode::OK).await };
    until("all to be kept", || async { Ok(listed().await?["reports"].as_array().map(Vec::len) == Some(sent.len())) }).await?;
    let mut kept = BTreeMap::new();
    for report in listed().await?["reports"].as_array().into_iter().flatten() {
        let path = format!("/v1/refused-reports/{}", report["id"].as_str().unwrap());
        let opened = expect(a.get(&path, &world.admin).send().await?, StatusCode::OK).await?;
        let problem: Problem = serde_json::from_value(report["problem"].clone())?;
        let field = problem.errors.first().map(|error| error.field.clone()).unwrap_or_default();
        kept.insert((problem.code, problem.detail, field), opened["body"].as_str().unwrap().to_owned());
    }
    assert!(kept == sent, "kept: {:?}", kept.keys());

    // A field that no pack knows is for a person to put right.
    let odd = json!({ "channel": "phone", "unit": "BJ01", "text": "x", "fields": { "colour": "red" } });
    let accepted = send(Some("k-7"), odd.to_string().into_bytes()).await?;
    assert_eq!((&accepted["warnings"][0]["field"], &accepted["warnings"][0]["code"]), (&json!("/fields/colour"), &json!("unknown-field")));
    assert_eq!(world.reports_in_stream().await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_told_at_once_while_postgres_is_down() -> anyhow::Result<()> {
    let (mut world, _a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    world.ground.postgres()?.kill9().await;
    let mut slow = 0;
    for n in 0..8 {
        let started = std::time::Instant::now();
        let answer = request(&hotline, "duban.report.v1.phone.hotline", Some(&format!("call-{n}")), &json!({ "channel": "phone" })).await?;
        assert_eq!(answer["error"]["status"], 422);
        slow += usize::from(started.elapsed() >= Duration::from_secs(3));
    }
    // Waiting for a connection takes three seconds each. A machine that others use too may stall once for as long.
    assert!(slow <= 1, "{slow} of 8 refusals took as long as waiting for a connection");
    Ok(())
}

#[tokio::test]
async fn a_refused_report_is_gone_when_its_time_is_over_and_an_index_counts_them() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    for key in ["old", "new"] {
        request(&hotline, "duban.report.v1.phone.hotline", Some(key), &json!({ "channel": "phone" })).await?;
    }
    let listed = || async {
        let listed = expect(a.get("/v1/refused-reports?producer=hotline", &world.admin).send().await?, StatusCode::OK).await?;
        anyhow::Ok(listed["reports"].as_array().cloned().unwrap_or_default())
    };
    until("both are kept", || async { Ok(listed().await?.len() == 2) }).await?;
    let (new, old) = (listed().await?[0]["id"].clone(), listed().await?[1]["id"].clone());

    let pool = sqlx::PgPool::connect(world.ground.superuser_url()).await?;
    sqlx::query("update identity.refused_report set keep_until = now() - interval '1 hour' where id = $1::uuid")
        .bind(old.as_str())
        .execute(&pool)
        .await?;
    // Every copy tidies up, first when it starts.
    let _b = world.gateway("b", &[]).await?;
    until("the old one is gone", || async { Ok(listed().await?.len() == 1) }).await?;
    assert_eq!(listed().await?[0]["id"], new);

    let mut connection = pool.acquire().await?;
    sqlx::query("set enable_seqscan = off").execute(&mut *connection).await?;
    let plan: Vec<String> = sqlx::query_scalar("explain select count(*) from identity.refused_report where producer = 'hotline'")
        .fetch_all(&mut *connection)
        .await?;
    assert!(plan.iter().any(|line| line.contains("refused_report_of_producer")), "{plan:#?}");
    Ok(())
}

#[tokio::test]
async fn a_producer_reaches_its_own_subjects_and_nothing_else() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    world.producer(&a, "web").await?;
    assert!(world.connect_producer("hotline", "wrong").await.is_err());
    assert!(world.connect_producer("web", &token).await.is_err(), "another's name");
    assert!(world.connect_producer("nobody", &token).await.is_err());

    let (refusals, mut refused) = tokio::sync::mpsc::unbounded_channel();
    let hotline = async_nats::ConnectOptions::new()
        .user_and_password("hotline".into(), token)
        .custom_inbox_prefix("_INBOX_hotline")
        .event_callback(move |event| {
            let _ = refusals.send(event.to_string());
            async {}
        })
        .connect(world.ground.nats_url())
        .await?;
    let mut next_refusal = async |what: &str| {
        loop {
            match tokio::time::timeout(LIMIT, refused.recv()).await {
                Ok(Some(event)) if event.to_lowercase().contains("permissions violation") => return,
                Ok(Some(_)) => {}
                _ => panic!("{what} was not refused"),
            }
        }
    };
    let mut publish: Vec<String> = [
        "duban.report.v1.phone.web",
        "duban.report-result.v1.web.list",
        "duban.gateway.v1.report.accepted",
        "duban.gateway.rpc.v1.admin.create",
        "duban.intake.rpc.v1.case.list",
        "duban.clock.v1.reload",
        "_INBOX_web.x",
        "_INBOX_gateway.x",
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        "$SRV.PING",
        "$SYS.REQ.USER.AUTH",
    ]
    .map(str::to_owned)
    .into();
    for stream in ["REPORTS", "GATEWAY", "INTAKE", "ESCALATION", "ARCHIVE", "NOTIFICATIONS"] {
        for act in ["CREATE", "INFO", "UPDATE", "PURGE", "DELETE", "MSG.GET", "MSG.DELETE"] {
            publish.push(format!("$JS.API.STREAM.{act}.{stream}"));
        }
        for act in ["CREATE", "INFO", "MSG.NEXT", "DELETE"] {
            publish.push(format!("$JS.API.CONSUMER.{act}.{stream}.intake"));
        }
        publish.push(format!("$JS.API.DIRECT.GET.{stream}"));
        publish.push(format!("$JS.ACK.{stream}.intake.1.1.1.1.0"));
    }
    for subject in publish {
        hotline.publish(subject.clone(), "{}".into()).await?;
        hotline.flush().await?;
        next_refusal(&subject).await;
    }
    for subject in [
        "duban.report.v1.*.*",
        "duban.report.v1.phone.hotline",
        "_INBOX_web.>",
        "_INBOX_intake.>",
        "_INBOX_operator.>",
        "_INBOX.>",
        "duban.intake.v1.>",
        "duban.intake.rpc.v1.>",
        "$JS.>",
        "$SRV.>",
        ">",
    ] {
        let _heard = hotline.subscribe(subject).await?;
        hotline.flush().await?;
        next_refusal(subject).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_disabled_producer_is_refused_at_once_also_on_its_living_connection() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let b = world.gateway("b", &[]).await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let answer = request(&hotline, "duban.report.v1.phone.hotline", Some("call-1"), &a_report("一")).await?;
    assert!(answer["receipt"].is_string());

    expect(a.post("/v1/producers/hotline/disable", &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!(a.report(&token, "call-2", &a_report("一")).await?.0, StatusCode::UNAUTHORIZED);
    until("the other copy knows", || async { Ok(b.report(&token, "call-2", &a_report("一")).await?.0 == StatusCode::UNAUTHORIZED) })
        .await?;
    for n in 0..10 {
        let answer = request(&hotline, "duban.report.v1.phone.hotline", Some(&format!("call-3-{n}")), &a_report("一")).await?;
        assert_eq!(answer["error"]["status"], 403);
    }
    assert!(world.connect_producer("hotline", &token).await.is_err());

    // A new token lets it in again, and the old one not.
    let renewed = expect(a.post("/v1/producers/hotline/token", &world.admin).send().await?, StatusCode::OK).await?;
    let renewed = renewed["token"].as_str().unwrap();
    assert_eq!(a.report(renewed, "call-4", &a_report("一")).await?.0, StatusCode::ACCEPTED);
    assert_eq!(a.report(&token, "call-5", &a_report("一")).await?.0, StatusCode::UNAUTHORIZED);
    until("the broker lets it in", || async { Ok(world.connect_producer("hotline", renewed).await.is_ok()) }).await?;
    Ok(())
}

#[tokio::test]
async fn a_new_token_makes_the_old_one_worthless_at_every_copy_and_at_the_broker_without_a_restart() -> anyhow::Result<()> {
    let (world, a, old) = World::start().await?;
    let b = world.gateway("b", &[]).await?;
    assert_eq!(b.report(&old, "call-1", &a_report("一")).await?.0, StatusCode::ACCEPTED);
    let renewed = expect(a.post("/v1/producers/hotline/token", &world.admin).send().await?, StatusCode::OK).await?;
    let renewed = renewed["token"].as_str().unwrap();
    assert_eq!(a.report(&old, "call-2", &a_report("一")).await?.0, StatusCode::UNAUTHORIZED);
    assert_eq!(a.report(renewed, "call-2", &a_report("一")).await?.0, StatusCode::ACCEPTED);
    until("the other copy knows", || async {
        let (old, new) = (b.report(&old, "call-2", &a_report("一")).await?.0, b.report(renewed, "call-2", &a_report("一")).await?.0);
        Ok((old, new) == (StatusCode::UNAUTHORIZED, StatusCode::ACCEPTED))
    })
    .await?;
    // Either copy answers for the broker, and both know by now.
    for _ in 0..4 {
        assert!(world.connect_producer("hotline", &old).await.is_err());
    }
    let hotline = world.connect_producer("hotline", renewed).await?;
    let taken = request(&hotline, "duban.report.v1.phone.hotline", Some("call-3"), &a_report("一")).await?;
    assert!(taken["receipt"].is_string(), "{taken}");
    let history = expect(a.get("/v1/history?what=producer&which=hotline", &world.admin).send().await?, StatusCode::OK).await?;
    // That it was renewed is kept, with who did it; the token's hash is not shown.
    assert_eq!((history["changes"].as_array().map(Vec::len), &history["changes"][0]["by"]), (Some(2), &json!("chief")), "{history}");
    assert!(!history.to_string().contains("token_hash"));
    Ok(())
}

#[tokio::test]
async fn a_publish_without_a_reply_subject_is_taken_and_promises_nothing() -> anyhow::Result<()> {
    let (world, _a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Idempotency-Key", "call-1");
    hotline.publish_with_headers("duban.report.v1.phone.hotline", headers, a_report("一").to_string().into()).await?;
    until("it stands in the stream", || async { Ok(world.reports_in_stream().await? == 1) }).await
}

#[tokio::test]
async fn many_at_once_go_to_disk_together_each_with_a_sequence_of_its_own() -> anyhow::Result<()> {
    let (world, a, token) = World::start().await?;
    let hotline = world.connect_producer("hotline", &token).await?;
    let sending = futures::stream::iter(0..400).map(|n| {
        let (a, hotline, token) = (&a, &hotline, &token);
        async move {
            let key = format!("call-{n}");
            if n % 2 == 0 {
                return request(hotline, "duban.report.v1.phone.hotline", Some(&key), &a_report("一")).await;
            }
            Ok(a.report(token, &key, &a_report("一")).await?.1)
        }
    });
    let answers: Vec<Value> = sending.buffer_unordered(200).collect::<Vec<_>>().await.into_iter().collect::<Result<_, _>>()?;
    let mut sequences: Vec<u64> = answers.iter().map(|a| a["seq"].as_u64().unwrap()).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=400).collect::<Vec<_>>());
    assert_eq!(world.reports_in_stream().await?, 400);
    let metrics = a.ask(reqwest::Method::GET, "/metrics").send().await?.text().await?;
    let batches = metrics.lines().find(|line| line.starts_with("duban_gateway_batch_reports_count")).unwrap();
    let batches: f64 = batches.rsplit(' ').next().unwrap().parse()?;
    assert!(batches < 300.0, "{batches} batches for 400 reports");
    Ok(())
}
