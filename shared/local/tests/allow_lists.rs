//! The broker's users can do what their work needs, tried with the client that the services use, and nothing else.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use async_nats::{
    Client, Event, HeaderMap,
    jetstream::{self, consumer::pull, stream},
    service::ServiceExt,
};
use duban_local::{Nats, NatsSettings};
use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

/// How long the broker may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// In no user's allow list.
const NOBODYS: &str = "nobodys.subject";
/// Fewer than the client keeps of what it is told.
const AT_A_TIME: usize = 20;

/// A user's connection and what the broker complained of.
struct Tried {
    client: Client,
    complaints: mpsc::UnboundedReceiver<String>,
}

impl Tried {
    async fn as_user(nats: &Nats, user: &str) -> Result<Tried> {
        let (tell, complaints) = mpsc::unbounded_channel();
        let client = async_nats::ConnectOptions::with_user_and_password(user.into(), nats.password(user)?)
            .custom_inbox_prefix(format!("_INBOX_{user}"))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    let _ = tell.send(error.to_string());
                }
                async {}
            })
            .connect(nats.url())
            .await?;
        Ok(Tried { client, complaints })
    }

    async fn refused(&mut self, what: &str) -> Result<()> {
        self.client.flush().await?;
        match tokio::time::timeout(LIMIT, self.complaints.recv()).await {
            Ok(Some(said)) if said.to_lowercase().contains("permissions violation") => Ok(()),
            Ok(said) => bail!("{what}: {said:?}"),
            Err(_) => bail!("allowed: {what}"),
        }
    }

    async fn may_not_publish(&mut self, subject: &str) -> Result<()> {
        self.client.publish(subject.to_string(), "{}".into()).await?;
        self.refused(&format!("publish {subject}")).await
    }

    async fn may_not_subscribe(&mut self, subject: &str) -> Result<()> {
        let _subscription = self.client.subscribe(subject.to_string()).await?;
        self.refused(&format!("subscribe {subject}")).await
    }

    /// The same of many: a few at a time, since the client drops what it is told faster than it is asked for it.
    async fn may_publish_none_of(&mut self, subjects: &[String]) -> Result<()> {
        for some in subjects.chunks(AT_A_TIME) {
            for subject in some {
                self.client.publish(subject.clone(), "{}".into()).await?;
            }
            self.refused_all("Publish", some).await?;
        }
        Ok(())
    }

    async fn may_subscribe_to_none_of(&mut self, subjects: &[String]) -> Result<()> {
        for some in subjects.chunks(AT_A_TIME) {
            let mut subscriptions = Vec::new();
            for subject in some {
                subscriptions.push(self.client.subscribe(subject.clone()).await?);
            }
            self.refused_all("Subscription", some).await?;
        }
        Ok(())
    }

    /// Reads complaints until that of nobody's subject, which comes after those of all that went before.
    async fn refused_all(&mut self, verb: &str, subjects: &[String]) -> Result<()> {
        self.client.publish(NOBODYS, "{}".into()).await?;
        self.client.flush().await?;
        let mut said = Vec::new();
        loop {
            let complaint = tokio::time::timeout(LIMIT, self.complaints.recv()).await?.context("the connection is gone")?;
            if complaint.contains(NOBODYS) {
                break;
            }
            said.push(complaint.to_lowercase());
        }
        for subject in subjects {
            let refusal = format!("permissions violation for {verb} to \"{subject}\"").to_lowercase();
            ensure!(said.iter().any(|said| said.contains(&refusal)), "allowed: {verb} {subject}; refused: {said:#?}");
        }
        Ok(())
    }

    async fn may_publish(&mut self, subject: &str) -> Result<()> {
        self.client.publish(subject.to_string(), "{}".into()).await?;
        // Complaints come in the order of their causes: had there been one, it would come before that of what nobody may.
        self.client.publish(NOBODYS, "{}".into()).await?;
        self.client.flush().await?;
        let said = tokio::time::timeout(LIMIT, self.complaints.recv()).await?;
        ensure!(said.as_ref().is_some_and(|said| said.contains(NOBODYS)), "{subject}: {said:?}");
        Ok(())
    }
}

fn event_stream(name: &str, subjects: &[&str]) -> stream::Config {
    stream::Config {
        name: name.into(),
        subjects: subjects.iter().map(ToString::to_string).collect(),
        persist_mode: Some(stream::PersistenceMode::Async),
        max_age: Duration::from_secs(14 * 86_400),
        ..Default::default()
    }
}

fn durable(name: &str) -> pull::Config {
    pull::Config { durable_name: Some(name.into()), max_ack_pending: 1_000, ..Default::default() }
}

