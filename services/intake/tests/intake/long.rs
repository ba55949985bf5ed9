//! Cases of which more was said than one message holds.

use crate::world::{PATIENCE, World, complaint, with};
use duban_contracts::case::{Dossier, DossierRequest, EarlierAnswer, EarlierRequest};
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_contracts::ids;
use duban_contracts::report::{RejectedList, RejectedListRequest};
use duban_platform::rpc::Call;
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

const SUPPLEMENTS: usize = 40;

/// The longest text that is accepted, a different one for each number.
fn long_text(n: usize) -> String {
    format!("{n}：{}", "督".repeat(19_990))
}

async fn long_case(world: &World) -> anyhow::Result<Uuid> {
    let case = world.case_of(world.report("k", complaint()).await?).await?;
    for n in 0..SUPPLEMENTS {
        let body = json!({ "channel": "web", "unit": "EAST", "text": long_text(n), "follows": "k" });
        world.report(&format!("k{n}"), body).await?;
    }
    world.counts("select count(*) from identity where state = 'supplement'", SUPPLEMENTS as i64).await?;
    Ok(case)
}

#[tokio::test]
async fn a_long_case_is_shown_the_newest_first_and_the_rest_by_pages() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = long_case(&world).await?;
    let shown = world.show("eva", case).await?;
    let (mut page, mut earlier) = (shown.timeline, shown.earlier);
    let mut seen: Vec<Uuid> = Vec::new();
    loop {
        assert!(page.is_sorted_by_key(|entry| entry.at), "oldest first");
        assert!(page.iter().all(|entry| entry.event == "case.registered" || entry.note.is_some()));
        seen.extend(page.iter().rev().map(|entry| entry.id));
        let Some(before) = earlier else { break };
        let answer: EarlierAnswer = world.ask("eva", "case.earlier", &EarlierRequest { case, before }).await?;
        (page, earlier) = (answer.entries, answer.earlier);
    }
    assert_eq!(page[0].event, "case.registered");
    assert_eq!((seen.len(), seen.iter().collect::<HashSet<_>>().len()), (SUPPLEMENTS + 1, SUPPLEMENTS + 1));
    let newest: Timeline = world.ask("eva", "case.timeline", &TimelineRequest { case, after: None }).await?;
    assert_eq!(newest.entries.last().map(|entry| entry.id), seen.first().copied());
    let without_notes = world.show("carl", case).await?;
    assert_eq!((without_notes.timeline.len(), without_notes.earlier), (SUPPLEMENTS + 1, None));
    let refused = world.ask::<_, EarlierAnswer>("will", "case.earlier", &EarlierRequest { case, before: seen[0] }).await;
    assert_eq!(refused.expect_err("not his").status, 404);
    Ok(())
}

#[tokio::test]
async fn a_long_case_is_handed_to_the_archive_in_pieces_that_are_the_whole() -> anyhow::Result<()> {
    let world = World::new().await?;
    let case = long_case(&world).await?;
    let archive = world.ground.connect_nats("archive").await?;
    let (mut reports, mut entries, mut from): (Vec<Value>, Vec<Value>, Option<String>) = Default::default();
    let mut is_first = true;
    loop {
        let asked = DossierRequest { case, after: ids::fresh(), settled: false, alert: None, from };
        let piece: Dossier = Call::new("intake", "case.dossier").body(&asked)?.timeout(PATIENCE).send(&archive).await?;
        assert_eq!(piece.content.get("case").is_some(), is_first);
        is_first = false;
        reports.extend(piece.content["reports"].as_array().cloned().unwrap_or_default());
        entries.extend(piece.content["timeline"].as_array().cloned().unwrap_or_default());
        from = piece.next;
        if from.is_none() {
            break;
        }
    }
    let texts: HashSet<&str> = reports.iter().filter_map(|report| report["report"]["text"].as_str()).collect();
    assert!((0..SUPPLEMENTS).all(|n| texts.contains(long_text(n).as_str())));
    assert_eq!((reports.len(), entries.len()), (SUPPLEMENTS + 1, SUPPLEMENTS + 1));

    // A case that has changed meanwhile is begun anew.
    let stale = DossierRequest { case, after: ids::fresh(), settled: false, alert: None, from: Some("1:1:0".into()) };
    let call = Call::new("intake", "case.dossier").body(&stale)?.timeout(PATIENCE);
    assert_eq!(call.send::<Dossier>(&archive).await.expect_err("changed").code, "not-yet");
    Ok(())
}

#[tokio::test]
async fn many_long_rejected_reports_are_listed_by_pages() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", complaint()).await?).await?;
    for n in 0..20 {
        world.report("k1", with(complaint(), json!({ "text": long_text(n) }))).await?;
    }
    world.counts("select count(*) from rejected", 20).await?;
    let (mut seen, mut before) = (HashSet::new(), None);
    loop {
        let page: RejectedList = world.ask("dora", "report.rejected.list", &RejectedListRequest { before, ..Default::default() }).await?;
        assert!(page.rejected.iter().all(|rejected| rejected.report.is_some() && seen.insert(rejected.rejected)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 20);
    Ok(())
}
