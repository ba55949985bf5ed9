//! Every event that really goes over the broker is a CloudEvent, has the schema that is published for it, and holds no personal text.

use anyhow::Context;
use duban_contracts::{catalogue, event::header};
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, journey, until};
use futures::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_on_the_broker_keeps_its_contract_and_no_secret() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let heard: Arc<Mutex<Vec<async_nats::Message>>> = Arc::default();
    let listener = world.stack.ground.connect_nats("gateway").await?;
    let mut streams = Vec::new();
    for service in duban_contracts::subjects::service::ALL {
        streams.push(listener.subscribe(format!("duban.{service}.v1.>")).await?);
    }
    listener.flush().await?;
    let mut events = futures::stream::select_all(streams);
    let keep = heard.clone();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            keep.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    });

    let report = serde_json::from_value(journey::report("web"))?;
    let accepted = world.installation.producer("web")?.send_report("form-1", &report).await?;
    let case = journey::registered(&world, &accepted).await?;
    journey::mail_with_link(&world, journey::GENERAL_MANAGER).await?;
    world.step(journey::NEXT_DAY).await?;
    journey::settle(&world, case.case).await?;
    journey::filed(&world, case.case).await?;
    let names = || -> BTreeSet<String> {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter_map(|event| duban_contracts::subjects::event_name(&event.subject).map(str::to_owned)).collect()
    };
    until("an event of each service", Duration::from_secs(120), || async {
        let names = names();
        let wanted = ["case.registered", "case.closed", "duty.opened", "duty.closed", "alert.raised", "delivery.sent", "record.filed"];
        let missing: Vec<_> = wanted.into_iter().filter(|name| !names.contains(*name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    })
    .await?;

    let entries = catalogue::entries();
    let mut schemas = BTreeMap::new();
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for event in heard.iter().filter(|event| event.subject.as_str() != duban_contracts::subjects::REPORT_ACCEPTED) {
        let subject = event.subject.as_str();
        let entry = catalogue::of_subject(&entries, subject).with_context(|| format!("{subject} is in no catalogue"))?;
        let body: serde_json::Value = serde_json::from_slice(&event.payload)?;
        let schema = schemas.entry(entry.address).or_insert_with(|| jsonschema::validator_for(entry.message.as_value()));
        let schema = schema.as_ref().map_err(|error| anyhow::anyhow!("the schema of {subject}: {error}"))?;
        if let Err(fault) = schema.validate(&body) {
            anyhow::bail!("{subject} is not as published: {fault}");
        }
        let headers = event.headers.as_ref().context("no headers")?;
        for name in [header::SPEC_VERSION, header::ID, header::SOURCE, header::TYPE, header::TIME, header::SUBJECT] {
            anyhow::ensure!(headers.get(name).is_some(), "{subject} has no {name}");
        }
        assert_eq!(headers.get(header::TYPE).map(|value| value.as_str()), Some(subject));
        let text = String::from_utf8_lossy(&event.payload);
        for secret in journey::SECRETS {
            anyhow::ensure!(!text.contains(secret), "{subject} tells {secret}");
        }
    }
    println!("{} events of {} kinds keep their contracts", heard.len(), names().len());
    world.stack.stop().await;
    Ok(())
}
