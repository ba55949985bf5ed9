//! Reports as their senders make them, over HTTP and over NATS, from the gateway to what handlers see of them.

use anyhow::Context;
use duban::case::CaseWhole;
use duban_contracts::identity::IdentityKeys;
use duban_contracts::report::Accepted;
use duban_local::{ClockSetting, StackSettings};
use duban_platform::config::key_of;
use duban_tests::journey::{self, HANDLER};
use duban_tests::{World, until};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_report_and_what_follows_it_by_its_tracking_code_are_one_case_on_which_all_is_seen() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let kiosk = Producer::of_a_store(&world, "kiosk", "BJ01").await?;
    let hotline = Producer::known(&world, "hotline").await?;

    // What a report leaves out is filled in, whichever way it came.
    let accepted = kiosk.by_http("k-1", &brings("进店录音", "rec/0302-17")).await?;
    let case = journey::registered(&world, &accepted).await?;
    let over_nats = kiosk.by_nats("store", "k-2", &json!({ "channel": "store", "text": "方向盘抖动" })).await?;
    journey::registered(&world, &over_nats).await?;
    let filled_in = "select count(*) from intake.cases
                     where unit = 'BJ01' and pack = 'car-dealer-complaints' and kind = 'complaint' and occurred_at = received_at and not unsorted";
    assert_eq!(world.count(filled_in).await?, 2);

    // Supplements of other producers, who know no more than the code: as it was given, and as it was heard over the telephone.
    let code = accepted.tracking_code.as_str();
    let called = hotline.by_nats("phone", "call-1", &follows(code, "客户来电：又坏了", "来电录音", "rec/0302-18")).await?;
    assert_eq!(becomes(&world, &called, "supplement").await?.as_deref(), Some(case.number.as_str()));
    let web = Producer::known(&world, "web").await?;
    let heard = code.to_lowercase().replace('-', " ");
    let written = web.by_http("form-1", &with_channel(follows(&heard, "补交发票", "发票", "img/7"), "web")).await?;
    assert_eq!(becomes(&world, &written, "supplement").await?.as_deref(), Some(case.number.as_str()));

    // One that is here before the report that it follows.
    let secrets = world.stack.ground.secrets();
    let keys = IdentityKeys { identity: key_of(&secrets.identity_key()?)?, check: key_of(&secrets.check_key()?)? };
    let to_come = keys.tracking_code(keys.receipt("kiosk", "k-3")).to_string();
    let early = hotline.by_nats("phone", "call-2", &follows(&to_come, "补充在先", "照片", "img/8")).await?;
    assert_eq!(becomes(&world, &early, "waiting").await?, None);
    let late =
        kiosk.by_http("k-3", &json!({ "channel": "store", "text": "空调不制冷", "occurred_at": "2026-02-28T20:00:00+08:00" })).await?;
    assert_eq!(late.tracking_code, to_come);
    let other = journey::registered(&world, &late).await?;
    assert_eq!(becomes(&world, &early, "supplement").await?, Some(other.number));

    // A slip in the code is told at once; the report is taken all the same.
    let slip = format!("{}{}", &code[..code.len() - 1], if code.ends_with('7') { '8' } else { '7' });
    let slipped = hotline.by_nats("phone", "call-3", &follows(&slip, "补充", "照片", "img/9")).await?;
    let warned: Vec<_> = slipped.warnings.iter().map(|warning| (warning.field.as_str(), warning.code.as_str())).collect();
    assert!(warned.contains(&("/follows", "unknown-code")), "{warned:?}");
    assert_eq!(becomes(&world, &slipped, "waiting").await?, None);

    let cases = world.count("select count(*) from intake.cases").await?;
    assert_eq!(cases, 3, "no supplement is a case of its own");
    seen_by_the_api(&world, case.case).await?;
    let brought = ["京AB1234", "云驰 S3", "车辆质量", "进店录音", "rec/0302-17", "来电录音: rec/0302-18", "发票: img/7"];
    seen_on_the_page(&world, case.case, &brought).await?;
    seen_on_the_page(&world, other.case, &["发生", "2026年2月28日", "照片: img/8"]).await?;
    world.stack.stop().await;
    Ok(())
}

/// A report of a store that says neither kind nor unit nor when.
fn brings(name: &str, reference: &str) -> Value {
    json!({
        "channel": "store", "subject": "发动机异响", "text": "第一次进店没有修好。\n第二次也没有。",
        "reporter": { "name": "罗建平", "phone": "19900000101" },
        "fields": { "about": "car", "model": "云驰 S3", "plate": "京AB1234" },
        "attachments": [{ "name": name, "reference": reference, "media_type": "audio/wav" }]
    })
}

