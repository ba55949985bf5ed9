//! What whoever keeps Duban running is promised: figures, health, logs without people in them, policies of any size, answers to producers.

use anyhow::Context;
use duban_contracts::policy::PolicySource;
use duban_contracts::report::{PublicStatus, Report, Results};
use duban_contracts::subjects::service;
use duban_local::process::TemporaryFolder;
use duban_local::{ClockSetting, Stack, StackSettings};
use duban_policy::organisation::Organisation;
use duban_tests::journey::{self, GENERAL_MANAGER};
use duban_tests::world::repository;
use duban_tests::{Visitor, World, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn every_service_tells_how_it_is_and_no_log_tells_of_whom() -> anyhow::Result<()> {
    // The logs of somebody who looks for a fault, not only those of every day, as a collector of logs reads them.
    let settings = [("RUST_LOG", "info,duban=debug"), ("DUBAN_LOG_FORMAT", "json")];
    let mut world = stepped(settings.map(|(name, value)| ("*".to_owned(), name.to_owned(), value.to_owned())).to_vec()).await?;
    let report = serde_json::from_value(journey::report("web"))?;
    let accepted = world.installation.producer("web")?.send_report("form-1", &report).await?;
    refused_with_personal_data(&world).await?;
    let case = journey::registered(&world, &accepted).await?;
    let (_, link) = journey::mail_with_link(&world, GENERAL_MANAGER).await?;
    world.step(journey::NEXT_DAY).await?;
    until("the warning to be overdue", LIMIT, || async {
        anyhow::ensure!(journey::duties(&world, case.case, "breached").await?.total > 0, "nothing is");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    journey::settle(&world, case.case).await?;
    journey::filed(&world, case.case).await?;
    let mut secrets = looked_at(&world, case.case, &accepted.tracking_code, &link).await?;

    let client = reqwest::Client::new();
    for name in service::ALL {
        for (path, expected) in [("livez", "ok"), ("readyz", "ok")] {
            // Where the machine stalls, a service may count as not ready for a moment.
            until("a service to say that it is well", LIMIT, || async {
                let answer = client.get(format!("{}/{path}", world.stack.url(name, 0))).send().await?;
                let (status, text) = (answer.status(), answer.text().await?);
                anyhow::ensure!(status == 200 && text.contains(expected), "{name} {path}: {status} {text}");
                anyhow::Ok(())
            })
            .await?;
        }
    }
    until("every promised figure", LIMIT, || async { figures(&world).await }).await?;

    secrets.extend(of_the_installation(&world).await?);
    let dir = world.stack.dir().to_path_buf();
    world.stack.stop().await;
    anyhow::ensure!(secrets.len() > 300 && secrets.iter().all(|secret| secret.len() >= 6), "{secrets:?}");
    let logs = logs_of(&dir)?;
    for log in &logs {
        let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        for secret in &secrets {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{} tells {secret}: {}", log.display(), line.unwrap_or_default());
        }
    }
    let mut with_traces = BTreeSet::new();
    for name in service::ALL {
        let log = logs.iter().find(|log| log.file_stem().is_some_and(|stem| stem == name)).with_context(|| format!("no log of {name}"))?;
        if !traces_in(name, &std::fs::read_to_string(log)?)?.is_empty() {
            with_traces.insert(name);
        }
    }
    // Intake and escalation have nothing to say of what goes well; the others tell of what they took, sent and filed.
    assert!([service::GATEWAY, service::NOTIFICATIONS, service::ARCHIVE].iter().all(|name| with_traces.contains(name)), "{with_traces:?}");
    Ok(())
}

/// The traces that a service's lines name; every line is an object with what each line has.
fn traces_in(service: &str, log: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut traces = BTreeSet::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("{service} writes a line that is not JSON: {line}"))?;
        let text = |name: &str| line[name].as_str().map(str::to_owned).with_context(|| format!("{service}: no {name} in {line}"));
        let _: jiff::Timestamp = text("time")?.parse()?;
        anyhow::ensure!(text("service")? == service && !text("level")?.is_empty() && !text("target")?.is_empty(), "{line}");
        text("message")?;
        if line.get("trace_id").is_some() {
            let (trace, span) = (text("trace_id")?, text("span_id")?);
            let is_hex = |id: &str, length: usize| id.len() == length && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            anyhow::ensure!(is_hex(&trace, 32) && is_hex(&span, 16), "{line}");
            traces.insert(trace);
        }
    }
    Ok(traces)
}

/// People look at the case on pages, by link and by code; one mistypes his password. What they show the gateway for it no log may hold.
async fn looked_at(world: &World, case: uuid::Uuid, code: &str, link: &str) -> anyhow::Result<Vec<String>> {
    let manager = Visitor::with_new_password(&world.installation, GENERAL_MANAGER).await?;
    for path in [format!("/cases/{case}"), "/alerts".to_owned(), format!("/track?code={code}"), format!("/v1/reports/{code}")] {
        let (status, text) = manager.get(&path).await?;
        anyhow::ensure!(status == 200, "{path}: {status} {text}");
    }
    anyhow::ensure!(reqwest::get(link).await?.status() == 200, "the link does not open");
    const MISTYPED: &str = "correct-hoarse-battery";
    anyhow::ensure!(Visitor::log_in(&world.installation.url, GENERAL_MANAGER, MISTYPED).await.is_err(), "a wrong password is good");
    let secret = manager.cookie.split_once('=').context("no value of the cookie")?.1.to_owned();
    let of_link = link.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(vec![manager.password, secret, manager.csrf, MISTYPED.to_owned(), code.to_owned(), code.replace('-', ""), of_link])
}

/// What the customer said, and every password, key and token of the installation; and how its people are called and reached.
async fn of_the_installation(world: &World) -> anyhow::Result<Vec<String>> {
    let installation = &world.installation;
    let mut secrets: Vec<String> = journey::SECRETS.map(str::to_owned).to_vec();
    secrets.extend([installation.admin_token.clone(), installation.admin_login.1.clone()]);
    secrets.extend(installation.producers.values().cloned());
    // As those begin that were given out on the way, and secrets of webhooks.
    secrets.extend(["duban_person_", "duban_producer_", "whsec_"].map(str::to_owned));
    for entry in std::fs::read_dir(world.stack.ground.secrets().dir())? {
        secrets.push(std::fs::read_to_string(entry?.path())?.trim().to_owned());
    }
    let organisation: Value = installation.administrator()?.get("/v1/organisation", &()).await?;
    let people = organisation["directory"]["people"].as_object().context("no people")?;
    // Telephone numbers are whole in the file alone.
    let text = organisation["file"].as_str().context("no file")?.to_owned();
    let file = Organisation::parse(&PolicySource { name: "organisation.toml".to_owned(), text });
    let file = file.map_err(|faults| anyhow::anyhow!("{faults:?}"))?.directory(0);
    secrets.extend(file.people().filter_map(|person| person.phone.clone()));
    for person in people.values() {
        let known = ["name", "email", "webhook"].into_iter().filter_map(|member| person[member].as_str());
        secrets.extend(known.map(str::to_owned));
    }
    Ok(secrets)
}

/// A hotline whose software is at fault sends what no report is, with a person in it: over HTTP and over NATS.
async fn refused_with_personal_data(world: &World) -> anyhow::Result<()> {
    let mut bad = journey::report("phone");
    bad["occurred_at"] = "yesterday".into();
    let refused = reqwest::Client::new()
        .post(format!("{}/v1/reports", world.installation.url))
        .bearer_auth(&world.installation.producers["hotline"])
        .header("Idempotency-Key", "bad-1")
        .json(&bad)
        .send()
        .await?;
    assert_eq!(refused.status(), 422);
    let hotline = async_nats::ConnectOptions::with_user_and_password("hotline".into(), world.installation.producers["hotline"].clone())
        .custom_inbox_prefix("_INBOX_hotline")
        .connect(world.stack.ground.nats_url())
        .await?;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Idempotency-Key", "bad-2");
    let answer = hotline.request_with_headers("duban.report.v1.phone.hotline", headers, bad.to_string().into()).await?;
    assert_eq!(serde_json::from_slice::<Value>(&answer.payload)?["error"]["status"], 422);
    Ok(())
}

/// What each service must show, and whatever the operator's handbook names.
async fn figures(world: &World) -> anyhow::Result<()> {
    let mut shown = BTreeMap::new();
    for name in service::ALL {
        let text = reqwest::get(format!("{}/metrics", world.stack.url(name, 0))).await?.error_for_status()?.text().await?;
        shown.insert(name, text);
    }
    for name in service::ALL {
        for figure in ["duban_outbox_lag{", "duban_outbox_age_seconds{"] {
            anyhow::ensure!(shown[name].contains(figure), "{name} does not show {figure}");
        }
    }
    let consumers = [service::INTAKE, service::ESCALATION, service::NOTIFICATIONS, service::ARCHIVE];
    for name in consumers {
        for figure in ["duban_consumer_lag{", "duban_batch_size_count{", "duban_dead_letters{"] {
            anyhow::ensure!(shown[name].contains(figure), "{name} does not show {figure}");
        }
    }
    for (name, figure) in [
        (service::GATEWAY, "duban_gateway_batch_reports_count"),
        (service::ESCALATION, "duban_duty_lateness_seconds_count"),
        (service::NOTIFICATIONS, "duban_delivery_age_seconds_count"),
    ] {
        let line = shown[name].lines().find(|line| line.starts_with(figure)).with_context(|| format!("{name} does not show {figure}"))?;
        anyhow::ensure!(!line.ends_with(" 0"), "{line}");
    }
    let handbook = std::fs::read_to_string(repository().join("docs/operations.md"))?;
    let named = metrics_in(&handbook);
    anyhow::ensure!(named.len() > 5, "{named:?}");
    for metric in named {
        // With a label, as `name{sort="…"}`, the series itself is promised.
        let label = metric.split_once('{').map(|(_, label)| label.trim_end_matches('}'));
        let name = metric.split('{').next().unwrap_or_default();
        let has_label = |line: &str| line.starts_with(name) && label.is_none_or(|label| line.contains(label));
        let is_shown = shown.values().any(|text| text.contains(&format!("# TYPE {name} ")) && text.lines().any(has_label));
        anyhow::ensure!(is_shown, "docs/operations.md names {metric}, which no service shows");
    }
    Ok(())
}

/// Everything in backticks that begins as a metric does.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("duban_")).map(str::to_owned).collect()
}

