//! Requests that act are done once, however often and at once they are asked.

mod world;

use duban_contracts::Problem;
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Call, Failed, Request};
use duban_platform::{Clock, Platform};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;
use world::{EFFECTS, World, known_to_the_broker, number};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    word: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Done {
    by: String,
    number: i64,
}

async fn order(platform: Platform, request: Request<Order>) -> Result<Done, Failed> {
    let mut act = match acting::begin(&platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    if request.body.word == "forbidden" {
        return Err(Problem::forbidden("not this").into());
    }
    request.expect_version(7, || "seven")?;
    sqlx::query("insert into effect (event, word) values ($1, $2)").bind(Uuid::nil()).bind(&request.body.word).execute(act.tx()).await?;
    // Long enough for twins to meet.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let number = sqlx::query_scalar("select count(*) from effect").fetch_one(act.tx()).await?;
    let by = act.person().to_owned();
    act.finish(Done { by, number }).await
}

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    world: World,
    intake: Platform,
    gateway: Platform,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let world = World::new().await?;
        let intake = world.service("intake").await?;
        intake.rpc().await?.serve("effect.order", intake.clone(), order).await?;
        known_to_the_broker(&intake).await?;
        let gateway = world.service("gateway").await?;
        Ok(Self { world, intake, gateway })
    }

    async fn ask(&self, person: &str, id: Uuid, version: i64, word: &str) -> Result<Done, Problem> {
        // A fresh claim each time, as the gateway does it.
        let claim = self.world.claim(person).map_err(|_| Problem::internal())?;
        let call = Call::new("intake", "effect.order").claim(&claim).request_id(id).expected_version(version).timeout(PATIENCE);
        self.gateway.bus.call(call.body(&Order { word: word.to_owned() })?).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twins_act_once_and_get_the_same_answer() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let id = Uuid::now_v7();
    let answers = futures::future::join_all((0..12).map(|_| scene.ask("p1", id, 7, "accept"))).await;
    for answer in answers {
        assert_eq!(answer?, Done { by: "p1".to_owned(), number: 1 });
    }
    assert_eq!(number(scene.intake.db.pool(), EFFECTS).await?, 1);

    // The same id with another body is not the same request; another person's ids are his own.
    assert_eq!(scene.ask("p1", id, 7, "decline").await.unwrap_err().code, "request-id-reused");
    assert_eq!(scene.ask("p2", id, 7, "accept").await?.number, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_changes_nothing_and_may_be_asked_again() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let id = Uuid::now_v7();
    let conflict = scene.ask("p1", id, 6, "accept").await.unwrap_err();
    assert_eq!((conflict.status, conflict.present), (409, Some("seven".into())));
    assert_eq!(scene.ask("p1", Uuid::now_v7(), 7, "forbidden").await.unwrap_err().status, 403);
    assert_eq!(number(scene.intake.db.pool(), EFFECTS).await?, 0);
    assert_eq!(scene.ask("p1", id, 7, "accept").await?.number, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_acts_without_a_claim_of_the_gateway() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let body = Order { word: "accept".to_owned() };
    let call = || anyhow::Ok(Call::new("intake", "effect.order").request_id(Uuid::now_v7()).expected_version(7).body(&body)?);
    assert_eq!(scene.gateway.bus.call::<Done>(call()?).await.unwrap_err().status, 401);
    let forged = scene.gateway.bus.call::<Done>(call()?.claim("e30.AAAA")).await.unwrap_err();
    assert_eq!(forged.status, 401);
    // Without a request id it cannot be told from its twin.
    let no_id = Call::new("intake", "effect.order").claim(&scene.world.claim("p1")?).body(&body)?;
    assert_eq!(scene.gateway.bus.call::<Done>(no_id).await.unwrap_err().status, 400);
    // A body that cannot be read says so.
    let bad = Call::new("intake", "effect.order").claim(&scene.world.claim("p1")?).body(&serde_json::json!({ "word": 7 }))?;
    assert_eq!(scene.gateway.bus.call::<Done>(bad).await.unwrap_err().code, "malformed");
    // Nobody there: 503, at once.
    let nobody = scene.gateway.bus.request::<_, Done>("intake", "effect.unknown", &body).await.unwrap_err();
    assert_eq!(nobody.status, 503);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_an_act_is_unavailable_and_another_request_still_answers() -> anyhow::Result<()> {
    let mut scene = Scene::new().await?;
    scene
        .intake
        .rpc()
        .await?
        .serve("effect.time", scene.intake.clock.clone(), |clock: Clock, _: Request<()>| async move { Ok(clock.now()) })
        .await?;
    known_to_the_broker(&scene.intake).await?;
    scene.world.ground.postgres()?.kill9().await;
    assert_eq!(scene.ask("p1", Uuid::now_v7(), 7, "accept").await.unwrap_err().status, 503);
    let _: duban_contracts::Timestamp = scene.gateway.bus.request("intake", "effect.time", &()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_over_the_brokers_limit_is_told_as_too_large_at_once() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let long = |_: (), request: Request<usize>| async move { Ok("x".repeat(request.body)) };
    scene.intake.rpc().await?.serve("effect.long", (), long).await?;
    known_to_the_broker(&scene.intake).await?;
    let answer: String = scene.gateway.bus.request("intake", "effect.long", &1_000_000).await?;
    assert_eq!(answer.len(), 1_000_000);
    let refused = scene.gateway.bus.request::<_, String>("intake", "effect.long", &2_000_000).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (413, "answer-too-large"));
    Ok(())
}
