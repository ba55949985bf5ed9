//! The full way, report → case → duties: how many a second, against the naive pipeline; and how long one takes at half that load.

use super::load::{closed_loop, open_loop, quantile};
use super::sheet::Sheet;
use super::stage::Theatre;
use super::{BenchArguments, naive};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// # Errors
/// When a part stops answering.
pub async fn measure(arguments: &BenchArguments, theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    theatre.settle().await?;
    let backlog = backlog(arguments, theatre).await?;
    let live = live(arguments, theatre).await?;
    theatre.note("the naive pipelines");
    let bodies = theatre.gateway()?.bodies;
    let (one, batches) = naive::measure(theatre, arguments.reports, &bodies).await?;
    let naive = one.max(batches);
    let row = |what: &str, rate: f64| vec![what.to_owned(), format!("{rate:.0}"), format!("{:.2}", rate / naive)];
    sheet.table(
        "The full way",
        &["what".into(), "cases/s".into(), "to the faster naive one".into()],
        &[
            row("report → case → duties, from a backlog of accepted reports", backlog),
            row("report → case → duties, with acceptance over HTTP at 256 connections beside it", live),
            row("naive, one at a time on 64 tasks, default sync", one),
            row("naive, in batches of 500, default sync", batches),
        ],
    );
    sheet.figure("full way from a backlog, to the faster naive pipeline", backlog / naive);
    sheet.figure("full way with acceptance beside it, to the faster naive pipeline", live / naive);
    sheet.live_rate = Some(live);
    Ok(())
}

/// Reports are accepted while intake and escalation are stopped; then both start, and the time runs from the first case to the last duty.
async fn backlog(arguments: &BenchArguments, theatre: &mut Theatre) -> anyhow::Result<f64> {
    theatre.note(format!("the full way: a backlog of about {} reports", arguments.reports));
    for service in ["intake", "escalation"] {
        theatre.stack.stop_copy(service, 0).await?;
    }
    let before = cases(theatre).await?;
    let mut accepted = 0;
    while accepted < arguments.reports {
        let target = theatre.gateway()?;
        accepted += closed_loop(&target, 256, Duration::from_secs(1)).await?.requests as usize;
    }
    for service in ["escalation", "intake"] {
        theatre.stack.respawn(service, 0).await?;
    }
    drained(theatre, before, accepted).await
}

/// Cases a second from the first new case until all are there with all events handled by escalation.
async fn drained(theatre: &Theatre, before: i64, accepted: usize) -> anyhow::Result<f64> {
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut begin = None;
    loop {
        let registered = usize::try_from(cases(theatre).await? - before)?;
        if registered > 0 && begin.is_none() {
            begin = Some((Instant::now(), registered));
        }
        if registered >= accepted && theatre.behind().await? == 0 {
            let (began, first) = begin.unwrap_or((Instant::now(), 0));
            return Ok((accepted - first.min(accepted)) as f64 / began.elapsed().as_secs_f64());
        }
        anyhow::ensure!(Instant::now() < deadline, "{registered} of {accepted} reports are registered after five minutes");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everything at once: acceptance at full speed, registration and duties beside it, until the last duty.
async fn live(arguments: &BenchArguments, theatre: &mut Theatre) -> anyhow::Result<f64> {
    theatre.note("the full way: acceptance at 256 connections beside it");
    theatre.stack.wait_until_ready().await?;
    let before = cases(theatre).await?;
    let target = theatre.gateway()?;
    let begin = Instant::now();
    let accepted = closed_loop(&target, 256, arguments.time()).await?.requests as usize;
    drained(theatre, before, accepted).await?;
    Ok(accepted as f64 / begin.elapsed().as_secs_f64())
}

async fn cases(theatre: &Theatre) -> anyhow::Result<i64> {
    theatre.count("select count(*) from intake.cases").await
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
