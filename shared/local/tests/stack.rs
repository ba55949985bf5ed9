//! How services are started, killed, started again and stopped. What they do is not the matter here, so that a few lines of
//! Python stand for them: they answer `/readyz` after reading their settings, and write down when they are asked to stop.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use duban_contracts::subjects::service;
use duban_local::{ClockSetting, Error, Stack, StackSettings, process::TemporaryFolder, stack};

const PROGRAM: &str = r#"#!/usr/bin/env python3
import http.server, os, signal, sys
host, port = os.environ["DUBAN_BIND"].split(":")
for name in ["DUBAN_DATABASE_URL", "DUBAN_NATS_PASSWORD", "DUBAN_SEAL_KEY"]:
    assert open(os.environ[name + "_FILE"]).read(), name
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404); self.end_headers()
    def log_message(self, *words): pass
def stop(*_): print("stopped in order", flush=True); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("started", os.environ.get("DUBAN_EXTRA", "-"), flush=True)
http.server.HTTPServer((host, int(port)), Ready).serve_forever()
"#;

fn stand_ins(folder: &Path) -> Result<PathBuf> {
    for name in service::ALL {
        let path = folder.join(format!("duban-{name}"));
        fs::write(&path, PROGRAM)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder.into())
}

fn times(log: &Path, what: &str) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches(what).count()
}

#[tokio::test]
async fn copies_are_killed_and_started_again_on_their_ports() -> Result<()> {
    let programs = TemporaryFolder::new()?;
    let settings = StackSettings {
        binaries: Some(stand_ins(programs.path())?),
        copies: [(service::ESCALATION, 2), (service::ARCHIVE, 0)].into(),
        clock: Some(ClockSetting::Stepped { start: "2026-01-05T09:00:00+08:00".into() }),
        extra: vec![("*".into(), "DUBAN_EXTRA".into(), "for-all".into())],
        ..StackSettings::test()
    };
    let mut stack = Stack::start(settings).await?;
    ensure!(stack.url("archive", 0).is_empty());
    let address = stack.url("escalation", 1);
    ensure!(reqwest::get(format!("{address}/readyz")).await?.status().is_success());
    stack.kill9("escalation", 1).await?;
    ensure!(reqwest::get(format!("{address}/readyz")).await.is_err(), "a killed copy answers");
    ensure!(stack.ended().is_none(), "a copy that was killed on purpose did not end by itself");
    stack.restart("escalation", 1).await?;
    assert_eq!(stack.url("escalation", 1), address);
    assert_eq!(stack.start_copy("archive").await?, 0);

    let log = stack.copy("escalation", 1)?.log().to_path_buf();
    assert_eq!((times(&log, "started for-all"), times(&log, "stopped in order")), (2, 0));
    stack.copy("intake", 0)?.signal(duban_local::process::Signal::KILL);
    let ended = tokio::time::timeout(Duration::from_secs(60), stack.until_something_ends()).await?;
    ensure!(ended.to_string().contains("intake ended"), "{ended}");
    stack.stop().await;
    assert_eq!(times(&log, "stopped in order"), 1);
    Ok(())
}

#[tokio::test]
async fn one_folder_has_one_stack_that_another_process_can_stop() -> Result<()> {
    let programs = TemporaryFolder::new()?;
    let data = TemporaryFolder::new()?;
    let settings = StackSettings { binaries: Some(stand_ins(programs.path())?), inherit: false, ..StackSettings::kept(data.path()) };
    let mut first = Stack::start(settings.clone()).await?;
    let (url, mail) = (first.url("gateway", 0), first.mail.page_url());
    let refused = Stack::start(settings.clone()).await.err().context("two stacks in one folder")?;
    ensure!(matches!(&refused, Error::InUse { pid, .. } if pid == &std::process::id().to_string()), "{refused}");
    let interrupted = tokio::spawn(stack::interrupted());
    tokio::task::yield_now().await;
    let asked = tokio::spawn({
        let dir = data.path().to_path_buf();
        async move { stack::stop_running(&dir).await }
    });
    interrupted.await??;
    first.stop().await;
    drop(first);
    ensure!(asked.await??, "nothing was stopped");
    ensure!(!stack::stop_running(data.path()).await?, "something still runs");

    let again = Stack::start(settings).await?;
    assert_eq!((again.url("gateway", 0), again.mail.page_url()), (url, mail), "a second start is found where the first was");
    Ok(())
}

#[tokio::test]
async fn a_service_that_cannot_start_says_why() -> Result<()> {
    let programs = TemporaryFolder::new()?;
    let folder = stand_ins(programs.path())?;
    fs::write(folder.join("duban-intake"), "#!/bin/sh\necho the database is of a newer version; exit 3\n")?;
    let failed = Stack::start(StackSettings { binaries: Some(folder), ..StackSettings::test() }).await.err().context("it started")?;
    ensure!(failed.to_string().contains("the database is of a newer version"), "{failed}");
    Ok(())
}