#[tokio::test]
async fn a_service_makes_its_stream_and_another_reads_it_with_its_own_durable() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    let intake = jetstream::new(nats.connect("intake").await?);
    intake.get_or_create_stream(event_stream("INTAKE", &["duban.intake.v1.>"])).await?;
    intake.publish("duban.intake.v1.case.registered", "one".into()).await?.await?;
    for reader in ["escalation", "archive", "notifications"] {
        let context = jetstream::new(nats.connect(reader).await?);
        let stream = context.get_stream("INTAKE").await?;
        let mut consumer = stream.get_or_create_consumer(reader, durable(reader)).await.context(reader)?;
        let mut batch = consumer.fetch().max_messages(10).expires(LIMIT).messages().await?;
        let message = batch.next().await.context("no message")?.map_err(|error| anyhow::anyhow!("{error}"))?;
        message.double_ack().await.map_err(|error| anyhow::anyhow!("{reader}: {error}"))?;
        assert_eq!(consumer.info().await?.ack_floor.stream_sequence, 1, "{reader}");
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_publishes_atomic_batches_and_intake_works_them_off() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    let gateway = nats.connect("gateway").await?;
    let context = jetstream::new(gateway.clone());
    context
        .create_stream(stream::Config {
            name: "REPORTS".into(),
            subjects: vec!["duban.gateway.v1.report.accepted".into()],
            retention: stream::RetentionPolicy::WorkQueue,
            discard: stream::DiscardPolicy::New,
            allow_atomic_publish: true,
            ..Default::default()
        })
        .await?;
    for nr in 1..=3 {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Batch-Id", "batch-1");
        headers.insert("Nats-Batch-Sequence", nr.to_string());
        if nr < 3 {
            gateway.publish_with_headers("duban.gateway.v1.report.accepted", headers, "{}".into()).await?;
            continue;
        }
        headers.insert("Nats-Batch-Commit", "1");
        let reply = gateway.request_with_headers("duban.gateway.v1.report.accepted", headers, "{}".into()).await?;
        let answer: serde_json::Value = serde_json::from_slice(&reply.payload)?;
        assert_eq!(answer["count"], 3, "{answer}");
    }
    let intake = jetstream::new(nats.connect("intake").await?);
    let consumer = intake.get_stream("REPORTS").await?.create_consumer(durable("intake")).await?;
    let mut batch = consumer.fetch().max_messages(3).expires(LIMIT).messages().await?;
    let mut taken = 0;
    while let Some(message) = batch.next().await {
        message.map_err(|error| anyhow::anyhow!("{error}"))?.double_ack().await.map_err(|error| anyhow::anyhow!("{error}"))?;
        taken += 1;
    }
    assert_eq!(taken, 3);
    Ok(())
}

#[tokio::test]
async fn requests_are_answered_into_the_askers_own_inbox() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    let escalation = nats.connect("escalation").await?;
    let service = escalation.service_builder().start("duban-escalation", "0.1.0").await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let asked =
        [("gateway", "duty.list"), ("notifications", "alert.state"), ("archive", "case.dossier"), ("operator", "operator.dead.list")];
    for (_, name) in asked {
        let endpoint = service.endpoint(format!("duban.escalation.rpc.v1.{name}")).await;
        let mut endpoint = endpoint.map_err(|error| anyhow::anyhow!("{error}"))?;
        tokio::spawn(async move {
            while let Some(request) = endpoint.next().await {
                let _ = request.respond(Ok("open".into())).await;
            }
        });
    }
    escalation.flush().await?;
    for (asker, name) in asked {
        let client = nats.connect(asker).await?;
        let answer = client.request(format!("duban.escalation.rpc.v1.{name}"), "{}".into()).await.context(asker)?;
        assert_eq!(&answer.payload[..], b"open");
    }
    let operator = nats.connect("operator").await?;
    let ping = operator.request("$SRV.PING.duban-escalation", "".into()).await?;
    ensure!(std::str::from_utf8(&ping.payload)?.contains("duban-escalation"));
    Ok(())
}

