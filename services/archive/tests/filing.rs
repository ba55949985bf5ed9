//! What is closed is filed: once, in time, provably.

mod world;

use anyhow::Result;
use duban_archive::ledger::{self, Entry};
use duban_contracts::record::{
    LedgerList, LedgerListRequest, RecordContent, RecordContentRequest, RecordDetail, RecordEvent, RecordList, RecordListRequest,
    RecordShowRequest,
};
use duban_contracts::{duty, ids};
use sha2::{Digest, Sha256};
use std::sync::atomic::Ordering;
use world::{LAST_WORD, LIMIT, TEXT, UNIT, World, case};

fn record(event: &duban_local::neighbours::HeardEvent) -> RecordEvent {
    serde_json::from_value(event.body.clone()).unwrap()
}

#[tokio::test]
async fn a_closed_case_is_filed_once_though_the_event_comes_twice() -> Result<()> {
    let mut world = World::start().await?;
    let closing = ids::fresh();
    world.case("closed", &case(1, 5), closing, "2026-03-05T02:00:00Z").await?;
    world.case("closed", &case(1, 5), closing, "2026-03-05T02:00:00Z").await?;
    let filed = record(&world.heard.wait_for("record.filed", 1, LIMIT).await?[0]);
    // Another case, closed after: by its filing the first was not filed again.
    world.case("closed", &case(2, 5), ids::fresh(), "2026-03-06T02:00:00Z").await?;
    let next = record(&world.heard.wait_for("record.filed", 2, LIMIT).await?[1]);
    world.nothing_waits().await?;
    let list: RecordList = world.ask("manager", "record.list", &RecordListRequest::default()).await??;
    assert_eq!(list.total, 2);
    assert!(filed.index_number.starts_with(&format!("DA-{UNIT}-")) && filed.index_number.ends_with("-00001"), "{}", filed.index_number);
    assert!(next.index_number.ends_with("-00002"));
    assert_eq!((filed.edition, filed.number.as_str()), (1, "TS-1"));
    Ok(())
}

