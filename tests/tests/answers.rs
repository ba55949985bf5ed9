//! Every answer of the HTTP API is as `/openapi.json` describes it, and every problem is one.

use anyhow::{Context, ensure};
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, journey};
use jsonschema::Validator;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who is told by a webhook too.
const WITH_WEBHOOK: &str = "zhang-wei";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_described() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let report = serde_json::from_value(journey::report("web"))?;
    let accepted = world.installation.producer("web")?.send_report("form-1", &report).await?;
    let case = journey::registered(&world, &accepted).await?;
    journey::mail_with_link(&world, journey::GENERAL_MANAGER).await?;
    world.step(journey::NEXT_DAY).await?;
    world.raised().await?;
    let visitor = Visitor::new(&world).await?;
    let open = visitor.known(&world, case.case, &accepted.tracking_code).await?;
    let mut seen = visitor.read_everything(&open).await?;
    journey::settle(&world, case.case).await?;
    let record = journey::filed(&world, case.case).await?;
    // Now there is a record; what else has become of the case has the same form.
    let filed = open.into_iter().chain([("/v1/records/{record}".to_owned(), format!("/v1/records/{}", record.record.record))]).collect();
    seen.extend(visitor.read_everything(&filed).await?);
    let unseen: Vec<&String> = visitor.gets().into_iter().filter(|path| !seen.contains_key(*path) && !is_no_json(path)).collect();
    ensure!(unseen.is_empty(), "nothing of this kind was there to be read: {unseen:?}");
    visitor.problems(&case.case.to_string()).await?;
    visitor.no_page().await?;
    let handler = duban_tests::visitor::Visitor::with_new_password(&world.installation, journey::HANDLER).await?;
    let (status, page) = handler.get(&format!("/cases/{}", case.case)).await?;
    ensure!(status == StatusCode::OK && page.contains("更换发动机总成"), "what its steps say does not stand on the page of a case: {page}");
    let (status, page) = handler.get("/cases/nonsense").await?;
    ensure!(status == StatusCode::NOT_FOUND && page.starts_with("<!DOCTYPE html>"), "{status} {page}");
    visitor.no_such_code().await?;
    println!("{} kinds of answers are as described", seen.len());
    world.stack.stop().await;
    Ok(())
}

/// Streams, and what needs a thing that this day does not bring.
fn is_no_json(path: &str) -> bool {
    ["/v1/events", "/v1/dead-letters/{service}/{letter}", "/v1/refused-reports/{report}", "/v1/cases/export"].contains(&path)
}

/// Everybody whose view is tried, with the description.
struct Visitor {
    client: Client,
    url: String,
    document: Value,
    tokens: Vec<String>,
    producer: String,
}

impl Visitor {
    async fn new(world: &World) -> anyhow::Result<Self> {
        let client = Client::new();
        let url = world.installation.url.clone();
        let document = client.get(format!("{url}/openapi.json")).send().await?.error_for_status()?.json().await?;
        let administrator = world.installation.administrator()?;
        let mut tokens = vec![world.installation.admin_token.clone()];
        for person in [journey::HANDLER, journey::GENERAL_MANAGER, WITH_WEBHOOK] {
            let made: Value =
                administrator.send(Method::POST, &format!("/v1/people/{person}/token"), &json!({ "name": "answers" })).await?;
            tokens.push(made["token"].as_str().context("no token")?.to_owned());
        }
        let producer = world.installation.producers.get("web").cloned().context("the web producer's token")?;
        Ok(Self { client, url, document, tokens, producer })
    }

    fn gets(&self) -> Vec<&String> {
        let paths = self.document["paths"].as_object();
        paths.into_iter().flatten().filter(|(_, path)| path.get("get").is_some()).map(|(name, _)| name).collect()
    }

    /// Paths with their parameters filled in.
    async fn known(&self, world: &World, case: uuid::Uuid, code: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let (duty, alert): (uuid::Uuid, uuid::Uuid) =
            sqlx::query_as("select a.duty, a.id from escalation.alert a where a.duty is not null limit 1")
                .fetch_one(&world.database)
                .await?;
        let new = json!({ "version": 1, "since": "2026-03-01" });
        let begun: Value = world.installation.administrator()?.send(Method::POST, "/v1/rehearsals", &new).await?;
        let rehearsal = begun["id"].as_str().context("no rehearsal")?.to_owned();
        let mut known = BTreeMap::new();
        for path in self.gets() {
            let filled = path
                .replace("/cases/{case}", &format!("/cases/{case}"))
                .replace("/duties/{duty}", &format!("/duties/{duty}"))
                .replace("/alerts/{alert}", &format!("/alerts/{alert}"))
                .replace("/reports/{code}", &format!("/reports/{code}"))
                .replace("/people/{person}", &format!("/people/{WITH_WEBHOOK}"))
                .replace("/earlier", &format!("/earlier?before={}", uuid::Uuid::max()))
                .replace("/rehearsals/{rehearsal}", &format!("/rehearsals/{rehearsal}"))
                .replace("/policies/{version}", "/policies/1")
                .replace("/packs/{pack}", "/packs/basics")
                .replace("/dead-letters/{service}", "/dead-letters/intake");
            known.insert(path.clone(), filled);
        }
        Ok(known)
    }

