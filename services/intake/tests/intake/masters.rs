//! A master case (主案) that stands for many reports of one incident: each stays a case of its own, and all are answered and closed with it.

use crate::world::{World, complaint, with};
use duban_contracts::case::{CARRIED, CaseAct, CaseActed, CaseListRequest};
use duban_contracts::report::{PublicStatus, TrackRequest};
use duban_contracts::{Problem, ids};
use duban_platform::rpc::Call;
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

/// Reports of one incident, each by another customer.
async fn reported(world: &World, prefix: &str, count: usize, more: Value) -> anyhow::Result<Vec<Uuid>> {
    let mut receipts = Vec::new();
    for n in 0..count {
        let body = json!({ "subject": "停电", "reporter": { "name": "顾客", "phone": format!("137{:08}", n + prefix.len() * 1_000) } });
        receipts.push(world.report(&format!("{prefix}{n}"), with(with(complaint(), body), more.clone())).await?);
    }
    let mut cases = Vec::new();
    for receipt in receipts {
        cases.push(world.case_of(receipt).await?);
    }
    Ok(cases)
}

fn attach(cases: &[Uuid]) -> CaseAct {
    CaseAct::Attach { cases: cases.to_vec(), numbers: Vec::new(), reason: "同一次停电".into() }
}

fn detach() -> CaseAct {
    CaseAct::Detach { reason: "另有原因".into() }
}

fn code(refused: Result<CaseActed, Problem>) -> (u16, String) {
    refused.map_or_else(|problem| (problem.status, problem.code), |acted| (200, acted.stage))
}

async fn names(world: &World, case: Uuid, how_many: usize) -> anyhow::Result<Vec<String>> {
    Ok(world.told(case, how_many).await?.into_iter().map(|(name, _)| name).collect())
}

async fn tracked(world: &World, case: Uuid) -> anyhow::Result<PublicStatus> {
    let receipt: Uuid =
        sqlx::query_scalar("select receipt from intake.cases where id = $1").bind(case).fetch_one(&mut world.database().await?).await?;
    let request = TrackRequest { code: None, receipt: Some(receipt) };
    Ok(Call::new("intake", "report.track").body(&request)?.send(&world.gateway).await?)
}

#[tokio::test]
async fn reports_of_one_incident_are_answered_and_closed_with_their_master_each_as_its_own() -> anyhow::Result<()> {
    let world = World::new().await?;
    let cases = reported(&world, "k", 4, json!({})).await?;
    let (master, first, second, third) = (cases[0], cases[1], cases[2], cases[3]);
    world.act("eva", master, attach(&[first])).await?;
    let number = world.show("eva", second).await?.summary.number;
    let by_number = CaseAct::Attach { cases: Vec::new(), numbers: vec![format!(" {number} ")], reason: "同一次停电".into() };
    world.act("eva", master, by_number).await?;

    let shown = world.show("eva", master).await?;
    assert_eq!((shown.summary.carries, shown.summary.carried_by), (2, None));
    let mut attached: Vec<Uuid> = shown.links.iter().filter(|link| link.sort == "carries").map(|link| link.other).collect();
    attached.sort_unstable();
    assert_eq!(attached, [first, second]);
    let own = world.show("eva", first).await?;
    assert_eq!((own.summary.carried_by, own.steps.len()), (Some(master), 0), "nobody moves it by itself");
    assert!(own.links.iter().any(|link| link.sort == "carried_by" && link.number == shown.summary.number));
    assert_eq!(code(world.step("eva", first, "accept", json!({})).await), (409, "carried".into()));
    assert_eq!(code(world.act("eva", first, CaseAct::Merge { into: third, reason: "x".into() }).await), (409, "carried".into()));
    assert_eq!(code(world.act("eva", master, CaseAct::Merge { into: third, reason: "x".into() }).await), (409, "carries".into()));
    let of_state = |state: &str| CaseListRequest { state: Some(state.into()), ..Default::default() };
    assert_eq!(world.list("eva", of_state("master")).await?.cases.iter().map(|case| case.case).collect::<Vec<_>>(), [master]);
    assert_eq!(world.list("eva", of_state("attached")).await?.total, 2);

    world.step("eva", master, "accept", json!({})).await?;
    let status = tracked(&world, first).await?.case.expect("registered");
    assert_eq!((status.stage_zh.as_str(), status.with_others, status.answered_at), ("受理", true, None), "where the incident stands");
    world.act("eva", master, CaseAct::Answer { text: "变压器已更换".into(), by: "phone".into() }).await?;
    let entry = world.show("eva", first).await?.timeline.pop().expect("an entry");
    assert_eq!((entry.event.as_str(), entry.note.as_deref()), ("case.answered", Some("变压器已更换")));
    assert_eq!(entry.text_zh, format!("随主案{}：已答复投诉人（phone）", shown.summary.number));
    assert!(tracked(&world, second).await?.case.is_some_and(|case| case.answered_at.is_some()));

    // A report that comes while it is open.
    world.act("eva", master, attach(&[third])).await?;
    world.step("eva", master, "settle", json!({ "result": "已恢复供电" })).await?;
    for (case, events) in [(first, 4), (second, 4), (third, 3)] {
        let told = world.told(case, events).await?;
        let (name, event) = told.last().expect("events");
        assert_eq!((name.as_str(), event.outcome.as_deref(), event.carried_by), ("case.closed", Some("settled"), Some(master)));
        assert_eq!(event.other, Some(master));
        assert_eq!(tracked(&world, case).await?.state, "closed");
    }
    assert_eq!(names(&world, first, 4).await?, ["case.registered", "case.attached", "case.answered", "case.closed"]);
    // The incident is over for them, also when the master is taken up again; whoever reports again is looked at again.
    world.step("eva", master, "reopen", json!({})).await?;
    assert!(world.show("eva", first).await?.summary.closed);
    let again = json!({ "channel": "phone", "unit": "EAST", "text": "又停电了", "follows": "k1" });
    let again = world.case_of(world.report("k1-again", again).await?).await?;
    assert_ne!(again, first, "a case of its own");
    Ok(())
}

