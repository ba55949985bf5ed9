//! `duban demo` with anyone's reports: 145 real complaints, played at their own dates.

use anyhow::Context;
use duban_tests::world::repository;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The play itself is told to take half a minute; starting everything and registering the last ones take the rest.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn every_real_complaint_is_registered_at_its_real_date() -> anyhow::Result<()> {
    let complaints = repository().join("../shared/data/cfpb-complaints.csv");
    if !complaints.exists() {
        eprintln!("\n*** SKIPPED: {} is not there, so no real complaint was played ***\n", complaints.display());
        return Ok(());
    }
    let folder = duban_local::process::TemporaryFolder::new()?;
    let data = folder.path().join("demo");
    let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
    let mut demo = Command::new(&program)
        .current_dir(repository())
        .args(["--json", "demo", "--no-cast", "--minutes", "0.5", "--quiet", "1", "--mapping", "demo/cfpb.mapping.toml", "--reports"])
        .arg(&complaints)
        .arg("--data")
        .arg(&data)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let told = demo.stdout.take().context("no output")?;
    // First it says where everything is, then how the play went; after that it stays up to be looked at.
    let said = tokio::task::spawn_blocking(move || {
        serde_json::Deserializer::from_reader(told).into_iter::<Value>().take(2).collect::<Result<Vec<Value>, _>>()
    });
    let looked_at = async {
        let said = tokio::time::timeout(LIMIT, said).await.context("the play is not over in time")???;
        let summary = said.last().context("it said nothing")?;
        anyhow::ensure!(summary["played"]["accepted"] == 145 && summary["counts"]["registered"] == 145, "{summary:#}");
        registered_on_their_days(&data).await
    };
    let outcome = looked_at.await;
    Command::new(&program).arg("down").arg("--dir").arg(&data).status()?;
    demo.wait()?;
    outcome
}

/// Domain time was that of the complaints: each was received and registered on the day that its row names, in the years 2012 to today.
async fn registered_on_their_days(data: &std::path::Path) -> anyhow::Result<()> {
    let settings = duban::env_file::read(data)?;
    let url = settings.get("DUBAN_DATABASE_URL").context("no database in the file env")?;
    let mut database = PgConnection::connect(url).await?;
    let (cases, strange, first, last): (i64, i64, String, String) = sqlx::query_as(
        "select count(*), count(*) filter (where registered_at < occurred_at or registered_at > occurred_at + interval '1 day'),
                min(registered_at at time zone 'America/New_York')::date::text, max(registered_at at time zone 'America/New_York')::date::text
         from intake.cases",
    )
    .fetch_one(&mut database)
    .await?;
    anyhow::ensure!((cases, strange) == (145, 0), "{strange} of {cases} cases are registered on another day");
    anyhow::ensure!(first == "2012-05-17", "the first is of {first}");
    println!("145 complaints, from {first} to {last}, registered on their own days");
    Ok(())
}
