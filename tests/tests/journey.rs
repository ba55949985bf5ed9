//! One report travels all the way, over real sockets: report, case, duties, alert, mail, acknowledgement, breach, close, record.

use anyhow::Context;
use duban_contracts::alert::AlertEvent;
use duban_contracts::record::{RecordContent, RecordContentRequest, RecordDetail};
use duban_contracts::report::Accepted;
use duban_local::neighbours::Neighbours;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::collector::{Collector, Span};
use duban_tests::journey::{self, BRAND_DIVISION, GENERAL_MANAGER, HANDLER};
use duban_tests::{World, until};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_report_over_http_travels_to_the_filed_record_in_one_trace() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let mut world = stepped(&collector).await?;
    let accepted = over_http(&world).await?;
    let again = over_http(&world).await?;
    assert_eq!((again.receipt, &again.tracking_code, &again.links), (accepted.receipt, &accepted.tracking_code, &accepted.links));

    let case = journey::registered(&world, &accepted).await?;
    assert_eq!((case.severity.as_str(), case.unsorted), ("major", false));

    acknowledge_by_link(&world).await?;
    overdue_climbs(&world, case.case).await?;

    journey::settle(&world, case.case).await?;
    let record = journey::filed(&world, case.case).await?;
    assert_eq!(record.ledger.first().map(|entry| entry.act.as_str()), Some("filed"));
    let open = until("all clocks to have stopped", LIMIT, || async {
        let open = journey::duties(&world, case.case, "open").await?;
        anyhow::ensure!(open.total == 0, "{} duties are open", open.total);
        Ok::<_, anyhow::Error>(open)
    });
    assert!(open.await?.duties.is_empty());
    whole_story(&world, case.case).await?;
    who_was_told_when_is_on_file(&world, &record).await?;
    one_trace(&collector).await?;
    world.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotline_sends_over_nats_and_reaches_its_own_subjects_and_nothing_else() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let mut world = stepped(&collector).await?;
    let token = world.installation.producers["hotline"].clone();
    let (hotline, mut refusals) = connect_listening(&world, "hotline", token).await?;
    let accepted: Accepted = ask(&hotline, "duban.report.v1.phone.hotline", "call-1", &journey::report("phone")).await?;
    assert!(accepted.seq > 0 && !accepted.stream.is_empty());
    let case = journey::registered(&world, &accepted).await?;
    assert_eq!(case.channel, "phone");
    let trace = until("the trace of a report over NATS to reach its mail", LIMIT, || async { passing(&collector) }).await?;
    acknowledge_by_link(&world).await?;
    acknowledgement_links_back(&collector, &trace).await?;

    // Another body under the same key is refused now that the first is registered. Where intake does not say in time that it knows the key,
    // the body is accepted and rejected later: then that stands in the hotline's own list.
    let mut other = journey::report("phone");
    other["text"] = "换一种说法".into();
    let was_accepted = Cell::new(false);
    until("another body to be refused", LIMIT, || async {
        let answer: Value = ask(&hotline, "duban.report.v1.phone.hotline", "call-1", &other).await?;
        was_accepted.set(was_accepted.get() || answer["receipt"].is_string());
        let refused: duban_contracts::report::Refused = serde_json::from_value(answer)?;
        anyhow::ensure!(refused.error.status == 409, "{refused:?}");
        anyhow::Ok(())
    })
    .await?;
    until("the list of what was rejected later", LIMIT, || async {
        let results: duban_contracts::report::Results =
            ask(&hotline, "duban.report-result.v1.hotline.list", "", &serde_json::json!({})).await?;
        anyhow::ensure!(results.results.len() == usize::from(was_accepted.get()), "{results:?}");
        anyhow::Ok(())
    })
    .await?;

    // What is not its own is refused by the broker, which says so.
    for subject in [
        "duban.report.v1.phone.web",
        "duban.report-result.v1.web.list",
        "duban.intake.rpc.v1.case.list",
        "duban.gateway.v1.report.accepted",
    ] {
        hotline.publish(subject, "{}".into()).await?;
        loop {
            let said = tokio::time::timeout(LIMIT, refusals.recv()).await.with_context(|| format!("{subject} is not refused"))?;
            let said = said.context("no connection")?.to_lowercase();
            if said.contains("permissions violation") && said.contains(subject) {
                break;
            }
        }
    }
    assert_eq!(world.count("select count(*) from intake.identity").await?, 1);
    world.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sampled_is_a_setting_and_who_sends_a_trace_decides_for_his_own() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let mut world =
        stepped_with(&collector, &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")]).await?;
    let hotline = connect(&world, "hotline", world.installation.producers["hotline"].clone()).await?;
    let unsampled: Accepted = ask(&hotline, "duban.report.v1.phone.hotline", "call-1", &journey::report("phone")).await?;
    journey::registered(&world, &unsampled).await?;
    over_http(&world).await?;
    // It was sent after the other had been registered: once it has travelled as far, nothing of the other is still to come.
    until("the sampled report's trace", LIMIT, || async { passes(&collector, TRACE) }).await?;
    let others: BTreeSet<String> = collector
        .spans()
        .into_iter()
        .filter(|span| span.trace != TRACE && !span.links.iter().any(|link| link == TRACE))
        .map(|span| span.name)
        .collect();
    assert!(others.is_empty(), "exported though not sampled: {others:?}");
    world.stack.stop().await;
    Ok(())
}

