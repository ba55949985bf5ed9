//! Reports whose registration fails for a reason of its own: rejected under their own key, and never handled twice whatever becomes of them.

use crate::world::{World, complaint, eventually, with};
use duban_contracts::case::RejectedAct;
use duban_contracts::claim::Asker;
use duban_contracts::dead::{DeadLetter, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::report::{
    PublicStatus, RejectedActed, RejectedDetail, RejectedList, RejectedListRequest, ReportEvent, Results, ResultsRequest, TrackRequest,
};
use duban_contracts::{Problem, ids};
use duban_platform::rpc::Call;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor};
use uuid::Uuid;

const REASON: &str = "select count(*) from rejected where reason = 'unprocessable'";

/// No row of this table can be written any longer, and it is nobody's trouble but the row's.
async fn fails(world: &World, table: &str) -> anyhow::Result<()> {
    let statement = format!(
        "create function intake.no_{table}() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
         create trigger no_{table} before insert on intake.{table} for each row execute function intake.no_{table}()"
    );
    world.database().await?.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

async fn works_again(world: &World, table: &str) -> anyhow::Result<()> {
    world.database().await?.execute(AssertSqlSafe(format!("drop trigger no_{table} on intake.{table}"))).await?;
    Ok(())
}

/// Waits for the dead letters, without the pauses between two attempts.
async fn buried(world: &World, letters: i64, attempts: i64) -> anyhow::Result<()> {
    let pool = world.platform().db.pool();
    eventually("the dead letters", || async {
        sqlx::query("update set_aside set next_at = clock_timestamp()").execute(pool).await.ok()?;
        let found: (i64, i64) =
            sqlx::query_as("select count(*), coalesce(sum(attempts), 0) from dead_letter").fetch_one(pool).await.ok()?;
        (found == (letters, attempts)).then_some(())
    })
    .await
}

/// Replays all dead letters and waits until they are handled.
async fn replay(world: &World) -> anyhow::Result<()> {
    let letters: DeadList = world.ask("dora", "dead.list", &DeadListRequest::default()).await?;
    for letter in &letters.letters {
        let _: DeadLetter = world.ask("dora", "dead.replay", &DeadRequest { letter: letter.letter }).await?;
    }
    world.counts("select count(*) from set_aside", 0).await?;
    world.counts("select count(*) from dead_letter where id not in (select id from inbox)", 0).await
}

async fn tracked(world: &World, receipt: Uuid) -> anyhow::Result<String> {
    let request = TrackRequest { code: None, receipt: Some(receipt) };
    Ok(Call::new("intake", "report.track").body(&request)?.send::<PublicStatus>(&world.gateway).await?.state)
}

async fn only(world: &World, state: &str) -> anyhow::Result<RejectedDetail> {
    let request = RejectedListRequest { state: Some(state.to_owned()), ..Default::default() };
    let mut found: RejectedList = world.ask("dora", "report.rejected.list", &request).await?;
    anyhow::ensure!(found.rejected.len() == 1, "{} are {state}", found.rejected.len());
    Ok(found.rejected.remove(0))
}

async fn decide(world: &World, act: RejectedAct) -> Result<RejectedActed, Problem> {
    let name = if matches!(act, RejectedAct::Admit { .. }) { "report.rejected.admit" } else { "report.rejected.dismiss" };
    Call::new("intake", name).body(&act)?.claim(&world.claim("dora")).request_id(ids::fresh()).send(&world.gateway).await
}

#[tokio::test]
async fn it_is_rejected_and_told_and_admitted_corrected_under_its_own_key_and_a_replay_does_nothing_more() -> anyhow::Result<()> {
    let world = World::new().await?;
    fails(&world, "cases").await?;
    let receipt = world.report("k1", complaint()).await?;
    buried(&world, 1, 5).await?;
    // Its duty opens by this event.
    let told: Vec<ReportEvent> = world.told_of("report.rejected", 1).await?;
    assert_eq!((told[0].receipt, told[0].reason.as_str(), told[0].unit.as_str()), (receipt, "unprocessable", "EAST"));
    let hotline = world.claim_of(Asker::Producer { producer: "hotline".into() });
    let results: Results =
        Call::new("intake", "report.results").body(&ResultsRequest::default())?.claim(&hotline).send(&world.gateway).await?;
    let own = &results.results[0];
    assert_eq!((own.idempotency_key.as_str(), own.problem.code.as_str(), own.state.as_str()), ("k1", "unprocessable", "open"));
    assert_eq!(tracked(&world, receipt).await?, "rejected");
    assert!(!world.lies_open("rejected", "吹风机").await?);

    // Sent again, and failing again, it is rejected once.
    world.report("k1", complaint()).await?;
    buried(&world, 1, 10).await?;
    assert_eq!(world.count(REASON).await?, 1);

    works_again(&world, "cases").await?;
    let rejected = only(&world, "open").await?;
    assert_eq!(rejected.rejected, told[0].rejected);
    let mut corrected = rejected.report.expect("she may read it");
    corrected.unit = Some("WEST".to_owned());
    let admit = RejectedAct::Admit { rejected: rejected.rejected, corrected: Some(Box::new(corrected)), reason: "补录".into() };
    let admitted = decide(&world, admit).await?;
    assert_eq!(admitted.receipt, Some(receipt), "whoever has its receipt finds the case");
    assert_eq!(world.case_of(receipt).await?, admitted.case.expect("a case"));
    assert_eq!(tracked(&world, receipt).await?, "registered");

    replay(&world).await?;
    // Nor does sending it again.
    world.report("k1", complaint()).await?;
    world.worked_off().await?;
    assert_eq!((world.count("select count(*) from cases").await?, world.count("select count(*) from rejected").await?), (1, 1));
    let told: Vec<ReportEvent> = world.told_of("report.admitted", 1).await?;
    assert_eq!((told.len(), told[0].case), (1, admitted.case));
    Ok(())
}

#[tokio::test]
async fn replayed_with_success_it_is_admitted_by_nobody_and_what_was_dismissed_stays_so() -> anyhow::Result<()> {
    let world = World::new().await?;
    fails(&world, "cases").await?;
    let dismissed = world.report("k0", with(complaint(), json!({ "text": "测试" }))).await?;
    buried(&world, 1, 5).await?;
    let rejected = only(&world, "open").await?.rejected;
    decide(&world, RejectedAct::Dismiss { rejected, reason: "测试件".into() }).await?;
    let receipt = world.report("k1", complaint()).await?;
    buried(&world, 2, 10).await?;
    let rejected = only(&world, "open").await?.rejected;
    // What follows it waits until it has a case.
    let follower = world.report("k2", json!({ "channel": "web", "unit": "EAST", "text": "补充", "follows": "k1" })).await?;
    world.counts("select count(*) from waiting", 1).await?;

    works_again(&world, "cases").await?;
    replay(&world).await?;
    let case = world.case_of(receipt).await?;
    assert_eq!(world.case_of(follower).await?, case);
    let settled = only(&world, "admitted").await?;
    assert_eq!((settled.rejected, settled.case, settled.decided_by), (rejected, Some(case), None));
    let told: Vec<ReportEvent> = world.told_of("report.admitted", 1).await?;
    assert_eq!((told[0].rejected, told[0].case), (rejected, Some(case)));
    let again = decide(&world, RejectedAct::Admit { rejected, corrected: None, reason: "补录".into() }).await.expect_err("it is");
    assert_eq!(again.code, "decided-already");
    assert_eq!(world.count("select count(*) from cases").await?, 1);
    assert_eq!((tracked(&world, receipt).await?.as_str(), tracked(&world, dismissed).await?.as_str()), ("registered", "rejected"));
    Ok(())
}

#[tokio::test]
async fn another_body_under_the_key_of_one_that_could_not_be_registered_is_another_report() -> anyhow::Result<()> {
    let world = World::new().await?;
    fails(&world, "cases").await?;
    let receipt = world.report("k1", complaint()).await?;
    buried(&world, 1, 5).await?;
    works_again(&world, "cases").await?;
    world.report("k1", with(complaint(), json!({ "text": "另一件事" }))).await?;
    let told: Vec<ReportEvent> = world.told_of("report.rejected", 2).await?;
    let reasons: Vec<_> = told.iter().map(|told| (told.receipt, told.reason.as_str())).collect();
    assert_eq!(reasons, [(receipt, "unprocessable"), (receipt, "idempotency-conflict")]);
    assert_eq!(world.count("select count(*) from cases").await?, 0);
    Ok(())
}

#[tokio::test]
async fn where_not_even_a_rejection_can_be_kept_the_dead_letter_is_and_can_be_replayed() -> anyhow::Result<()> {
    let world = World::new().await?;
    for table in ["cases", "rejected"] {
        fails(&world, table).await?;
    }
    let receipt = world.report("k1", complaint()).await?;
    buried(&world, 1, 5).await?;
    assert_eq!(world.count("select count(*) from identity").await?, 0, "nothing by halves");
    for table in ["cases", "rejected"] {
        works_again(&world, table).await?;
    }
    replay(&world).await?;
    world.case_of(receipt).await?;
    assert_eq!(world.count("select count(*) from rejected").await?, 0);
    Ok(())
}
