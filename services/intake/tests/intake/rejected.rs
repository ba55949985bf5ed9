//! Reports that were accepted and cannot be registered: kept, told, decided.

use crate::world::{World, complaint, with};
use duban_contracts::case::RejectedAct;
use duban_contracts::claim::Asker;
use duban_contracts::report::{
    RejectedActed, RejectedDetail, RejectedList, RejectedListRequest, Report, ReportEvent, Results, ResultsRequest,
};
use duban_contracts::{Problem, ids};
use duban_platform::rpc::Call;
use serde_json::json;
use uuid::Uuid;

const OTHER: &str = "另一件事";

/// A report, and another body under its key.
async fn conflict(world: &World) -> anyhow::Result<Uuid> {
    let first = world.report("k1", complaint()).await?;
    world.case_of(first).await?;
    world.report("k1", with(complaint(), json!({ "text": OTHER }))).await?;
    world.counts("select count(*) from rejected", 1).await?;
    Ok(first)
}

async fn listed(world: &World, person: &str, state: &str) -> Result<RejectedList, Problem> {
    world.ask(person, "report.rejected.list", &RejectedListRequest { state: Some(state.to_owned()), ..Default::default() }).await
}

/// One that is opened.
async fn alone(world: &World, person: &str, rejected: Uuid) -> anyhow::Result<RejectedDetail> {
    let asked = RejectedListRequest { rejected: Some(rejected), ..Default::default() };
    let mut found: RejectedList = world.ask(person, "report.rejected.list", &asked).await?;
    anyhow::ensure!(found.rejected.len() == 1, "{} are", found.rejected.len());
    Ok(found.rejected.remove(0))
}

async fn act(world: &World, person: &str, act: RejectedAct, request: Uuid) -> Result<RejectedActed, Problem> {
    let name = if matches!(act, RejectedAct::Admit { .. }) { "report.rejected.admit" } else { "report.rejected.dismiss" };
    Call::new("intake", name).body(&act)?.claim(&world.claim(person)).request_id(request).send(&world.gateway).await
}