/// Every log below a stack's folder.
fn logs_of(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            logs.extend(logs_of(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(path);
        }
    }
    Ok(logs)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_report_is_told_to_its_producer_and_to_the_public() -> anyhow::Result<()> {
    let mut world = stepped(Vec::new()).await?;
    let web = world.installation.producer("web")?;
    // Two bodies under one key, both taken while nobody could say that the first is there.
    world.stack.stop_copy(service::INTAKE, 0).await?;
    let first: Report = serde_json::from_value(journey::report("web"))?;
    let other = Report { text: Some("换一种说法".to_owned()), ..first.clone() };
    let accepted = web.send_report("form-1", &first).await?;
    assert_eq!(web.send_report("form-1", &other).await?.receipt, accepted.receipt);
    // The first once more, its members the other way round and spread over lines: the same body.
    let turned: serde_json::Map<String, Value> = serde_json::to_value(&first)?
        .as_object()
        .context("an object")?
        .iter()
        .rev()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let again =
        reqwest::Client::new().post(format!("{}/v1/reports", world.installation.url)).bearer_auth(&world.installation.producers["web"]);
    let again = again.header("Idempotency-Key", "form-1").header("Content-Type", "application/json");
    assert_eq!(again.body(serde_json::to_string_pretty(&turned)?).send().await?.status(), reqwest::StatusCode::ACCEPTED);
    world.stack.restart(service::INTAKE, 0).await?;

    let results = until("the second to be rejected", LIMIT, || async {
        let results: Results = web.get("/v1/report-results", &()).await?;
        anyhow::ensure!(!results.results.is_empty(), "nothing is rejected");
        Ok::<_, anyhow::Error>(results)
    })
    .await?;
    let [rejected] = results.results.as_slice() else { anyhow::bail!("{results:?}") };
    assert_eq!((rejected.receipt, rejected.idempotency_key.as_str()), (accepted.receipt, "form-1"));
    assert_eq!((rejected.problem.code.as_str(), rejected.state.as_str()), ("idempotency-conflict", "open"));
    let after: Results = web.get("/v1/report-results", &json!({ "after": rejected.rejected })).await?;
    assert!(after.results.is_empty(), "{after:?}");
    let others: Results = world.installation.producer("hotline")?.get("/v1/report-results", &json!({ "producer": "web" })).await?;
    assert!(others.results.is_empty(), "{others:?}");
    // Over NATS with its own credentials the same.
    assert_eq!(listed_over_nats(&world, "web").await?, results);
    assert_eq!(listed_over_nats(&world, "hotline").await?, others);
    let persons: anyhow::Result<Value> = world.installation.administrator()?.get("/v1/report-results", &()).await;
    assert!(persons.is_err());

    let case = journey::registered(&world, &accepted).await?;
    assert_eq!(world.count("select count(*) from intake.cases").await?, 1);
    let told = until("the public status to have a due time", LIMIT, || async {
        let status: PublicStatus = web.with_token("").track(&accepted.tracking_code).await?;
        let due = status.case.as_ref().and_then(|case| case.due);
        anyhow::ensure!(due.is_some(), "{status:?}");
        Ok::<_, anyhow::Error>(status)
    })
    .await?;
    let told = told.case.context("no case")?;
    assert_eq!((told.number, &told.stage, &told.stage_zh), (case.number, &case.stage_title, &case.stage_title_zh));
    assert!(told.due > Some(journey::START.parse()?) && told.received_at >= journey::START.parse()?);
    world.stack.stop().await;
    Ok(())
}

/// What a producer is told over NATS of its rejected reports.
async fn listed_over_nats(world: &World, producer: &str) -> anyhow::Result<Results> {
    let client = async_nats::ConnectOptions::with_user_and_password(producer.into(), world.installation.producers[producer].clone())
        .custom_inbox_prefix(format!("_INBOX_{producer}"))
        .request_timeout(Some(LIMIT))
        .connect(world.stack.ground.nats_url())
        .await?;
    let answer = client.request(format!("duban.report-result.v1.{producer}.list"), "{}".into()).await?;
    Ok(serde_json::from_slice(&answer.payload)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_in_earnest_is_filled_from_the_command_line_alone() -> anyhow::Result<()> {
    // As containers leave it: servers and services, nobody who could log in, nothing of a demonstration.
    let earnest = ("*".to_owned(), "DUBAN_DEMONSTRATION".to_owned(), "false".to_owned());
    let mut stack = Stack::launch(StackSettings { extra: vec![earnest], ..StackSettings::test() }).await?;
    let here = TemporaryFolder::new()?;
    let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
    let (url, password) = (stack.url(service::GATEWAY, 0), stack.ground.secrets().nats_password("operator")?);
    let broker = stack.ground.nats_url().to_owned();
    let duban = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_")) {
            command.env_remove(name);
        }
        command.env("DUBAN_DIR", here.path()).env("DUBAN_URL", &url).env("DUBAN_OPERATOR_NATS_URL", &broker);
        command.env("DUBAN_OPERATOR_PASSWORD", &password).current_dir(repository()).args(arguments).output().map_err(anyhow::Error::from)
    };
    let create = ["admin", "create", "--id", "chief", "--name", "管理员", "--email", "chief@duban.example"];
    let made = until("the gateway to take the first administrator", LIMIT, || async {
        let made = duban(&[&create[..], &["--json"]].concat())?;
        anyhow::ensure!(made.status.code() != Some(i32::from(duban::exit::UNAVAILABLE)), "{made:?}");
        anyhow::Ok(made)
    })
    .await?;
    anyhow::ensure!(made.status.success(), "{made:?}");
    let made: duban::admin::Administrator = serde_json::from_slice(&made.stdout)?;
    assert_eq!((made.person.as_str(), made.login.as_str()), ("chief", "chief"));
    let client = reqwest::Client::new();
    let log_in = |password: &str| client.post(format!("{url}/v1/session")).json(&json!({ "name": "chief", "password": password })).send();
    assert!(log_in(&made.password).await?.status().is_success());
    assert_eq!(log_in("another").await?.status(), 401);

    // There is one first administrator, and who fills the rest shows that he is he.
    let second = duban(&["admin", "create", "--id", "mallory", "--email", "mallory@duban.example"])?;
    assert_eq!(second.status.code(), Some(i32::from(duban::exit::REFUSED)), "{second:?}");
    assert!(second.stdout.is_empty() && String::from_utf8_lossy(&second.stderr).contains("administrator"), "{second:?}");
    let unknown = duban(&["install"])?;
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("--token"), "{unknown:?}");
    let installed = duban(&["install", "--token", &made.token])?;
    assert!(installed.status.success(), "{installed:?}");
    let again = duban(&["install", "--json"])?;
    assert!(again.status.success(), "what it made is known to it: {again:?}");
    stack.wait_until_ready().await?;
    let sent = duban(&["report", "send", "--unit", "MD01", "--subject", "空调不制冷"])?;
    assert!(sent.status.success() && String::from_utf8_lossy(&sent.stdout).contains("tracking code"), "{sent:?}");
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_set_of_several_messages_is_held_by_every_service() -> anyhow::Result<()> {
    let mut world = stepped(Vec::new()).await?;
    let administrator = world.installation.administrator()?;
    let mut sources = duban::policy::sources::read(&[repository().join("policies")])?;
    for source in sources.iter_mut().filter(|source| source.name == "basics.toml") {
        source.text.push_str(&format!("\n# {}\n", "条".repeat(800_000)));
    }
    let submitted: Value =
        administrator.send(reqwest::Method::POST, "/v1/policies", &json!({ "sources": sources, "note": "long" })).await?;
    let path = format!("/v1/policies/{}", submitted["version"]);
    let people: Value = administrator.get("/v1/people", &()).await?;
    let people = people["people"].as_array().context("no people")?;
    let second =
        people.iter().find(|person| person["administers"] == true && person["id"] != "admin").context("no second administrator")?;
    let second = world.installation.person(second["id"].as_str().unwrap_or_default()).await?;
    let _: Value = second.send(reqwest::Method::POST, &format!("{path}/approve"), &json!({})).await?;
    until("all services to hold it", LIMIT, || async {
        let whole: Value = administrator.get(&path, &()).await?;
        let held_by = whole["set"]["held_by"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(held_by == 4, "{}", whole["set"]);
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    world.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_webhook_can_tell_what_is_genuine_as_the_handbook_says() -> anyhow::Result<()> {
    let private = ("notifications".to_owned(), "DUBAN_WEBHOOK_PRIVATE".to_owned(), "true".to_owned());
    let mut world = stepped(vec![private]).await?;
    let (url, mut calls) = receiver().await?;
    let file = std::fs::read_to_string(repository().join("policies/organisation.toml"))?;
    let mark = format!("{GENERAL_MANAGER} = {{ ");
    anyhow::ensure!(file.contains(&mark), "the manager's line reads otherwise");
    let with_webhook = file.replace(&mark, &format!("{mark}webhook = \"{url}\", "));
    world.installation.administrator()?.apply_organisation(&with_webhook).await?;

    let owner = world.installation.person(GENERAL_MANAGER).await?;
    let own = until("notifications to know the address", LIMIT, || owner.get::<Value>("/v1/me/webhook", &())).await?;
    let secret = own["secret"].as_str().context("no secret")?;
    assert!(secret.starts_with("whsec_") && !own["address"].as_str().unwrap_or(&url).contains("/hook"), "{own}");
    // Others' secrets are for administrators, and it is kept that one looked.
    let path = format!("/v1/people/{GENERAL_MANAGER}/webhook");
    let handler: anyhow::Result<Value> = world.installation.person(journey::HANDLER).await?.get(&path, &()).await;
    assert!(handler.is_err(), "{handler:?}");
    let shown: Value = world.installation.administrator()?.get(&path, &()).await?;
    assert_eq!(shown, own);
    let history: Value = world.installation.administrator()?.get("/v1/history", &json!({ "what": "webhook" })).await?;
    assert_eq!(history["changes"][0]["which"], GENERAL_MANAGER, "{history}");

    let report = serde_json::from_value(journey::report("web"))?;
    world.installation.producer("web")?.send_report("form-1", &report).await?;
    let call = tokio::time::timeout(LIMIT, calls.recv()).await?.context("nothing came")?;
    assert!(handbook_says(secret, &call)?, "a genuine call is refused");
    let forged = Call { body: call.body.replace("alert.raised", "alert.lowered"), ..call.clone() };
    assert!(!handbook_says(secret, &forged)?, "a forged call is taken");
    world.stack.stop().await;
    Ok(())
}

#[derive(Debug, Clone)]
struct Call {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Takes whatever is posted to it.
async fn receiver() -> anyhow::Result<(String, tokio::sync::mpsc::UnboundedReceiver<Call>)> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let (sender, calls) = tokio::sync::mpsc::unbounded_channel();
    let take = move |headers: axum::http::HeaderMap, body: String| {
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let _ = sender.send(Call { headers, body });
        std::future::ready(())
    };
    let app = axum::Router::new().route("/hook", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((url, calls))
}

/// Runs the handbook's own lines.
fn handbook_says(secret: &str, call: &Call) -> anyhow::Result<bool> {
    let handbook = std::fs::read_to_string(repository().join("docs/operations.md"))?;
    let blocks = handbook.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.into_iter().find(|block| block.contains("def genuine(")).context("the handbook has no such lines")?;
    let program = format!(
        "{lines}\nimport json, sys\ngiven = json.loads(sys.argv[1])\nprint(genuine(given['secret'], given['headers'], given['body'].encode()))"
    );
    let given = json!({ "secret": secret, "headers": call.headers, "body": call.body });
    let said = std::process::Command::new("python3").args(["-c", &program, &given.to_string()]).output().context("running python3")?;
    anyhow::ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8_lossy(&said.stdout).trim() == "True")
}

async fn stepped(extra: Vec<(String, String, String)>) -> anyhow::Result<World> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    World::with(StackSettings { clock, extra, ..StackSettings::test() }).await
}