#[tokio::test]
async fn what_is_detached_stands_for_itself_and_says_what_had_happened_to_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let cases = reported(&world, "k", 3, json!({})).await?;
    let (master, first, second) = (cases[0], cases[1], cases[2]);
    world.step("eva", first, "accept", json!({})).await?;
    world.act("eva", master, attach(&[first, second])).await?;
    world.act("eva", master, CaseAct::Answer { text: "已派人".into(), by: "phone".into() }).await?;
    world.act("eva", first, detach()).await?;
    let told = world.told(first, 5).await?;
    let (name, event) = told.last().expect("events");
    assert_eq!((name.as_str(), event.carried_by, event.stage.as_str()), ("case.detached", None, "accepted"));
    assert_eq!(event.happened, ["registered", "accepted"], "not what was done for it by its master");
    assert_eq!(world.show("eva", master).await?.summary.carries, 1);
    assert_eq!(code(world.act("eva", first, detach()).await), (409, "not-attached".into()));
    world.step("eva", first, "settle", json!({ "result": "单独处理" })).await?;

    // Of what was closed with its master, that it is open again: it was no part of that.
    world.step("eva", master, "accept", json!({})).await?;
    world.step("eva", master, "settle", json!({ "result": "已恢复供电" })).await?;
    world.act("eva", second, detach()).await?;
    let summary = world.show("eva", second).await?.summary;
    assert_eq!((summary.closed, summary.stage.as_str(), summary.carried_by), (false, "registered", None));
    world.step("eva", second, "accept", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn who_may_not_move_one_of_them_or_is_complained_about_in_it_attaches_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let east = reported(&world, "k", 2, json!({})).await?;
    let west = reported(&world, "west", 1, json!({ "unit": "WEST" })).await?[0];
    let about = reported(&world, "about-her", 1, json!({ "fields": { "about_person": "易华" } })).await?[0];
    let refused = world.act("eva", east[0], attach(&[east[1], west, about])).await.expect_err("two of three are not hers");
    let wrong: Vec<&str> = refused.errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!((refused.status, wrong), (422, vec!["/cases/1", "/cases/2"]));
    assert!(refused.errors.iter().all(|error| error.wrong.starts_with("there is no such case")), "which of them is there is not said");
    // To see one is not enough to end what it owes.
    world.act("will", west, CaseAct::AddPerson { person: "eva".into(), reason: "同一次停电".into() }).await?;
    let refused = world.act("eva", east[0], attach(&[west])).await.expect_err("she may look at it");
    assert!(refused.errors[0].wrong_zh.contains("无权"), "{refused:?}");
    assert_eq!(world.show("eva", east[1]).await?.summary.carried_by, None, "all or none");

    // Whoever may move all of them may; she is kept out of that one and no other, and it goes with the rest all the same.
    world.act("dora", east[0], attach(&[east[1], west, about])).await?;
    assert_eq!(world.show("eva", about).await.expect_err("it is about her").status, 404);
    assert_eq!(world.show("eva", east[0]).await?.links.iter().filter(|link| link.sort == "carries").count(), 2, "of three");
    world.step("eva", east[0], "accept", json!({})).await?;
    world.step("eva", east[0], "settle", json!({ "result": "已恢复供电" })).await?;
    assert!(world.show("dora", about).await?.summary.closed && world.show("will", west).await?.summary.closed);
    Ok(())
}