async fn stepped(collector: &Collector) -> anyhow::Result<World> {
    stepped_with(collector, &[]).await
}

async fn stepped_with(collector: &Collector, sampling: &[(&str, &str)]) -> anyhow::Result<World> {
    let endpoint = collector.endpoint();
    let tracing = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let tracing = tracing.iter().chain(sampling);
    World::with(StackSettings {
        clock: Some(ClockSetting::Stepped { start: journey::START.into() }),
        extra: tracing.map(|(name, value)| ("*".to_owned(), (*name).to_owned(), (*value).to_owned())).collect(),
        ..StackSettings::test()
    })
    .await
}

async fn over_http(world: &World) -> anyhow::Result<Accepted> {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/reports", world.installation.url))
        .bearer_auth(&world.installation.producers["web"])
        .header("Idempotency-Key", "form-1")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .json(&journey::report("web"))
        .send()
        .await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
    Ok(answer.json().await?)
}

async fn connect(world: &World, producer: &str, token: String) -> anyhow::Result<async_nats::Client> {
    Ok(connect_listening(world, producer, token).await?.0)
}

/// With what the broker complains of.
async fn connect_listening(
    world: &World,
    producer: &str,
    token: String,
) -> anyhow::Result<(async_nats::Client, tokio::sync::mpsc::UnboundedReceiver<String>)> {
    let (tell, complaints) = tokio::sync::mpsc::unbounded_channel();
    let client = async_nats::ConnectOptions::with_user_and_password(producer.to_owned(), token)
        .custom_inbox_prefix(format!("_INBOX_{producer}"))
        .request_timeout(Some(Duration::from_secs(60)))
        .event_callback(move |event| {
            let _ = tell.send(event.to_string());
            async {}
        })
        .connect(world.stack.ground.nats_url())
        .await?;
    Ok((client, complaints))
}

async fn ask<T: serde::de::DeserializeOwned>(
    client: &async_nats::Client,
    subject: &'static str,
    key: &str,
    body: &serde_json::Value,
) -> anyhow::Result<T> {
    let mut headers = async_nats::HeaderMap::new();
    if !key.is_empty() {
        headers.insert("Idempotency-Key", key);
    }
    let answer = client.request_with_headers(subject, headers, serde_json::to_vec(body)?.into()).await?;
    serde_json::from_slice(&answer.payload).with_context(|| String::from_utf8_lossy(&answer.payload).into_owned())
}