    /// Reads each path as each person, and holds what is answered against its description; which paths were answered.
    async fn read_everything(&self, paths: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, usize>> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (path, filled) in paths.iter().filter(|(path, filled)| !is_no_json(path) && !filled.contains('{')) {
            let described = &self.document["paths"][path]["get"]["responses"];
            let schema = self.schema(&described["200"]["content"]["application/json"]["schema"]).with_context(|| path.clone())?;
            let problem = self.problem()?;
            for token in self.tokens.iter().chain([&self.producer]) {
                let answer = self.client.get(format!("{}{filled}", self.url)).bearer_auth(token).send().await?;
                let (status, media) = (answer.status(), media(&answer));
                let body: Value = answer.json().await.with_context(|| format!("{filled} answered {status}"))?;
                let held = if status == StatusCode::OK {
                    ensure!(media == "application/json", "{filled} is {media}");
                    *seen.entry(path.clone()).or_default() += 1;
                    schema.validate(&body)
                } else {
                    ensure!(media == "application/problem+json" && body["status"] == status.as_u16(), "{filled}: {status} {media} {body}");
                    problem.validate(&body)
                };
                held.map_err(|fault| anyhow::anyhow!("{filled} ({status}) is not as described: {fault} at {}", fault.instance_path()))?;
            }
        }
        Ok(seen)
    }

    /// What cannot be done is told as a problem: no such thing, no such page, no token, no body, another media type.
    async fn problems(&self, case: &str) -> anyhow::Result<()> {
        let token = self.tokens.first().context("no token")?;
        let at = |path: &str| format!("{}{path}", self.url);
        let nobody = uuid::Uuid::nil();
        let asked = [
            (self.client.get(at(&format!("/v1/cases/{nobody}"))).bearer_auth(token), StatusCode::NOT_FOUND),
            (self.client.get(at("/v1/nothing")).bearer_auth(token), StatusCode::NOT_FOUND),
            (self.client.get(at("/v1/cases")), StatusCode::UNAUTHORIZED),
            (self.client.get(at("/v1/cases?limit=many")).bearer_auth(token), StatusCode::BAD_REQUEST),
            (self.client.delete(at("/v1/cases")).bearer_auth(token), StatusCode::METHOD_NOT_ALLOWED),
            (self.client.post(at(&format!("/v1/cases/{case}/acts"))).bearer_auth(token).json(&json!({})), StatusCode::BAD_REQUEST),
            (self.client.post(at("/v1/reports")).bearer_auth(&self.producer).body("x"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ];
        let problem = self.problem()?;
        for (request, expected) in asked {
            let answer = request.send().await?;
            let (url, status, media) = (answer.url().clone(), answer.status(), media(&answer));
            let text = answer.text().await?;
            ensure!(media == "application/problem+json", "{url}: {status} {media} {text}");
            let body: Value = serde_json::from_str(&text)?;
            problem.validate(&body).map_err(|fault| anyhow::anyhow!("{url}: {fault}: {body}"))?;
            ensure!(status == expected, "{url}: {status} {body}");
        }
        Ok(())
    }

    /// People read a page where there is none.
    async fn no_page(&self) -> anyhow::Result<()> {
        let answer = self.client.get(format!("{}/nothing", self.url)).header("Accept-Language", "en").send().await?;
        let (status, media, text) = (answer.status(), media(&answer), answer.text().await?);
        ensure!(status == StatusCode::NOT_FOUND && media == "text/html", "{status} {media}");
        ensure!(text.contains(&duban_contracts::Problem::not_found().title), "{text}");
        Ok(())
    }

    /// The public form takes no text for a tracking code that is none: its report would wait for one that nobody has sent.
    async fn no_such_code(&self) -> anyhow::Result<()> {
        let sending = self.client.post(format!("{}/report", self.url)).header("Accept-Language", "zh");
        let sending = sending.header("Content-Type", "application/x-www-form-urlencoded");
        let answer = sending.body("key=form-of-a-test&subject=no+cold+air&follows=zzzzz").send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("这不是有效的查询码"), "{status} {text}");
        Ok(())
    }

    fn problem(&self) -> anyhow::Result<Validator> {
        self.schema(&self.document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"])
    }

    /// A schema of the description, with what it refers to.
    fn schema(&self, schema: &Value) -> anyhow::Result<Validator> {
        ensure!(schema.is_object(), "no schema is described");
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        Ok(jsonschema::validator_for(&whole)?)
    }
}

fn media(answer: &reqwest::Response) -> String {
    let media = answer.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().to_owned()
}
