//! The full way, report → case → duties: how many a second, against the naive pipeline; and how long one takes at half that load.

use super::load::{closed_loop, open_loop, quantile};
use super::sheet::Sheet;
use super::stage::{Play, Theatre};
use super::{BenchArguments, naive};
use crate::show::Show;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Cases a second from a backlog and with acceptance beside it.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    backlog: f64,
    live: f64,
}

/// With the smallest set of packs: the same work as the naive pipelines', on a stack of its own.
///
/// # Errors
/// When a part stops answering.
pub async fn measure_one_duty(arguments: &BenchArguments, show: Show) -> anyhow::Result<Rates> {
    let mut theatre = Theatre::open(Play::OneDuty, arguments.traced, show).await?;
    theatre.settle().await?;
    let backlog = backlog(arguments, &mut theatre).await?;
    let live = live(arguments, &mut theatre).await?;
    theatre.close().await;
    Ok(Rates { backlog, live })
}

/// With the demonstration's packs, and the naive pipelines.
///
/// # Errors
/// When a part stops answering.
pub async fn measure(arguments: &BenchArguments, theatre: &mut Theatre, one_duty: Option<Rates>, sheet: &mut Sheet) -> anyhow::Result<()> {
    theatre.settle().await?;
    let backlog = backlog(arguments, theatre).await?;
    let live = live(arguments, theatre).await?;
    theatre.note("the naive pipelines");
    let (one, batches) = naive::measure(theatre, arguments.reports).await?;
    let naive = one.max(batches);
    let row = |what: &str, rate: f64| vec![what.to_owned(), format!("{rate:.0}"), format!("{:.2}", rate / naive)];
    let duties = theatre.count("select count(*) from escalation.duty").await? as f64;
    let each = duties / theatre.count("select count(*) from intake.cases").await?.max(1) as f64;
    let mut rows = Vec::new();
    if let Some(Rates { backlog, live }) = one_duty {
        rows.push(row("one duty for each case, from a backlog of accepted reports", backlog));
        rows.push(row("the same, with acceptance over HTTP at 256 connections beside it", live));
        sheet.figure("full way with one duty for each case from a backlog, to the faster naive pipeline", backlog / naive);
        sheet.figure("full way with one duty for each case and acceptance beside it, to the faster naive pipeline", live / naive);
    }
    rows.push(row(&format!("the demonstration's packs ({each:.1} duties for each case, alerts, mails), from a backlog"), backlog));
    rows.push(row("the same, with acceptance over HTTP at 256 connections beside it", live));
    rows.push(row("naive, one at a time on 64 tasks, default sync", one));
    rows.push(row("naive, in batches of 500, default sync", batches));
    sheet.table("The full way", &["report → case → duties".into(), "cases/s".into(), "to the faster naive one".into()], &rows);
    sheet.figure("full way with the demonstration's packs from a backlog, to the faster naive pipeline", backlog / naive);
    sheet.figure("full way with the demonstration's packs and acceptance beside it, to the faster naive pipeline", live / naive);
    sheet.live_rate = Some(live);
    Ok(())
}

/// Reports are accepted while intake and escalation are stopped; then both start, and the time runs from the first case to the last duty.
async fn backlog(arguments: &BenchArguments, theatre: &mut Theatre) -> anyhow::Result<f64> {
    theatre.note(format!("the full way: a backlog of about {} reports", arguments.reports));
    for service in ["intake", "escalation"] {
        theatre.stack.stop_copy(service, 0).await?;
    }
    let mut accepted = 0;
    while accepted < arguments.reports {
        let target = theatre.gateway()?;
        accepted += closed_loop(&target, 256, Duration::from_secs(1)).await?.requests as usize;
    }
    for service in ["escalation", "intake"] {
        theatre.stack.respawn(service, 0).await?;
    }
    drained(theatre, accepted).await
}

/// Cases a second from the first new case until all are there with all events handled by escalation.
async fn drained(theatre: &mut Theatre, accepted: usize) -> anyhow::Result<f64> {
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut begin = None;
    loop {
        let behind = theatre.behind().await?;
        let registered = accepted.saturating_sub(usize::try_from(behind.reports)?);
        if registered > 0 && begin.is_none() {
            begin = Some((Instant::now(), registered));
            theatre.starts.note(&mut theatre.stack)?;
        }
        if behind.is_nothing() {
            let (began, first) = begin.unwrap_or((Instant::now(), 0));
            return Ok((accepted - first.min(accepted)) as f64 / began.elapsed().as_secs_f64());
        }
        anyhow::ensure!(Instant::now() < deadline, "after five minutes {behind:?} of {accepted} reports");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everything at once: acceptance at full speed, registration and duties beside it, until the last duty.
async fn live(arguments: &BenchArguments, theatre: &mut Theatre) -> anyhow::Result<f64> {
    theatre.note("the full way: acceptance at 256 connections beside it");
    theatre.stack.wait_until_ready().await?;
    let target = theatre.gateway()?;
    let begin = Instant::now();
    let accepted = closed_loop(&target, 256, arguments.time()).await?.requests as usize;
    drained(theatre, accepted).await?;
    Ok(accepted as f64 / begin.elapsed().as_secs_f64())
}

/// From acceptance to registered case at half of what the full way carries.
///
/// # Errors
/// When a part stops answering.
pub async fn measure_latency(arguments: &BenchArguments, theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    theatre.settle().await?;
    let full = match sheet.live_rate {
        Some(rate) => rate,
        None => live(arguments, theatre).await?,
    };
    theatre.settle().await?;
    theatre.record_commits().await?;
    let rate = full / 2.0;
    theatre.note(format!("from acceptance to case at half load, {rate:.0} reports/s"));
    let target = theatre.gateway()?;
    let (sent, accepted) = open_loop(&target, 128, rate, arguments.time()).await?;
    theatre.settle().await?;
    let micros = registered_after(theatre, accepted.iter().copied()).await?;
    let (p50, p99) = (quantile(&micros, 0.5), quantile(&micros, 0.99));
    sheet.table(
        "From acceptance to registered case, at half load",
        &[
            "reports/s".into(),
            "p50 ms".into(),
            "p99 ms".into(),
            "accepted".into(),
            "seen registered".into(),
            "p99 of acceptance, ms".into(),
        ],
        &[vec![
            format!("{rate:.0}"),
            format!("{p50:.0}"),
            format!("{p99:.0}"),
            accepted.len().to_string(),
            micros.len().to_string(),
            format!("{:.0}", sent.p99_ms),
        ]],
    );
    sheet.figure("p99 from acceptance to case at half load, ms", p99);
    Ok(())
}

/// How long after its acceptance each report's transaction committed, sorted, in microseconds, by the database's record of its commits.
async fn registered_after(theatre: &Theatre, accepted: impl Iterator<Item = (Uuid, jiff::Timestamp)>) -> anyhow::Result<Vec<u32>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "select receipt, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint from intake.report
         where pg_xact_commit_timestamp(xmin) is not null",
    )
    .fetch_all(&theatre.database)
    .await?;
    let committed: HashMap<Uuid, i64> = rows.into_iter().collect();
    // A case may be there before its sender has read the answer: that counts as nothing.
    let after = |(receipt, at): (Uuid, jiff::Timestamp)| {
        Some(u32::try_from((committed.get(&receipt)? - at.as_microsecond()).max(0)).unwrap_or(u32::MAX))
    };
    let mut micros: Vec<u32> = accepted.filter_map(after).collect();
    micros.sort_unstable();
    Ok(micros)
}
