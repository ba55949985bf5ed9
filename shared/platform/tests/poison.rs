//! A message that can never succeed holds up nothing, and can be replayed once it can.

mod world;

use duban_contracts::dead::{DeadDetail, DeadLetter, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::subjects::stream;
use duban_platform::consumer::Consume;
use duban_platform::rpc::Call;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use world::{EFFECTS, World, WriteDown, known_to_the_broker, number, tell, until, words};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_goes_to_the_dead_letters_sealed_and_is_handled_once_when_replayed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.serve_dead_letters(&escalation.rpc().await?, |claim| claim.person() == Some("administrator")).await?;
    known_to_the_broker(&escalation).await?;
    let handler = WriteDown { poison: Some("word 57"), refuses: Arc::new(AtomicBool::new(true)), ..WriteDown::default() };
    escalation.consume(Consume::new(handler.clone()).stream(stream::INTAKE).attempts(3));
    tell(&intake, &words(&intake, 0..100)).await?;
    until(escalation.db.pool(), EFFECTS, 99, SOON).await?;
    let pool = escalation.db.pool();
    until(pool, "select count(*) from dead_letter where attempts = 3 and reason = 'poison'", 1, SOON).await?;
    until(pool, "select count(*) from set_aside", 0, SOON).await?;
    assert_eq!(number(pool, "select count(*) from inbox").await?, 99);
    assert_eq!(number(pool, "select count(*) from dead_letter where position('word' in encode(sealed, 'escape')) > 0").await?, 0);

    // The gateway may ask for a person; who is no administrator learns nothing.
    let gateway = world.service("gateway").await?;
    let ask = |name: &str, person: &str| anyhow::Ok(Call::new("escalation", name).claim(&world.claim(person)?));
    let refused = gateway.bus.call::<DeadList>(ask("dead.list", "p1")?.body(&DeadListRequest::default())?).await;
    assert_eq!(refused.unwrap_err().status, 403);
    let nobody = gateway.bus.call::<DeadList>(Call::new("escalation", "dead.list").body(&DeadListRequest::default())?).await;
    assert_eq!(nobody.unwrap_err().status, 401);
    let list: DeadList = gateway.bus.call(ask("dead.list", "administrator")?.body(&DeadListRequest::default())?).await?;
    assert_eq!((list.letters[0].reason.as_str(), list.letters[0].reason_zh.as_str()), ("poison", "无法处理：poison"));
    let which = DeadRequest { letter: list.letters[0].letter };
    let detail: DeadDetail = gateway.bus.call(ask("dead.show", "administrator")?.body(&which)?).await?;
    assert_eq!(detail.body["word"], "word 57");

    handler.refuses.store(false, Ordering::SeqCst);
    let replayed: DeadLetter = gateway.bus.call(ask("dead.replay", "administrator")?.body(&which)?).await?;
    assert_eq!(replayed.replayed_by.as_deref(), Some("person/administrator"));
    until(pool, EFFECTS, 100, SOON).await?;
    assert_eq!(number(pool, "select count(*) from inbox").await?, 100);
    assert_eq!(number(pool, "select count(*) from dead_letter_act").await?, 2);

    // Replayed again, it is known and does nothing.
    let _: DeadLetter = gateway.bus.call(ask("dead.replay", "administrator")?.body(&which)?).await?;
    until(pool, "select count(*) from set_aside", 0, SOON).await?;
    assert_eq!(number(pool, EFFECTS).await?, 100);

    // After ninety days it is erased, one of eighty-nine days is not; who opened and replayed it stays known. A copy looks first when it starts.
    let younger = "insert into dead_letter (id, event, stream, subject, sealed, attempts, reason, first_at, died_at)
        select gen_random_uuid(), event, stream, subject, sealed, attempts, 'younger', first_at, clock_timestamp() - interval '89 days'
        from dead_letter";
    sqlx::query(younger).execute(pool).await?;
    sqlx::query("update dead_letter set died_at = clock_timestamp() - interval '91 days' where reason = 'poison'").execute(pool).await?;
    let _second = world.service("escalation").await?;
    until(pool, "select count(*) from dead_letter where reason = 'poison'", 0, SOON).await?;
    assert_eq!(number(pool, "select count(*) from dead_letter where reason = 'younger'").await?, 1);
    assert_eq!(number(pool, "select count(*) from dead_letter_act where by = 'person/administrator' and at is not null").await?, 3);
    let gone = gateway.bus.call::<DeadDetail>(ask("dead.show", "administrator")?.body(&which)?).await;
    assert_eq!(gone.unwrap_err().status, 404);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_event_at_all_is_a_dead_letter_at_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE));
    until(intake.db.pool(), "select count(*) from publication", 1, SOON).await?;
    intake.bus.jetstream.publish("duban.intake.v1.case.registered", "\u{0}not an event".into()).await?.await?;
    tell(&intake, &words(&intake, 0..10)).await?;
    until(escalation.db.pool(), EFFECTS, 10, SOON).await?;
    until(
        escalation.db.pool(),
        "select count(*) from dead_letter where reason = 'no headers' and reason_zh = '不是事件消息：缺少消息头'",
        1,
        SOON,
    )
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_administrators_claim_dead_letters_are_the_operators_by_his_own_subjects_alone() -> anyhow::Result<()> {
    let world = World::new().await?;
    let escalation = world.service("escalation").await?;
    escalation.serve_dead_letters(&escalation.rpc().await?, |claim| claim.person() == Some("administrator")).await?;
    known_to_the_broker(&escalation).await?;
    let list = DeadListRequest::default();
    let operator = world.ground.connect_nats("operator").await?;
    let seen: DeadList = Call::new("escalation", "dead.list").body(&list)?.operator("root").send(&operator).await?;
    assert_eq!(seen.total, 0);

    // The gateway is let through to the others, where the name alone counts for nothing.
    let gateway = world.ground.connect_nats("gateway").await?;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("duban-operator", "root");
    let answer = gateway.request_with_headers("duban.escalation.rpc.v1.dead.list", headers, "{}".into()).await?;
    let problem: duban_contracts::Problem = serde_json::from_slice(&answer.payload)?;
    assert_eq!(problem.status, 401);
    let call = Call::new("escalation", "dead.list").body(&list)?.operator("root").timeout(Duration::from_secs(5));
    assert_eq!(call.send::<DeadList>(&gateway).await.unwrap_err().status, 503);

    // A link of the administrator's is for its alert.
    let asker = duban_contracts::claim::Asker::Link {
        link: uuid::Uuid::now_v7(),
        person: "administrator".into(),
        act: "acknowledge".into(),
        on: uuid::Uuid::now_v7(),
    };
    let by_link = Call::new("escalation", "dead.list").claim(&world.claim_of(asker)?).body(&list)?;
    assert_eq!(by_link.send::<DeadList>(&gateway).await.unwrap_err().status, 403);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letters_reason_holds_nothing_of_the_message() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    escalation.consume(Consume::new(WriteDown::default()).stream(stream::INTAKE).attempts(1));
    let body = serde_json::json!({ "word": { "name": "王女士" } });
    let event = duban_contracts::NewEvent::new("intake", "case.registered", "case/1", 1, intake.clock.next(), &body);
    let wrong = duban_contracts::NewEvent { body: br#"{"word": 7}"#.to_vec(), id: uuid::Uuid::now_v7(), ..event.clone() };
    let quoted = duban_contracts::NewEvent { body: "\"王女士\"".as_bytes().to_vec(), id: uuid::Uuid::now_v7(), ..event };
    tell(&intake, &[wrong, quoted]).await?;
    until(escalation.db.pool(), "select count(*) from dead_letter", 2, SOON).await?;
    assert_eq!(number(escalation.db.pool(), "select count(*) from dead_letter where reason || reason_zh like '%王%'").await?, 0);
    assert_eq!(number(escalation.db.pool(), "select count(*) from dead_letter where reason like '%invalid type%'").await?, 2);
    let in_chinese = "select count(*) from dead_letter where reason_zh like '消息内容与约定的格式不符：invalid type%'";
    assert_eq!(number(escalation.db.pool(), in_chinese).await?, 2);
    Ok(())
}
