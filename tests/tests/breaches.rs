//! A thousand duties that are overdue within one minute, all of one person: each is raised, and what he gets of it is a mail with the count.

use anyhow::Context;
use duban_local::mail_catcher::Mail;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::{World, journey, until};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);
/// Duties beside the one that a report has opened.
const COPIES: i64 = 999;
/// What may reach him by itself before anybody can know how many there will be: as many as go singly in a window.
const SINGLY: i64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_breaches_in_a_minute_for_one_person_are_a_digest_with_the_count() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    complain(&world).await?;
    let visits = "select count(*) from escalation.duty where rule = 'visit' and state = 'pending'";
    until("the customer to be owed a visit", LIMIT, || async {
        anyhow::ensure!(world.count(visits).await? == 1, "nobody owes it yet");
        anyhow::Ok(())
    })
    .await?;
    world.raised().await?;
    copy(&world).await?;
    assert_eq!(world.count(visits).await?, COPIES + 1);
    let due: String = sqlx::query_scalar(
        "select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from escalation.duty where rule = 'visit' limit 1",
    )
    .fetch_one(&world.database)
    .await?;

    let before = world.stack.mail.messages().len();
    world.step(&due).await?;
    world.raised().await?;
    let breached = "select count(*) from escalation.duty where rule = 'visit' and breached_at is not null";
    assert_eq!(world.count(breached).await?, COPIES + 1);
    let alerts = "select count(*) from escalation.outbox as told join escalation.duty on told.about = 'duty/' || duty.id
                  where duty.rule = 'visit' and told.subject like '%.duty.breached'";
    assert_eq!(world.count(alerts).await?, COPIES + 1, "each once");

    // Whoever is told of them is told of all, in few mails that say how many; of what else the case owes by then, too.
    let told = until("every alert to have gone out", LIMIT, || async {
        let mails: Vec<Mail> = world.stack.mail.messages().split_off(before);
        let people: BTreeSet<String> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
        let told: BTreeMap<String, Told> = people.into_iter().map(|person| (person.clone(), Told::of(&mails, &person))).collect();
        anyhow::ensure!(told.values().any(|told| told.counted() > COPIES), "{told:?}");
        let waiting = world.count("select count(*) from notifications.delivery where state = 'waiting'").await?;
        anyhow::ensure!(waiting == 0, "{waiting} deliveries wait");
        anyhow::Ok(told)
    })
    .await?;
    for (person, told) in &told {
        println!("{person}: {told:?}");
        // A slow machine raises them over two or three windows: each has its digest, and what may go singly in it.
        let windows = i64::try_from(told.digests.len().max(1))?;
        assert!(told.singly <= SINGLY * windows && windows <= 3, "{person}: {told:?}");
    }
    world.stack.stop().await;
    Ok(())
}

/// What somebody got: so many mails of one alert, and digests of so many.
#[derive(Debug)]
struct Told {
    singly: i64,
    digests: Vec<i64>,
}

impl Told {
    fn of(mails: &[Mail], person: &str) -> Self {
        let (digests, singly): (Vec<&Mail>, Vec<&Mail>) =
            mails.iter().filter(|mail| mail.to.iter().any(|to| to == person)).partition(|mail| mail.subject.contains("督办·汇总"));
        Self {
            singly: i64::try_from(singly.len()).unwrap_or(i64::MAX),
            digests: digests.iter().filter_map(|mail| count(&mail.subject)).collect(),
        }
    }

    fn counted(&self) -> i64 {
        self.singly + self.digests.iter().sum::<i64>()
    }
}

/// `【督办·汇总】990件…` → 990
fn count(subject: &str) -> Option<i64> {
    subject.split('】').nth(1)?.split('件').next()?.trim().parse().ok()
}

async fn complain(world: &World) -> anyhow::Result<()> {
    let body = json!({
        "channel": "phone", "unit": "RJ", "kind": "product_complaint", "subject": "软件账单算错",
        "reporter": { "name": "罗建平", "phone": "19900000001" }, "fields": {},
    });
    let request = reqwest::Client::new().post(format!("{}/v1/reports", world.installation.url));
    let token = world.installation.producers.get("web").context("no producer")?;
    let answer = request.bearer_auth(token).header("Idempotency-Key", "one").json(&body).send().await?;
    anyhow::ensure!(answer.status() == StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
    Ok(())
}

/// The duty as many times more, each with an id and key of its own.
async fn copy(world: &World) -> anyhow::Result<()> {
    let columns: Vec<String> = sqlx::query_scalar(
        "select column_name::text from information_schema.columns
         where table_schema = 'escalation' and table_name = 'duty' and is_generated = 'NEVER' order by ordinal_position",
    )
    .fetch_all(&world.database)
    .await?;
    let value = |column: &String| match column.as_str() {
        "id" => "gen_random_uuid()".to_owned(),
        "key" => "'copy/' || n".to_owned(),
        other => format!("template.{other}"),
    };
    let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "insert into escalation.duty ({}) select {values}
         from (select * from escalation.duty where rule = 'visit') as template, generate_series(1, {COPIES}) as n",
        columns.join(", ")
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&world.database).await?;
    Ok(())
}