fn follows(code: &str, text: &str, name: &str, reference: &str) -> Value {
    json!({ "channel": "phone", "text": text, "follows": code, "fields": { "里程": 12000 }, "attachments": [{ "name": name, "reference": reference }] })
}

fn with_channel(mut report: Value, channel: &str) -> Value {
    report["channel"] = channel.into();
    report
}

/// Waits until the public is told this of a report; the number of its case, if it is told of one.
async fn becomes(world: &World, accepted: &Accepted, state: &str) -> anyhow::Result<Option<String>> {
    let public = world.installation.administrator()?.with_token("");
    until("the report's public state", LIMIT, || async {
        let status = public.track(&accepted.tracking_code).await?;
        anyhow::ensure!(status.state == state, "{status:?} instead of {state}");
        anyhow::Ok(status.case.map(|case| case.number))
    })
    .await
}

async fn seen_by_the_api(world: &World, case: Uuid) -> anyhow::Result<()> {
    let whole: CaseWhole = world.installation.person(HANDLER).await?.get(&format!("/v1/cases/{case}"), &()).await?;
    let report = whole.detail.report.context("the handler may read the report")?;
    let expected: duban_contracts::report::Report = serde_json::from_value(brings("进店录音", "rec/0302-17"))?;
    assert_eq!((&report.attachments, &report.fields), (&expected.attachments, &expected.fields));
    for (field, value) in &expected.fields {
        assert_eq!(whole.detail.fields.get(field), Some(value), "{field}");
    }
    let notes: Vec<_> =
        whole.detail.timeline.iter().filter(|entry| entry.event == "case.supplemented").map(|e| e.note.as_deref()).collect();
    let wanted = [Some("客户来电：又坏了\n里程: 12000\n来电录音: rec/0302-18"), Some("补交发票\n里程: 12000\n发票: img/7")];
    assert_eq!(notes, wanted);
    Ok(())
}

async fn seen_on_the_page(world: &World, case: Uuid, all: &[&str]) -> anyhow::Result<()> {
    const PASSWORD: &str = "correct horse";
    let path = format!("/v1/people/{HANDLER}/reset");
    let _: Value = world.installation.administrator()?.send(Method::POST, &path, &json!({ "password": PASSWORD })).await?;
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let url = &world.installation.url;
    let login = browser.post(format!("{url}/login")).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = login.body(format!("login={HANDLER}&password={}", PASSWORD.replace(' ', "+"))).send().await?;
    let cookie = answer.headers().get(header::SET_COOKIE).context("no cookie")?.to_str()?.split(';').next().unwrap_or_default().to_owned();
    let page = browser.get(format!("{url}/cases/{case}?lang=zh")).header(header::COOKIE, cookie).send().await?.text().await?;
    for seen in all {
        anyhow::ensure!(page.contains(*seen), "{seen} is not on the page: {page}");
    }
    Ok(())
}

/// A producer with its two ways in.
struct Producer {
    id: String,
    token: String,
    url: String,
    nats: async_nats::Client,
}

impl Producer {
    /// One that stands in a unit.
    async fn of_a_store(world: &World, id: &str, unit: &str) -> anyhow::Result<Self> {
        let body = json!({ "id": id, "name": "门店自助机", "unit": unit });
        let made: Value = world.installation.administrator()?.send(Method::POST, "/v1/producers", &body).await?;
        Self::new(world, id, made["token"].as_str().context("no token")?).await
    }

    /// One of the demonstration.
    async fn known(world: &World, id: &str) -> anyhow::Result<Self> {
        Self::new(world, id, &world.installation.producers[id]).await
    }

    async fn new(world: &World, id: &str, token: &str) -> anyhow::Result<Self> {
        let nats = async_nats::ConnectOptions::with_user_and_password(id.to_owned(), token.to_owned())
            .custom_inbox_prefix(format!("_INBOX_{id}"))
            .request_timeout(Some(LIMIT))
            .connect(world.stack.ground.nats_url())
            .await?;
        Ok(Self { id: id.to_owned(), token: token.to_owned(), url: world.installation.url.clone(), nats })
    }

    async fn by_http(&self, key: &str, body: &Value) -> anyhow::Result<Accepted> {
        let request =
            reqwest::Client::new().post(format!("{}/v1/reports", self.url)).bearer_auth(&self.token).header("Idempotency-Key", key);
        let answer = request.json(body).send().await?;
        anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
        Ok(answer.json().await?)
    }

    async fn by_nats(&self, channel: &str, key: &str, body: &Value) -> anyhow::Result<Accepted> {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Idempotency-Key", key);
        let subject = format!("duban.report.v1.{channel}.{}", self.id);
        let answer = self.nats.request_with_headers(subject, headers, body.to_string().into()).await?;
        serde_json::from_slice(&answer.payload).with_context(|| String::from_utf8_lossy(&answer.payload).into_owned())
    }
}