#[tokio::test]
async fn nothing_is_attached_that_cannot_be_and_nothing_twice() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let cases = reported(&world, "k", 4, json!({})).await?;
    let (master, other, first, second) = (cases[0], cases[1], cases[2], cases[3]);
    world.act("eva", master, attach(&[first])).await?;
    let both = |problem: Problem| format!("{} / {}", problem.errors[0].wrong, problem.errors[0].wrong_zh);
    let wrong = |refused: Result<CaseActed, Problem>| refused.map(|_| String::new()).unwrap_or_else(both);
    assert!(wrong(world.act("eva", master, attach(&[first])).await).contains("attached already"));
    assert!(wrong(world.act("eva", other, attach(&[first])).await).contains("another master"));
    assert!(wrong(world.act("eva", other, attach(&[master])).await).contains("本身为主案"));
    assert!(wrong(world.act("eva", other, attach(&[other])).await).contains("主案本身"));
    assert!(wrong(world.act("eva", other, attach(&[])).await).contains("0 cases"));
    assert!(wrong(world.act("eva", other, attach(&vec![second; 201])).await).contains("201 cases"));
    assert_eq!(code(world.act("eva", first, attach(&[second])).await), (409, "carried".into()));
    let blank = CaseAct::Attach { cases: vec![second], numbers: Vec::new(), reason: " ".into() };
    assert!(wrong(world.act("eva", master, blank).await).starts_with("it is empty"));
    let unknown = CaseAct::Attach { cases: vec![second], numbers: vec!["TS-0".into()], reason: "x".into() };
    assert_eq!(world.act("eva", master, unknown).await.expect_err("no such number").errors[0].field, "/numbers/0");

    // The same request again, and two at the same time.
    let version = world.show("eva", master).await?.summary.version;
    let (request, act) = (ids::fresh(), attach(&[second]));
    let send = |request| world.act_as("eva", master, act.clone(), request, version);
    let (a, b, c) = tokio::join!(send(request), send(request), send(ids::fresh()));
    let done: Vec<CaseActed> = [a, b, c].into_iter().filter_map(Result::ok).collect();
    assert!(!done.is_empty() && done.iter().all(|acted| acted.version == version + 1), "{done:?}");
    assert_eq!(world.show("eva", master).await?.summary.carries, 2);
    assert_eq!(names(&world, second, 2).await?, ["case.registered", "case.attached"]);
    // A case of another kind has the outcome of what was carried.
    let inquiry = world.case_of(world.report("q", with(complaint(), json!({ "kind": "inquiry" }))).await?).await?;
    world.act("eva", master, attach(&[inquiry])).await?;
    world.step("eva", master, "accept", json!({})).await?;
    world.step("eva", master, "settle", json!({ "result": "已恢复" })).await?;
    assert_eq!(world.told(inquiry, 3).await?.pop().and_then(|(_, event)| event.outcome).as_deref(), Some(CARRIED));
    Ok(())
}