#[tokio::test]
async fn an_owner_that_is_not_ready_is_asked_again_and_a_kill_forgets_nothing() -> Result<()> {
    let mut world = World::start().await?;
    world.not_yet.store(usize::MAX, Ordering::SeqCst);
    world.case("closed", &case(1, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    let deadline = tokio::time::Instant::now() + LIMIT;
    while world.asked.load(Ordering::SeqCst) < 3 {
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "intake was not asked again");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.kill9().await;
    world.not_yet.store(1, Ordering::SeqCst);
    world.start_service()?;
    world.heard.wait_for("record.filed", 1, LIMIT).await?;
    Ok(())
}

#[tokio::test]
async fn a_case_that_is_closed_again_gets_another_edition() -> Result<()> {
    let mut world = World::start().await?;
    world.case("closed", &case(1, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    world.case("reopened", &case(1, 6), ids::fresh(), "2026-03-06T02:00:00Z").await?;
    world.case("closed", &case(1, 9), ids::fresh(), "2026-03-07T02:00:00Z").await?;
    let mut filed: Vec<RecordEvent> = world.heard.wait_for("record.filed", 2, LIMIT).await?.iter().map(record).collect();
    // Told in whichever order.
    filed.sort_by_key(|record| record.edition);
    assert_eq!(filed.iter().map(|record| record.edition).collect::<Vec<_>>(), [1, 2]);
    let ask = duty::TimelineRequest { case: filed[0].case.unwrap(), after: None };
    let timeline: duty::Timeline = world.ask("manager", "case.timeline", &ask).await??;
    assert_eq!(timeline.entries.len(), 2);
    assert!(timeline.entries[1].text_zh.contains("第2版"));
    Ok(())
}

#[tokio::test]
async fn what_outlives_the_close_does_not_hold_up_the_file_and_is_filed_when_it_has_ended() -> Result<()> {
    let mut world = World::start().await?;
    world.open_duties.store(1, Ordering::SeqCst);
    world.case("closed", &case(1, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    world.heard.wait_for("record.filed", 1, LIMIT).await?;
    // Nobody waits for a later edition of one that is closed anew.
    world.case("closed", &case(2, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    world.heard.wait_for("record.filed", 2, LIMIT).await?;
    world.case("reopened", &case(2, 6), ids::fresh(), "2026-03-06T02:00:00Z").await?;
    world.case("closed", &case(2, 7), ids::fresh(), "2026-03-07T02:00:00Z").await?;
    world.heard.wait_for("record.filed", 3, LIMIT).await?;
    world.kill9().await;
    world.open_duties.store(0, Ordering::SeqCst);
    world.start_service()?;
    let mut filed: Vec<_> = world.heard.wait_for("record.filed", 5, LIMIT).await?.iter().map(record).collect();
    filed.sort_by_key(|record| (record.number.clone(), record.edition));
    let editions: Vec<_> = filed.iter().map(|record| (record.number.as_str(), record.edition)).collect();
    assert_eq!(editions, [("TS-1", 1), ("TS-1", 2), ("TS-2", 1), ("TS-2", 2), ("TS-2", 3)]);
    // Nor is there a job that nobody needs any longer.
    world.nothing_waits().await
}

#[tokio::test]
async fn content_is_sealed_and_given_only_with_the_right_and_the_reading_is_in_the_ledger() -> Result<()> {
    let mut world = World::start().await?;
    world.case("closed", &case(1, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    let filed = record(&world.heard.wait_for("record.filed", 1, LIMIT).await?[0]);
    let ask = RecordContentRequest { record: filed.record, offset: 0 };
    let refused = |answer: Result<RecordContent, duban_contracts::Problem>| answer.unwrap_err().status;
    assert_eq!(refused(world.ask("stranger", "record.content", &ask).await?), 404);
    assert_eq!(refused(world.ask("manager", "record.content", &ask).await?), 403);
    let content: RecordContent = world.ask("custodian", "record.content", &ask).await??;
    assert!(content.text.contains(TEXT) && content.next.is_none());
    assert!(content.text.contains(&format!(r#""timeline":["登记","{LAST_WORD}"]"#)), "whole, though it came in pieces: {}", content.text);
    // What came in pages is one.
    assert!(content.text.contains(r#""duties":[1,2]"#), "{}", content.text);
    assert_eq!(ledger::hex(&Sha256::digest(content.text.as_bytes())), filed.content_hash);

    let shown: RecordDetail = world.ask("manager", "record.show", &RecordShowRequest { record: filed.record }).await??;
    let acts: Vec<_> = shown.ledger.iter().map(|entry| (entry.act.as_str(), entry.by.as_str())).collect();
    assert_eq!(acts, [("filed", ""), ("read", "custodian")]);

    let pool = world.database().await?;
    let stored: Vec<u8> = sqlx::query_scalar("select content from record").fetch_one(&pool).await?;
    assert!(!String::from_utf8_lossy(&stored).contains(TEXT));

    // Without its key nobody opens it any more.
    sqlx::query("delete from record_key").execute(&pool).await?;
    assert_eq!(refused(world.ask("custodian", "record.content", &ask).await?), 410);
    Ok(())
}

#[tokio::test]
async fn the_ledger_takes_no_change_and_its_chain_detects_one() -> Result<()> {
    let mut world = World::start().await?;
    for number in 1..=3 {
        world.case("closed", &case(number, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    }
    world.heard.wait_for("record.filed", 3, LIMIT).await?;
    let ask = LedgerListRequest::default();
    // It belongs to no unit: who administers one is not who administers all.
    for person in ["manager", "keeper"] {
        assert_eq!(world.ask::<LedgerList>(person, "ledger.list", &ask).await?.unwrap_err().status, 403, "{person}");
    }
    let read = async |world: &World| -> Result<(Vec<Entry>, i64)> {
        let list: LedgerList = world.ask("custodian", "ledger.list", &ask).await??;
        Ok((list.entries.iter().map(Entry::try_from).collect::<Result<_, _>>()?, list.length))
    };
    let (entries, length) = read(&world).await?;
    assert_eq!(length, 3);
    assert!(ledger::verify(&entries, 0, ledger::BEGINNING, Some(length)).is_ok());

    // The service's own role cannot change an entry.
    let pool = world.database().await?;
    for statement in ["update ledger set by = 'x'", "delete from ledger", "truncate ledger"] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&pool).await.is_err(), "{statement}");
    }
    // Whoever rules the database can, but not unnoticed.
    let superuser = sqlx::PgPool::connect(world.ground.superuser_url()).await?;
    sqlx::raw_sql("set session_replication_role = replica; update archive.ledger set by = 'x' where sequence = 2")
        .execute(&superuser)
        .await?;
    let (changed, length) = read(&world).await?;
    assert_eq!(ledger::verify(&changed, 0, ledger::BEGINNING, Some(length)), Err(ledger::Broken::Hash(2)));
    Ok(())
}

#[tokio::test]
async fn who_is_complained_about_sees_no_record_also_when_that_was_found_out_later() -> Result<()> {
    let mut world = World::start().await?;
    world.case("closed", &case(1, 5), ids::fresh(), "2026-03-05T02:00:00Z").await?;
    let filed = record(&world.heard.wait_for("record.filed", 1, LIMIT).await?[0]);
    let show = RecordShowRequest { record: filed.record };
    assert!(world.ask::<RecordDetail>("manager", "record.show", &show).await?.is_ok());
    let mut corrected = case(1, 6);
    corrected.excluded_people = vec!["manager".into()];
    world.case("corrected", &corrected, ids::fresh(), "2026-03-06T02:00:00Z").await?;
    let deadline = tokio::time::Instant::now() + LIMIT;
    while world.ask::<RecordDetail>("manager", "record.show", &show).await?.is_ok() {
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "the record is still seen");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let list: RecordList = world.ask("manager", "record.list", &RecordListRequest::default()).await??;
    assert_eq!(list.total, 0);
    Ok(())
}

#[tokio::test]
async fn a_unit_that_there_is_not_is_named_and_one_that_was_dissolved_keeps_its_records() -> Result<()> {
    let mut world = World::start().await?;
    let dissolved = duban_contracts::case::CaseEvent { unit: "BJ-4S-02".into(), ..case(1, 5) };
    world.case("closed", &dissolved, ids::fresh(), "2026-03-05T02:00:00Z").await?;
    world.heard.wait_for("record.filed", 1, LIMIT).await?;
    let of = |unit: &str| RecordListRequest { unit: Some(unit.to_owned()), ..RecordListRequest::default() };
    let refused = world.ask::<RecordList>("custodian", "record.list", &of("XX")).await?.expect_err("there is no such unit");
    let [fault] = refused.errors.as_slice() else { panic!("{refused}") };
    assert_eq!((refused.status, fault.field.as_str()), (422, "/unit"));
    assert_eq!((fault.wrong.as_str(), fault.wrong_zh.as_str()), ("there is no unit 'XX'", "没有单位“XX”"));
    assert_eq!((fault.expected.as_str(), fault.expected_zh.as_str()), ("the code of a unit of the directory", "请填写目录中的单位代码"));
    for (unit, count) in [("BJ-4S-02", 1), (UNIT, 0), (" ", 1)] {
        assert_eq!(world.ask::<RecordList>("custodian", "record.list", &of(unit)).await??.total, count, "{unit}");
    }
    Ok(())
}