#[tokio::test]
async fn what_is_not_a_users_own_is_refused() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    let intake = jetstream::new(nats.connect("intake").await?);
    intake.create_stream(event_stream("INTAKE", &["duban.intake.v1.>"])).await?;
    let mut escalation = Tried::as_user(&nats, "escalation").await?;
    escalation.may_publish("duban.escalation.v1.duty.opened").await?;
    for subject in [
        "duban.intake.v1.case.registered",
        "duban.gateway.v1.report.accepted",
        "duban.report.v1.hotline.hotline-1",
        "duban.intake.rpc.v1.case.act",
        "duban.archive.rpc.v1.record.show",
        "_INBOX_gateway.x",
        "$JS.API.STREAM.CREATE.INTAKE",
        "$JS.API.STREAM.UPDATE.ESCALATION",
        "$JS.API.STREAM.DELETE.INTAKE",
        "$JS.API.STREAM.DELETE.ESCALATION",
        "$JS.API.STREAM.PURGE.INTAKE",
        "$JS.API.STREAM.MSG.DELETE.INTAKE",
        "$JS.API.STREAM.MSG.GET.REPORTS",
        "$JS.API.STREAM.SNAPSHOT.INTAKE",
        "$JS.API.CONSUMER.CREATE.INTAKE.archive",
        "$JS.API.CONSUMER.CREATE.INTAKE",
        "$JS.API.CONSUMER.DURABLE.CREATE.INTAKE.escalation",
        "$JS.API.CONSUMER.CREATE.REPORTS.escalation",
        "$JS.API.CONSUMER.MSG.NEXT.INTAKE.archive",
        "$JS.API.CONSUMER.DELETE.INTAKE.escalation",
        "$JS.ACK.INTAKE.archive.1.1.1.1.0",
        "duban.clock.v1.reload",
        "$SYS.REQ.USER.AUTH",
    ] {
        escalation.may_not_publish(subject).await?;
    }
    for subject in [
        "_INBOX.>",
        "_INBOX_gateway.>",
        "_INBOX_hotline-1.>",
        ">",
        "duban.intake.v1.>",
        "duban.report.v1.*.*",
        "duban.intake.rpc.v1.>",
        "$SYS.>",
        "$SYS.REQ.USER.AUTH",
        "$JS.>",
    ] {
        escalation.may_not_subscribe(subject).await?;
    }
    let mut gateway = Tried::as_user(&nats, "gateway").await?;
    for subject in ["$JS.API.STREAM.DELETE.REPORTS", "$JS.API.STREAM.PURGE.REPORTS", "duban.intake.v1.case.registered"] {
        gateway.may_not_publish(subject).await?;
    }
    let mut operator = Tried::as_user(&nats, "operator").await?;
    operator.may_publish("duban.clock.v1.reload").await?;
    for subject in ["duban.gateway.v1.policy.applied", "$JS.API.STREAM.DELETE.INTAKE", "duban.report.v1.hotline.hotline-1"] {
        operator.may_not_publish(subject).await?;
    }
    operator.may_not_subscribe("duban.intake.v1.>").await
}

/// Streams, and the subject of an event in each.
const STREAMS: [(&str, &str); 6] = [
    ("REPORTS", "duban.gateway.v1.report.accepted"),
    ("GATEWAY", "duban.gateway.v1.policy.applied"),
    ("INTAKE", "duban.intake.v1.case.registered"),
    ("ESCALATION", "duban.escalation.v1.duty.opened"),
    ("ARCHIVE", "duban.archive.v1.record.filed"),
    ("NOTIFICATIONS", "duban.notifications.v1.delivery.sent"),
];

/// Whose durable consumers stand on which stream.
fn readers_of(stream: &str) -> &'static [&'static str] {
    match stream {
        "REPORTS" => &["intake"],
        "GATEWAY" => &["intake", "escalation", "archive", "notifications"],
        "INTAKE" => &["escalation", "archive", "notifications"],
        "ESCALATION" => &["archive", "notifications"],
        "ARCHIVE" | "NOTIFICATIONS" => &["escalation"],
        _ => &[],
    }
}

fn owner_of(stream: &str) -> String {
    if stream == "REPORTS" { "gateway".into() } else { stream.to_lowercase() }
}