/// Attaching, detaching, answering and closing at the same time, from two copies: whoever is attached when the master is closed is closed with it,
/// the master's count is right, and nothing waits for ever.
#[tokio::test]
async fn a_close_leaves_nobody_behind_who_was_attached_at_the_same_time() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let cases = reported(&world, "k", 9, json!({})).await?;
    let master = cases[0];
    world.act("eva", master, attach(&cases[1..4])).await?;
    world.step("eva", master, "accept", json!({})).await?;
    let world = &world;
    let attaching = cases[4..].iter().map(|case| async move {
        for _ in 0..8 {
            let _ = world.act("eva", master, attach(&[*case])).await;
        }
    });
    let detaching = cases[1..3].iter().map(|case| async move {
        let _ = world.act("eva", *case, detach()).await;
    });
    let closing = async {
        for _ in 0..20 {
            if world.step("eva", master, "settle", json!({ "result": "已恢复供电" })).await.is_ok() {
                return true;
            }
        }
        false
    };
    let (_, _, _) = tokio::join!(futures::future::join_all(attaching), futures::future::join_all(detaching), closing);
    if !world.show("eva", master).await?.summary.closed {
        world.step("eva", master, "settle", json!({ "result": "已恢复供电" })).await?;
    }
    let mut database = world.database().await?;
    let (carried, open): (i64, i64) =
        sqlx::query_as("select count(*), count(*) filter (where not closed) from intake.cases where carried_by = $1")
            .bind(master)
            .fetch_one(&mut database)
            .await?;
    assert_eq!((open, world.show("eva", master).await?.summary.carries), (0, carried));
    Ok(())
}

/// Counts the statements that write to intake's tables.
async fn counting(world: &World) -> anyhow::Result<()> {
    let mut database = world.database().await?;
    database
        .execute(
            "create table public.written (at timestamptz default now());
             create function public.count_written() returns trigger language plpgsql security definer as
                 $$ begin insert into public.written default values; return null; end $$;
             create trigger counted after insert or update on intake.cases for each statement execute function public.count_written();
             create trigger counted after insert or update on intake.timeline for each statement execute function public.count_written();
             create trigger counted after insert or update on intake.involvement for each statement execute function public.count_written();
             create trigger counted after insert on intake.outbox for each statement execute function public.count_written();",
        )
        .await?;
    Ok(())
}

async fn written(world: &World) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("with gone as (delete from public.written returning 1) select count(*) from gone")
        .fetch_one(&mut world.database().await?)
        .await?)
}

#[tokio::test]
async fn two_hundred_are_attached_answered_and_closed_by_as_many_statements_as_two() -> anyhow::Result<()> {
    let world = World::new().await?;
    let few = reported(&world, "few", 3, json!({})).await?;
    let many = reported(&world, "a-power-cut", 201, json!({})).await?;
    counting(&world).await?;
    let mut counts = Vec::new();
    for cases in [&few, &many] {
        let (master, rest) = (cases[0], &cases[1..]);
        world.act("eva", master, attach(rest)).await?;
        let attached = written(&world).await?;
        world.act("eva", master, CaseAct::Answer { text: "已恢复供电".into(), by: "phone".into() }).await?;
        let answered = written(&world).await?;
        world.step("eva", master, "accept", json!({})).await?;
        written(&world).await?;
        world.step("eva", master, "settle", json!({ "result": "已恢复供电" })).await?;
        counts.push((attached, answered, written(&world).await?));
        let mut database = world.database().await?;
        let (closed, answers): (i64, i64) = sqlx::query_as(
            "select (select count(*) from intake.cases where carried_by = $1 and closed),
                    (select count(*) from intake.timeline t join intake.cases c on c.id = t.case_id
                     where c.carried_by = $1 and t.event = 'case.answered')",
        )
        .bind(master)
        .fetch_one(&mut database)
        .await?;
        assert_eq!((closed as usize, answers as usize), (rest.len(), rest.len()));
        let closes: i64 = sqlx::query_scalar(
            "select count(distinct case_id) from intake.outbox where subject = 'duban.intake.v1.case.closed' and case_id in
             (select id from intake.cases where carried_by = $1)",
        )
        .bind(master)
        .fetch_one(&mut database)
        .await?;
        assert_eq!(closes as usize, rest.len(), "each tells of its own close");
    }
    assert_eq!(counts[0], counts[1], "attaching, answering, closing");
    assert!(counts[0].0 > 0 && counts[0].2 > 0, "{counts:?}");
    Ok(())
}
