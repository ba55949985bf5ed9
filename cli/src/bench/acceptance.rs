//! Reports accepted over HTTP: the gateway's group commit against one INSERT per request.

use super::BenchArguments;
use super::load::{Measured, closed_loop};
use super::plain;
use super::sheet::Sheet;
use super::stage::Theatre;
use std::time::Duration;

/// # Errors
/// When a part stops answering.
pub async fn measure(arguments: &BenchArguments, theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    sqlx::raw_sql(plain::SCHEMA).execute(&theatre.database).await?;
    let mut rows = Vec::new();
    for connections in &arguments.connections {
        let connections = *connections;
        let best = best_pool(arguments, theatre, connections).await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 1..=arguments.rounds {
            theatre.note(format!("acceptance, {connections} connections, round {round}: the gateway, everything else running"));
            ours.push(gateway(arguments, theatre, connections).await?);
            theatre.settle().await?;
            theatre.note(format!("acceptance, {connections} connections, round {round}: the plain service, pool of {best}"));
            theirs.push(plain_service(arguments, theatre, connections, best).await?);
        }
        theatre.note(format!(
            "acceptance, {connections} connections: the gateway alone (intake stopped, as nothing stands behind the plain service either)"
        ));
        let alone = alone(arguments, theatre, connections).await?;
        let (ours, theirs, alone) = (median(ours), median(theirs), median(alone));
        for (name, measured) in
            [("gateway, all services running", ours), ("gateway, intake stopped", alone), (&*format!("plain, pool of {best}"), theirs)]
        {
            rows.push([
                connections.to_string(),
                name.to_owned(),
                format!("{:.0}", measured.per_second),
                format!("{:.1}", measured.p50_ms),
                format!("{:.1}", measured.p99_ms),
                format!("{:.2}", measured.per_second / theirs.per_second),
                measured.failed.to_string(),
            ]);
        }
        sheet
            .figure(&format!("accepted at {connections} connections, all services running, to plain"), ours.per_second / theirs.per_second);
        sheet.figure(&format!("accepted at {connections} connections, intake stopped, to plain"), alone.per_second / theirs.per_second);
        sheet.figure(&format!("p99 at {connections} connections, all services running, to plain"), ours.p99_ms / theirs.p99_ms);
    }
    let heading = ["connections", "what", "accepted/s", "p50 ms", "p99 ms", "to plain", "failed"];
    sheet.table("Reports accepted over HTTP", &heading.map(str::to_owned), &rows.into_iter().map(Vec::from).collect::<Vec<_>>());
    Ok(())
}

async fn gateway(arguments: &BenchArguments, theatre: &mut Theatre, connections: usize) -> anyhow::Result<Measured> {
    let target = theatre.gateway()?;
    closed_loop(&target, connections, Duration::from_secs(2)).await?;
    let target = theatre.gateway()?;
    closed_loop(&target, connections, arguments.time()).await
}

/// With intake stopped, and afterwards started and caught up again.
async fn alone(arguments: &BenchArguments, theatre: &mut Theatre, connections: usize) -> anyhow::Result<Vec<Measured>> {
    theatre.stack.stop_copy("intake", 0).await?;
    let mut measured = Vec::new();
    for _ in 0..arguments.rounds {
        measured.push(gateway(arguments, theatre, connections).await?);
    }
    theatre.stack.restart("intake", 0).await?;
    theatre.starts.note(&mut theatre.stack)?;
    theatre.settle().await?;
    Ok(measured)
}

async fn plain_service(arguments: &BenchArguments, theatre: &mut Theatre, connections: usize, pool: u32) -> anyhow::Result<Measured> {
    let (mut process, target) = theatre.plain(pool).await?;
    closed_loop(&target, connections, Duration::from_secs(2)).await?;
    let target = super::load::Target { prefix: format!("{}b", target.prefix), ..target };
    let measured = closed_loop(&target, connections, arguments.time()).await;
    process.kill9().await;
    measured
}

/// The plain service's own best pool size at so many connections.
async fn best_pool(arguments: &BenchArguments, theatre: &mut Theatre, connections: usize) -> anyhow::Result<u32> {
    let mut best = (0, 0.0);
    for pool in &arguments.pools {
        theatre.note(format!("acceptance, {connections} connections: the plain service with a pool of {pool}"));
        let measured = plain_service(arguments, theatre, connections, *pool).await?;
        if measured.per_second > best.1 {
            best = (*pool, measured.per_second);
        }
    }
    Ok(best.0)
}

/// The round in the middle, by throughput.
pub fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}