#[tokio::test]
async fn another_body_under_a_known_key_is_kept_told_and_never_a_second_case() -> anyhow::Result<()> {
    let world = World::new().await?;
    let receipt = conflict(&world).await?;
    world.report("k1", with(complaint(), json!({ "text": OTHER }))).await?;
    world.report("k1", with(complaint(), json!({ "text": "第三件事" }))).await?;
    world.worked_off().await?;
    world.counts("select count(*) from rejected", 2).await?;
    assert_eq!(world.count("select count(*) from cases").await?, 1);
    let told: Vec<ReportEvent> = world.told_of("report.rejected", 2).await?;
    assert_eq!((told.len(), told[0].receipt, told[0].reason.as_str(), told[0].unit.as_str()), (2, receipt, "idempotency-conflict", "EAST"));
    for table in ["rejected", "outbox", "inbox"] {
        assert!(!world.lies_open(table, OTHER).await?, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn both_bodies_in_one_batch_are_one_case_and_one_rejection() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    for n in 0..20 {
        let key = format!("k{n}");
        let (one, other) = tokio::join!(world.report(&key, complaint()), world.report(&key, with(complaint(), json!({ "text": OTHER }))));
        one?;
        other?;
    }
    world.worked_off().await?;
    world.counts("select count(*) from cases", 20).await?;
    world.counts("select count(*) from rejected", 20).await
}

#[tokio::test]
async fn a_producer_learns_what_became_of_its_own_reports() -> anyhow::Result<()> {
    let world = World::new().await?;
    conflict(&world).await?;
    // As the gateway asks for HTTP. Over NATS only producers may publish there, whom the broker knows through the gateway alone: the
    // tests of the whole try it.
    let ask = |asker: Asker, after: Option<Uuid>| {
        let request = ResultsRequest { after, ..Default::default() };
        let call = Call::new("intake", "report.results").body(&request).map(|call| call.claim(&world.claim_of(asker)));
        async { call?.send::<Results>(&world.gateway).await }
    };
    let hotline = || Asker::Producer { producer: "hotline".into() };
    let own = ask(hotline(), None).await?;
    assert_eq!(own.results.len(), 1);
    assert_eq!((own.results[0].idempotency_key.as_str(), own.results[0].problem.code.as_str()), ("k1", "idempotency-conflict"));
    assert!(ask(Asker::Producer { producer: "web".into() }, None).await?.results.is_empty());
    assert_eq!(ask(Asker::Public, None).await.expect_err("nobody").status, 403);
    assert!(ask(hotline(), Some(own.results[0].rejected)).await?.results.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_rejected_report_is_corrected_and_admitted_under_an_identity_of_its_own() -> anyhow::Result<()> {
    let world = World::new().await?;
    let receipt = conflict(&world).await?;
    assert_eq!(listed(&world, "eva", "open").await.expect_err("no right").status, 403);
    let open = listed(&world, "dora", "open").await?;
    let rejected = &alone(&world, "dora", open.rejected[0].rejected).await?;
    let mut report: Report = rejected.report.clone().expect("she may read it");
    assert_eq!(report.text.as_deref(), Some(OTHER));
    report.unit = Some("WEST".to_owned());
    let admit = RejectedAct::Admit { rejected: rejected.rejected, corrected: Some(Box::new(report)), reason: "补录".into() };
    assert_eq!(act(&world, "eva", admit.clone(), ids::fresh()).await.expect_err("no right").status, 403);

    let request = ids::fresh();
    let (one, two) = tokio::join!(act(&world, "dora", admit.clone(), request), act(&world, "dora", admit.clone(), request));
    let (one, two) = (one?, two?);
    assert_eq!(one, two, "asked twice, done once");
    let case = one.case.expect("a case");
    let shown = world.show("dora", case).await?;
    assert_eq!((shown.summary.unit.as_str(), Some(shown.receipt)), ("WEST", one.receipt));
    assert_ne!(shown.receipt, receipt, "the key that it came with belongs to another report");
    assert_eq!(shown.timeline[0].by, "dora");
    assert_eq!(act(&world, "dora", admit, ids::fresh()).await.expect_err("decided").code, "decided-already");
    let told: Vec<ReportEvent> = world.told_of("report.admitted", 1).await?;
    assert_eq!((told[0].rejected, told[0].case), (rejected.rejected, Some(case)));
    assert!(listed(&world, "dora", "open").await?.rejected.is_empty());
    let hotline = world.claim_of(Asker::Producer { producer: "hotline".into() });
    let call = Call::new("intake", "report.results").body(&ResultsRequest::default())?.claim(&hotline);
    let results: Results = call.send(&world.gateway).await?;
    assert_eq!(results.results[0].state, "admitted");
    Ok(())
}

#[tokio::test]
async fn a_rejected_report_is_dismissed_with_a_reason_and_its_text_ages_out() -> anyhow::Result<()> {
    let world = World::new().await?;
    conflict(&world).await?;
    let rejected = listed(&world, "dora", "open").await?.rejected[0].rejected;
    let unreasoned = RejectedAct::Dismiss { rejected, reason: " ".into() };
    assert_eq!(act(&world, "dora", unreasoned, ids::fresh()).await.expect_err("why?").status, 422);
    let dismissed = act(&world, "dora", RejectedAct::Dismiss { rejected, reason: "重复测试".into() }, ids::fresh()).await?;
    assert_eq!(dismissed.state, "dismissed");
    let told: Vec<ReportEvent> = world.told_of("report.dismissed", 1).await?;
    assert_eq!((told[0].rejected, told[0].case), (rejected, None));
    assert!(!world.lies_open("rejected", "重复测试").await?, "why it was dismissed is personal text too");
    assert!(world.lies_open("rejected", "dora").await?, "who dismissed it is kept");

    let pool = world.platform().db.pool();
    let kept = std::time::Duration::from_secs(90 * 86_400);
    let now = world.platform().clock.now();
    assert_eq!(duban_intake::store::rejected::age_out(pool, now, kept).await?, 0);
    let later = now + jiff::SignedDuration::from_hours(91 * 24);
    assert_eq!(duban_intake::store::rejected::age_out(pool, later, kept).await?, 1);
    assert_eq!(listed(&world, "dora", "all").await?.rejected[0].report, None);
    Ok(())
}

#[tokio::test]
async fn one_rejected_report_is_asked_for_alone_whatever_became_of_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    conflict(&world).await?;
    world.report("k1", with(complaint(), json!({ "text": "第三件事" }))).await?;
    world.counts("select count(*) from rejected", 2).await?;
    let wanted = listed(&world, "dora", "open").await?.rejected[1].rejected;
    act(&world, "dora", RejectedAct::Dismiss { rejected: wanted, reason: "重复".into() }, ids::fresh()).await?;
    let found = alone(&world, "dora", wanted).await?;
    assert_eq!((found.rejected, found.state.as_str()), (wanted, "dismissed"));
    Ok(())
}

#[tokio::test]
async fn numbers_of_people_are_masked_in_the_list_of_rejected_reports_and_whole_where_one_is_opened() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", complaint()).await?).await?;
    let body = with(
        complaint(),
        json!({
            "subject": "请回电 13812342345", "text": "身份证11010119900307851X，2026-03-01购买", "follows": "call-13912342345",
            "attachments": [{ "name": "录音13712342345.wav", "reference": "/calls/13712342345" }],
            "fields": { "plate": "京A12345", "回电": 13612342345_u64, "amount": 1200, "其他": ["0571-88123456", { "手机": "135 1234 2345" }] },
        }),
    );
    world.report("k1", body).await?;
    world.counts("select count(*) from rejected", 1).await?;
    let listed = listed(&world, "dora", "open").await?.rejected.remove(0);
    let report = listed.report.as_ref().expect("she may see personal text");
    let text = serde_json::to_string(report)?;
    let personal = ["1234 2345", "12342345", "13812342345", "19900307851X", "88123456"];
    for whole in personal {
        assert!(!text.contains(whole), "{whole} in {text}");
    }
    assert_eq!(report.reporter.phone.as_deref(), Some("138****2345"));
    assert_eq!((report.subject.as_deref(), report.reporter.name.as_deref()), (Some("请回电 138****2345"), Some("周先生")));
    assert_eq!((&report.fields["回电"], &report.fields["amount"]), (&json!("136****2345"), &json!(1200)));
    assert!(text.contains("2026-03-01购买") && text.contains("京A12345"), "what is no number of a person is left: {text}");

    let opened = alone(&world, "dora", listed.rejected).await?.report.expect("she may see personal text");
    let text = serde_json::to_string(&opened)?;
    for whole in ["138 1234 2345", "13812342345", "11010119900307851X", "13912342345", "13612342345", "0571-88123456", "135 1234 2345"] {
        assert!(text.contains(whole), "{whole} is not in {text}");
    }
    Ok(())
}

#[tokio::test]
async fn who_is_complained_about_in_a_rejected_report_is_not_told_that_it_is_there() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", complaint()).await?).await?;
    for fields in [json!({ "被投诉人": "董丹" }), json!({ "about_unit": "GROUP" })] {
        world.report("k1", with(complaint(), json!({ "fields": fields }))).await?;
    }
    world.counts("select count(*) from rejected", 2).await?;
    assert!(listed(&world, "dora", "all").await?.rejected.is_empty());
    let all: Vec<Uuid> = sqlx::query_scalar("select id from rejected").fetch_all(world.platform().db.pool()).await?;
    for rejected in all {
        let admit = RejectedAct::Admit { rejected, corrected: None, reason: "看看".into() };
        assert_eq!(act(&world, "dora", admit, ids::fresh()).await.expect_err("about her").status, 404);
        let dismiss = RejectedAct::Dismiss { rejected, reason: "没有的事".into() };
        assert_eq!(act(&world, "dora", dismiss, ids::fresh()).await.expect_err("about her").status, 404);
    }
    assert_eq!(world.count("select count(*) from rejected where state = 'open'").await?, 2);
    Ok(())
}

#[tokio::test]
async fn no_event_carries_a_unit_as_it_was_freely_written() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", complaint()).await?).await?;
    world.report("k1", with(complaint(), json!({ "unit": "长安街王女士的店" }))).await?;
    world.counts("select count(*) from rejected", 1).await?;
    let rejected = listed(&world, "dora", "open").await?.rejected.remove(0);
    assert_eq!(rejected.unit, "长安街王女士的店", "who decides reads what was written");
    act(&world, "dora", RejectedAct::Dismiss { rejected: rejected.rejected, reason: "单位有误".into() }, ids::fresh()).await?;
    for name in ["report.rejected", "report.dismissed"] {
        let told: Vec<ReportEvent> = world.told_of(name, 1).await?;
        assert_eq!(told[0].unit, "GROUP");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_bodies_under_one_key_at_two_gateways_one_is_a_case_and_the_other_is_kept_and_told() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    world.start_copy().await?;
    let second_gateway = world.ground.connect_nats("gateway").await?;
    let bodies = [complaint(), with(complaint(), json!({ "text": OTHER }))];
    let [one, other] = bodies.map(|body| world.accepted_of("web", "w1", &body));
    let (a, b) = tokio::join!(
        World::put_over(&world.gateway, serde_json::to_vec(&one)?, one.received_at, None),
        World::put_over(&second_gateway, serde_json::to_vec(&other)?, other.received_at, None),
    );
    a?;
    b?;
    world.worked_off().await?;
    // Its duty opens by this event.
    let told: Vec<ReportEvent> = world.told_of("report.rejected", 1).await?;
    assert_eq!((told.len(), told[0].producer.as_str(), told[0].receipt), (1, "web", one.receipt));
    let case = world.case_of(one.receipt).await?;
    assert_eq!((world.count("select count(*) from cases").await?, world.count("select count(*) from rejected").await?), (1, 1));

    let registered = world.show("dora", case).await?.report.and_then(|report| report.text);
    let kept = listed(&world, "dora", "open").await?.rejected.remove(0);
    assert_eq!(kept.rejected, told[0].rejected);
    let mut texts = [registered, kept.report.and_then(|report| report.text)];
    texts.sort_unstable();
    let mut sent = [one.report.text, other.report.text];
    sent.sort_unstable();
    assert_eq!(texts, sent, "neither is lost");

    let web = world.claim_of(Asker::Producer { producer: "web".into() });
    let results: Results = Call::new("intake", "report.results").body(&ResultsRequest::default())?.claim(&web).send(&world.gateway).await?;
    let told: Vec<_> = results.results.iter().map(|result| (result.idempotency_key.as_str(), result.problem.code.as_str())).collect();
    assert_eq!(told, [("w1", "idempotency-conflict")]);
    Ok(())
}
