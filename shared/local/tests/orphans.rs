//! Nothing outlives the process that started it, even if that process is killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use duban_local::{Nats, NatsSettings, Postgres, PostgresSettings};

/// Set in the copy of this test that is to be killed.
const ROLE: &str = "DUBAN_TEST_ROLE";

/// Not a test of its own: it starts servers, tells their process ids and waits to be killed.
#[tokio::test]
async fn child() -> Result<()> {
    if std::env::var_os(ROLE).is_none() {
        return Ok(());
    }
    let postgres = Postgres::start(PostgresSettings::test()).await?;
    let nats = Nats::start(NatsSettings::test()).await?;
    println!("\npids {} {} {}", postgres.process_id(), nats.process_id(), nats.log().parent().context("no folder")?.display());
    tokio::time::sleep(Duration::from_secs(300)).await;
    bail!("nobody killed this process")
}

#[test]
fn servers_and_folders_go_when_their_parent_is_killed() -> Result<()> {
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["child", "--exact", "--nocapture"])
        .env(ROLE, "child")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = BufReader::new(parent.stdout.take().context("no output")?);
    let told = output.lines().map_while(Result::ok).find(|line| line.starts_with("pids ")).context("the child told nothing")?;
    let words: Vec<&str> = told.split_whitespace().collect();
    let (processes, folder) = (&words[1..3], Path::new(words[3]));
    for pid in processes {
        ensure!(is_alive(pid), "{pid} does not run");
    }
    parent.kill()?;
    parent.wait()?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while processes.iter().any(|pid| is_alive(pid)) || folder.exists() {
        ensure!(Instant::now() < deadline, "still there: {told}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Runs and is not a zombie that nobody has reaped.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
