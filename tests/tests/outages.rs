//! Parts that are down: each is named, its own part alone is missing, the rest goes on, and when it is back nothing has to be told.

use duban::case::CaseWhole;
use duban::gateway::Gateway;
use duban_contracts::report::{Accepted, Report};
use duban_contracts::subjects::service::{self, ARCHIVE, ESCALATION, GATEWAY, INTAKE, NOTIFICATIONS};
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey::{self, GENERAL_MANAGER};
use duban_tests::{Visitor, World, until};
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(120);

/// Lists of the API, and whose data each is.
const LISTS: [(&str, &str); 5] = [
    ("/v1/cases", INTAKE),
    ("/v1/duties", ESCALATION),
    ("/v1/alerts", ESCALATION),
    ("/v1/deliveries", NOTIFICATIONS),
    ("/v1/records", ARCHIVE),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_missing_from_the_case_and_takes_nothing_else_with_it() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let case = filed_case(&world).await?;
    let manager = Visitor::with_new_password(&world.installation, GENERAL_MANAGER).await?;
    whole(&manager, case).await?;

    for stopped in [ARCHIVE, NOTIFICATIONS, ESCALATION] {
        world.stack.stop_copy(stopped, 0).await?;
        // The other two may be slow for a moment, and are then named with it.
        let found = until("the case without one service", LIMIT, || async {
            let found = shown(&manager, case).await?;
            anyhow::ensure!(found.unavailable == [stopped], "{:?}", found.unavailable);
            anyhow::Ok(found)
        })
        .await?;
        assert_eq!(has_parts(&found), [ESCALATION, NOTIFICATIONS, ARCHIVE].map(|of| of != stopped), "{stopped}");
        assert!(found.detail.report.is_some() && found.timeline.iter().any(|entry| entry.event == "case.registered"));
        until("the page to say whose part is missing", LIMIT, || async {
            let (status, page) = manager.get(&format!("/cases/{case}")).await?;
            let said: Vec<_> = service::ALL.iter().filter(|name| page.contains(&format!("{name} 服务暂时没有响应"))).collect();
            anyhow::ensure!(status == StatusCode::OK && said == [&stopped], "{status}: {said:?}");
            anyhow::ensure!(page.contains(&found.detail.summary.number) && page.contains("罗建平"), "{page}");
            anyhow::Ok(())
        })
        .await?;
        for (path, owner) in LISTS {
            until("each list to be there or to say why not", LIMIT, || async {
                let (status, text) = manager.get(path).await?;
                let expected = if owner == stopped { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                anyhow::ensure!(status == expected, "{path} without {stopped}: {status} {text}");
                anyhow::ensure!(owner != stopped || serde_json::from_str::<Value>(&text)?["detail"] == stopped, "{path}: {text}");
                anyhow::Ok(())
            })
            .await?;
        }
        world.stack.restart(stopped, 0).await?;
        whole(&manager, case).await?;
    }

    // Alive whatever happens; ready only with what one needs, which for the gateway is not Postgres: it takes reports without it.
    let of_database = |name: &str, well: bool| (name != GATEWAY).then_some(("database", well));
    world.stack.ground.postgres()?.kill9().await;
    for name in service::ALL {
        let ready = if name == GATEWAY { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        health(&world, name, ready, [Some(("broker", true)), of_database(name, false)]).await?;
    }
    world.stack.ground.postgres()?.restart().await?;
    for name in service::ALL {
        health(&world, name, StatusCode::OK, [Some(("broker", true)), of_database(name, true)]).await?;
    }
    world.stack.ground.nats()?.kill9().await;
    for name in service::ALL {
        health(&world, name, StatusCode::SERVICE_UNAVAILABLE, [Some(("broker", false)), of_database(name, true)]).await?;
    }
    world.stack.ground.nats()?.restart().await?;
    for name in service::ALL {
        health(&world, name, StatusCode::OK, [Some(("broker", true)), of_database(name, true)]).await?;
    }
    whole(&manager, case).await?;
    world.stack.stop().await;
    Ok(())
}

/// A case that every service knows something of.
async fn filed_case(world: &World) -> anyhow::Result<Uuid> {
    let report = serde_json::from_value(journey::report("web"))?;
    let accepted = world.installation.producer("web")?.send_report("form-1", &report).await?;
    let case = journey::registered(world, &accepted).await?.case;
    journey::mail_with_link(world, GENERAL_MANAGER).await?;
    journey::settle(world, case).await?;
    journey::filed(world, case).await?;
    Ok(case)
}

async fn shown(manager: &Visitor, case: Uuid) -> anyhow::Result<CaseWhole> {
    let (status, text) = manager.get(&format!("/v1/cases/{case}")).await?;
    anyhow::ensure!(status == StatusCode::OK, "{status} {text}");
    Ok(serde_json::from_str(&text)?)
}

/// Of escalation, notifications and archive.
fn has_parts(whole: &CaseWhole) -> [bool; 3] {
    [!whole.duties.is_empty(), !whole.deliveries.is_empty(), !whole.records.is_empty()]
}

/// Waits until the case is shown with every part.
async fn whole(manager: &Visitor, case: Uuid) -> anyhow::Result<()> {
    until("the case with all its parts", LIMIT, || async {
        let found = shown(manager, case).await?;
        anyhow::ensure!(found.unavailable.is_empty() && has_parts(&found) == [true; 3], "{:?} {:?}", found.unavailable, has_parts(&found));
        anyhow::Ok(())
    })
    .await
}

/// Waits until a service is so ready, and says of these checks that they are well or not; alive it is whatever it says.
async fn health(world: &World, name: &str, ready: StatusCode, checks: [Option<(&str, bool)>; 2]) -> anyhow::Result<()> {
    let url = world.stack.url(name, 0);
    until("a service to say how it is", LIMIT, || async {
        let alive = reqwest::get(format!("{url}/livez")).await?.status();
        anyhow::ensure!(alive == StatusCode::OK, "{name} is not alive: {alive}");
        let answer = reqwest::get(format!("{url}/readyz")).await?;
        let (status, said) = (answer.status(), answer.json::<Value>().await?);
        let as_expected = checks.iter().flatten().all(|(check, well)| said[*check].is_string() && (said[*check] == "ok") == *well);
        anyhow::ensure!(status == ready && as_expected, "{name}: {status} {said}");
        anyhow::Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_report_at_two_gateways_at_once_while_postgres_is_down_is_one_case() -> anyhow::Result<()> {
    const SENDINGS: usize = 20;
    let mut world = World::with(StackSettings::durable_test()).await?;
    let second = world.stack.start_copy(GATEWAY).await?;
    let token = world.installation.producers["web"].clone();
    let gateways = [Gateway::new(world.stack.url(GATEWAY, 0), &token)?, Gateway::new(world.stack.url(GATEWAY, second), &token)?];
    let report: Report = serde_json::from_value(journey::report("web"))?;
    world.stack.ground.postgres()?.kill9().await;

    let sendings = (0..SENDINGS).map(|nth| gateways[nth % gateways.len()].send_report("form-at-both", &report));
    let accepted: Vec<Accepted> = futures::future::try_join_all(sendings).await?;
    assert!(accepted.iter().all(|one| (one.receipt, &one.tracking_code) == (accepted[0].receipt, &accepted[0].tracking_code)));

    world.stack.ground.postgres()?.restart().await?;
    let case = journey::registered(&world, &accepted[0]).await?.case;
    // Everything that was sent is read by now or comes before the next report.
    let next = gateways[0].send_report("form-after", &report).await?;
    journey::registered(&world, &next).await?;
    let (cases, identities): (i64, i64) = sqlx::query_as(
        "select (select count(*) from intake.cases where id <> $1), (select count(*) from intake.identity where receipt = $2)",
    )
    .bind(case)
    .bind(accepted[0].receipt)
    .fetch_one(&world.database)
    .await?;
    assert_eq!((cases, identities), (1, 1), "the other case is that of the next report");
    world.stack.stop().await;
    Ok(())
}