/// The general manager is told at once; the link shows and does not act; its button acts once.
async fn acknowledge_by_link(world: &World) -> anyhow::Result<()> {
    let (_, link) = journey::mail_with_link(world, GENERAL_MANAGER).await?;
    // So that no further alert comes while he looks.
    world.raised().await?;
    let waiting = journey::open_alerts(world, GENERAL_MANAGER).await?.total;
    anyhow::ensure!(waiting > 0, "nothing waits for him");
    let browser = reqwest::Client::new();
    let shown = browser.get(&link).send().await?;
    anyhow::ensure!(shown.status().is_success() && shown.text().await?.contains("签收此督办"), "the link shows no button");
    assert_eq!(journey::open_alerts(world, GENERAL_MANAGER).await?.total, waiting, "looking acknowledged it");
    for _ in 0..2 {
        let pressed = browser
            .post(&link)
            .header("Origin", &world.installation.url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("")
            .send()
            .await?;
        let (status, page) = (pressed.status(), pressed.text().await?);
        anyhow::ensure!(status.is_success() && page.contains("已签收"), "{status}: {page}");
    }
    assert_eq!(journey::open_alerts(world, GENERAL_MANAGER).await?.total, waiting - 1);
    Ok(())
}

/// Nobody files the warning: after 24 hours it is overdue and the next posts hear of it.
async fn overdue_climbs(world: &World, case: uuid::Uuid) -> anyhow::Result<()> {
    world.step(journey::NEXT_DAY).await?;
    until("the warning to be overdue", LIMIT, || async {
        let breached = journey::duties(world, case, "breached").await?;
        anyhow::ensure!(breached.duties.iter().any(|duty| duty.rule == "file_warning"), "{} breached", breached.total);
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    journey::mail_with_link(world, HANDLER).await?;
    journey::mail_with_link(world, BRAND_DIVISION).await?;
    Ok(())
}

/// The case's page has what each service knows of it.
async fn whole_story(world: &World, case: uuid::Uuid) -> anyhow::Result<()> {
    let gateway = world.installation.person(GENERAL_MANAGER).await?;
    until("the whole story", LIMIT, || async {
        let whole: serde_json::Value = gateway.get(&format!("/v1/cases/{case}"), &()).await?;
        let events: BTreeSet<&str> =
            whole["timeline"].as_array().into_iter().flatten().filter_map(|entry| entry["event"].as_str()).collect();
        for needed in [
            "case.registered",
            "duty.opened",
            "duty.breached",
            "alert.raised",
            "alert.acknowledged",
            "delivery.sent",
            "case.closed",
            "record.filed",
        ] {
            anyhow::ensure!(events.contains(needed), "{needed} is missing from {events:?}");
        }
        Ok::<_, anyhow::Error>(())
    })
    .await
}

/// The liability record (R13.2.7): years later the file itself says of every alert whom it went to, as which post, when, whether it arrived, and
/// who answered for it when.
async fn who_was_told_when_is_on_file(world: &World, record: &RecordDetail) -> anyhow::Result<()> {
    let archive = Neighbours::of(&world.stack.ground, &[]).await?;
    let (mut text, mut offset) = (String::new(), Some(0));
    while let Some(from) = offset {
        let ask = RecordContentRequest { record: record.record.record, offset: from };
        let piece: RecordContent = archive.ask(Some(GENERAL_MANAGER), "archive", "record.content", &ask).await??;
        text.push_str(&piece.text);
        offset = piece.next;
    }
    let file: Value = serde_json::from_str(&text)?;
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let filed: Vec<AlertEvent> = list(&file["parts"]["escalation"]["duties"])
        .iter()
        .flat_map(|duty| list(&duty["alerts"]))
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()?;
    let alerts: Vec<Uuid> = filed.iter().map(|alert| alert.alert).collect();
    let raised = sqlx::query_scalar::<_, Uuid>(
        "select alert.id from escalation.alert join escalation.duty on duty.id = alert.duty where duty.case_id = $1 order by alert.id",
    );
    let raised: BTreeSet<Uuid> =
        raised.bind(filed.iter().find_map(|alert| alert.case)).fetch_all(&world.database).await?.into_iter().collect();
    assert!(raised.len() == alerts.len() && alerts.iter().all(|alert| raised.contains(alert)), "every alert, once: {raised:?}, {alerts:?}");

    let deliveries = list(&file["parts"]["notifications"]["deliveries"]);
    for alert in &filed {
        assert!(!alert.recipients.is_empty() && alert.recipients.iter().all(|told| !told.post.is_empty()), "{alert:?}");
        for told in &alert.recipients {
            let to_him = |delivery: &&Value| {
                delivery["delivery"]["alert"] == alert.alert.to_string() && delivery["delivery"]["person"] == told.person.as_str()
            };
            let delivery = deliveries.iter().find(to_him).with_context(|| format!("nothing says how {told:?} was reached"))?;
            // Cancelled where another had acknowledged before it went out.
            let (state, sent_at) = (delivery["delivery"]["state"].as_str(), delivery["delivery"]["sent_at"].as_str());
            assert!(matches!((state, sent_at), (Some("sent"), Some(_)) | (Some("cancelled"), None)), "{delivery}");
        }
    }
    let manager_sent =
        deliveries.iter().filter(|delivery| delivery["delivery"]["person"] == GENERAL_MANAGER && delivery["delivery"]["state"] == "sent");
    assert!(manager_sent.count() > 0, "the general manager was told");
    let answered = filed.iter().flat_map(|alert| &alert.acknowledgements);
    assert!(answered.clone().any(|answer| answer.person == GENERAL_MANAGER && answer.link.is_some()), "{filed:?}");
    Ok(())
}

/// The services that a report's own trace passes through: links, which batches have besides, do not count.
const ON_THE_WAY: [&str; 4] = ["duban-gateway", "duban-intake", "duban-escalation", "duban-notifications"];

async fn one_trace(collector: &Collector) -> anyhow::Result<()> {
    until("one trace over all services", LIMIT, || async { passes(collector, TRACE) }).await?;
    batches_link_to_what_they_carried(collector, TRACE).await?;
    acknowledgement_links_back(collector, TRACE).await
}

/// A batch carries what many caused, so its span has a trace of its own, and a link with each trace whose message was in it: where the
/// gateway puts reports on disk, where each service publishes its events, and where each takes those of others.
async fn batches_link_to_what_they_carried(collector: &Collector, trace: &str) -> anyhow::Result<()> {
    const BATCHES: [(&str, &str); 8] = [
        ("duban-gateway", " send"),
        ("duban-intake", " receive"),
        ("duban-intake", " send"),
        ("duban-escalation", " receive"),
        ("duban-escalation", " send"),
        ("duban-notifications", " receive"),
        ("duban-notifications", " send"),
        ("duban-archive", " receive"),
    ];
    until("every batch to link to what it carried", LIMIT, || async {
        // Of streams, which have capital letters; requests have a trace of their own.
        let of_streams = |span: &Span| span.name.starts_with(|first: char| first.is_ascii_uppercase());
        let of_batches = |span: &Span| of_streams(span) && (span.name.ends_with(" send") || span.name.ends_with(" receive"));
        let batches: Vec<Span> = collector.spans().into_iter().filter(of_batches).collect();
        if let Some(span) = batches.iter().find(|span| span.trace == trace) {
            anyhow::bail!("a batch is in the trace of one of its messages: {span:?}");
        }
        let carried: Vec<&Span> = batches.iter().filter(|span| span.links.iter().any(|link| link == trace)).collect();
        let missing: Vec<_> = BATCHES
            .iter()
            .filter(|(service, end)| !carried.iter().any(|span| span.service == *service && span.name.ends_with(end)))
            .collect();
        anyhow::ensure!(missing.is_empty(), "no batch of {missing:?} links to it; batches: {batches:?}");
        anyhow::Ok(())
    })
    .await
}

/// The acknowledgement is a request of its own, with a trace of its own, which is linked with the alert's.
async fn acknowledgement_links_back(collector: &Collector, trace: &str) -> anyhow::Result<()> {
    until("the acknowledgement to link back", LIMIT, || async {
        let links_back = |span: &Span| span.trace != trace && span.links.iter().any(|link| link == trace);
        let found: BTreeSet<String> =
            collector.spans().iter().filter(|span| links_back(span)).map(|span| format!("{} {}", span.service, span.name)).collect();
        let is_there = found.iter().any(|span| span.starts_with("duban-escalation ") && span.contains("acknowledge"));
        anyhow::ensure!(is_there, "{found:?}");
        anyhow::Ok(())
    })
    .await
}

/// Whether a trace has spans of every service on the way.
fn passes(collector: &Collector, trace: &str) -> Result<(), String> {
    let seen = collector.services_in(trace);
    let missing: Vec<&str> = ON_THE_WAY.into_iter().filter(|service| !seen.contains(*service)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("nothing of {missing:?}")) }
}

/// The trace that a report over NATS began, which nobody has named.
fn passing(collector: &Collector) -> Result<String, String> {
    let traces: BTreeSet<String> = collector.spans().into_iter().map(|span| span.trace).collect();
    let why = format!("none of {} traces passes through all", traces.len());
    traces.into_iter().find(|trace| passes(collector, trace).is_ok()).ok_or(why)
}