#[tokio::test]
async fn no_user_takes_anything_away_or_reads_or_speaks_for_another() -> Result<()> {
    const USERS: [&str; 6] = ["gateway", "intake", "escalation", "archive", "notifications", "operator"];
    let nats = Nats::start(NatsSettings::test()).await?;
    for user in USERS {
        let mut tried = Tried::as_user(&nats, user).await?;
        // On every stream, its own included: what takes away or changes.
        let mut publish: Vec<String> = Vec::new();
        for (stream, event) in STREAMS {
            for act in ["DELETE", "PURGE", "UPDATE", "MSG.DELETE", "RESTORE", "SNAPSHOT", "PEER.REMOVE", "LEADER.STEPDOWN"] {
                publish.push(format!("$JS.API.STREAM.{act}.{stream}"));
            }
            publish.push(format!("$JS.API.CONSUMER.CREATE.{stream}"));
            publish.push(format!("$JS.API.CONSUMER.CREATE.{stream}.somebody"));
            for reader in readers_of(stream) {
                publish.push(format!("$JS.API.CONSUMER.DELETE.{stream}.{reader}"));
                publish.push(format!("$JS.API.CONSUMER.PAUSE.{stream}.{reader}"));
                publish.push(format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{reader}"));
                if *reader != user {
                    publish.push(format!("$JS.API.CONSUMER.CREATE.{stream}.{reader}"));
                    publish.push(format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{reader}"));
                    publish.push(format!("$JS.ACK.{stream}.{reader}.1.1.1.1.0"));
                }
            }
            if owner_of(stream) != user {
                publish.extend([format!("$JS.API.STREAM.CREATE.{stream}"), event.to_owned()]);
            }
        }
        let others = USERS.into_iter().chain(["hotline-1"]).filter(|other| *other != user);
        publish.extend(others.clone().map(|other| format!("_INBOX_{other}.x")));
        publish.extend(["_INBOX.x", "duban.report.v1.hotline.hotline-1", "duban.report-result.v1.hotline-1.list"].map(str::to_owned));
        publish.extend(["$SYS.REQ.USER.AUTH", "$SYS.REQ.SERVER.PING", "$JS.API.ACCOUNT.PURGE.DUBAN"].map(str::to_owned));
        tried.may_publish_none_of(&publish).await.context(user)?;

        let mut subscribe: Vec<String> = others.map(|other| format!("_INBOX_{other}.>")).collect();
        subscribe.extend(["_INBOX.>", ">", "duban.>", "$JS.>", "$SYS.>", "duban.report.v1.>"].map(str::to_owned));
        subscribe.extend(USERS.iter().filter(|other| **other != user).map(|other| format!("duban.{other}.rpc.v1.>")));
        if user != "gateway" {
            // It alone tells the pages what happens, and hears producers.
            subscribe.extend(STREAMS.iter().map(|(stream, _)| format!("duban.{}.v1.>", owner_of(stream))));
            subscribe.extend(["duban.report.v1.*.*", "$SYS.REQ.USER.AUTH"].map(str::to_owned));
        }
        if user != "intake" {
            subscribe.push("duban.report-result.v1.*.list".to_owned());
        }
        subscribe.sort_unstable();
        subscribe.dedup();
        tried.may_subscribe_to_none_of(&subscribe).await.context(user)?;
    }
    Ok(())
}

/// Such requests carry no claim: that the broker lets nobody else ask is all that guards them.
#[tokio::test]
async fn what_is_answered_without_a_claim_only_those_may_ask_for_whom_it_is() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    let mut gateway = Tried::as_user(&nats, "gateway").await?;
    for subject in [
        "duban.intake.rpc.v1.case.dossier",
        "duban.escalation.rpc.v1.case.dossier",
        "duban.notifications.rpc.v1.case.dossier",
        "duban.escalation.rpc.v1.alert.state",
        "duban.intake.rpc.v1.operator.dead.show",
        "duban.archive.rpc.v1.operator.dead.list",
    ] {
        gateway.may_not_publish(subject).await?;
    }
    for subject in ["duban.intake.rpc.v1.dead.list", "duban.escalation.rpc.v1.alert.show"] {
        gateway.may_publish(subject).await?;
    }
    let mut operator = Tried::as_user(&nats, "operator").await?;
    operator.may_publish("duban.intake.rpc.v1.operator.dead.show").await?;
    operator.may_not_publish("duban.intake.rpc.v1.case.dossier").await?;
    let mut intake = Tried::as_user(&nats, "intake").await?;
    for subject in ["duban.archive.rpc.v1.record.content", "duban.archive.rpc.v1.case.timeline"] {
        intake.may_not_publish(subject).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_not_let_in() -> Result<()> {
    let nats = Nats::start(NatsSettings::test()).await?;
    ensure!(duban_local::nats::connect(&nats.url(), "gateway", "wrong").await.is_err());
    // Nobody answers the auth callout here, so that no producer gets in. Asked in bare words, since the client takes the
    // server's PING, which may come before the refusal, for being let in.
    for credentials in [r#","user":"hotline-1","pass":"token""#, ""] {
        let mut stream = TcpStream::connect(("127.0.0.1", nats.port())).await?;
        stream.write_all(format!("CONNECT {{\"verbose\":false,\"protocol\":1{credentials}}}\r\n").as_bytes()).await?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await?;
        ensure!(said.contains("Authorization Violation"), "{said}");
    }
    Ok(())
}
