//! A million open duties: how late due ones are raised, and what a tick costs that finds nothing.

use super::BenchArguments;
use super::load::closed_loop;
use super::processors::{Busy, Cores};
use super::sheet::Sheet;
use super::stage::Theatre;
use anyhow::Context;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::{Duration, Instant};

/// So many fall due, spread over so many seconds, beginning so many seconds after they are made.
const DUE: i64 = 2_000;
const SPREAD: u64 = 10;
const AHEAD: u64 = 15;
/// So many seconds an escalation is looked at that has nothing to do.
const IDLE: u64 = 10;
/// So many fall due at one instant, for one copy of escalation, then for two, then for three.
const BURST: i64 = 20_000;
const COPIES: usize = 3;

/// # Errors
/// When a part stops answering.
pub async fn measure(arguments: &BenchArguments, theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    theatre.note(format!("{} open duties", arguments.duties));
    if theatre.count("select count(*) from escalation.duty where open and next_at is not null").await? == 0 {
        let target = theatre.gateway()?;
        closed_loop(&target, 4, Duration::from_secs(1)).await?;
    }
    theatre.settle().await?;
    let insert = Copies::prepare(&theatre.database).await?;
    insert.make(&theatre.database, "far", arguments.duties, "interval '1000 days' + n * interval '1 second'").await?;
    sqlx::raw_sql("analyze escalation.duty; checkpoint").execute(&theatre.database).await?;
    // Shorter only where next to nothing is measured: to see that all this still works.
    let [within, ahead, watched] = [SPREAD, AHEAD, IDLE].map(|seconds| seconds.min(seconds * arguments.seconds / 3));
    let idle = idle_tick(theatre, Duration::from_secs(watched)).await?;
    let spread = format!("interval '{ahead} seconds' + n * interval '{within} seconds' / {DUE}");
    insert.make(&theatre.database, "due", DUE, &spread).await?;
    let lateness = lateness(&theatre.database).await?;
    sheet.table(
        &format!("{} open duties", arguments.duties),
        &["what".into(), "figure".into()],
        &[
            vec![format!("{DUE} due within {within} s: raised late by, p50"), format!("{:.0} ms", lateness.p50)],
            vec!["p99".into(), format!("{:.0} ms", lateness.p99)],
            vec!["worst".into(), format!("{:.0} ms", lateness.worst)],
            vec!["an idle tick, mean".into(), format!("{:.2} ms", idle.mean_ms)],
            vec!["idle ticks under 5 ms".into(), format!("{:.1} % of {}", idle.under_5_ms * 100.0, idle.ticks)],
        ],
    );
    sheet.figure("worst lateness of a due duty among a million, ms", lateness.worst);
    sheet.figure("mean idle tick at a million open duties, ms", idle.mean_ms);
    by_copies(arguments, theatre, &insert, sheet).await?;
    sqlx::query("delete from escalation.duty where key like 'bench/far/%'").execute(&theatre.database).await?;
    Ok(())
}

/// How many a second are raised of many that fall due at once, by one copy and by several that share them; and that each is raised once.
async fn by_copies(arguments: &BenchArguments, theatre: &mut Theatre, insert: &Copies, sheet: &mut Sheet) -> anyhow::Result<()> {
    let burst = BURST.min(arguments.duties);
    let mut rows = Vec::new();
    let mut alone = None;
    for copies in 1..=COPIES {
        if copies > 1 {
            theatre.stack.start_copy("escalation").await?;
        }
        let name = format!("burst{copies}");
        insert.make(&theatre.database, &name, burst, &format!("interval '{AHEAD} seconds'")).await?;
        let raised = raised_together(&theatre.database, &name, burst).await?;
        let rate = burst as f64 / raised.seconds.max(0.001);
        let alone = *alone.get_or_insert(rate);
        rows.push(vec![
            copies.to_string(),
            format!("{rate:.0}"),
            format!("{:.2}", rate / alone),
            format!("{:.1} s", raised.seconds),
            format!("{} of {burst}, {} twice", raised.duties, raised.twice),
            cores(raised.cores),
        ]);
        anyhow::ensure!(raised.twice == 0, "{} rungs were raised twice by {copies} copies", raised.twice);
        sheet.figure(&format!("duties raised a second by {copies} copies of escalation"), rate);
        theatre.settle().await?;
    }
    for copy in 1..COPIES {
        theatre.stack.stop_copy("escalation", copy).await?;
    }
    let heading =
        ["copies of escalation", "raised a second", "to one copy", "all within", "raised", "processors busy: PostgreSQL, escalation, all"];
    let heading = heading.map(str::to_owned);
    sheet.table(&format!("{burst} duties due at one instant, among {}", arguments.duties), &heading, &rows);
    Ok(())
}

fn cores(cores: Cores) -> String {
    format!("{:.1}, {:.1}, {:.1} of {:.0}", cores.postgres, cores.escalation, cores.all, cores.there_are)
}

struct Together {
    /// Between the due time and the last that was raised.
    seconds: f64,
    /// How many were raised, and rungs that were raised more than once.
    duties: i64,
    twice: i64,
    /// From the due time until all were raised.
    cores: Cores,
}

async fn raised_together(database: &PgPool, name: &str, count: i64) -> anyhow::Result<Together> {
    let like = format!("bench/{name}/%");
    let deadline = Instant::now() + Duration::from_secs(300);
    let until_due: f64 =
        sqlx::query_scalar("select extract(epoch from min(due_at) - clock_timestamp())::float8 from escalation.duty where key like $1")
            .bind(&like)
            .fetch_one(database)
            .await?;
    tokio::time::sleep(Duration::from_secs_f64(until_due.max(0.0))).await;
    let then = Busy::now()?;
    loop {
        let raised: i64 = sqlx::query_scalar("select count(*) from escalation.duty where key like $1 and breached_at is not null")
            .bind(&like)
            .fetch_one(database)
            .await?;
        if raised >= count {
            break;
        }
        anyhow::ensure!(Instant::now() < deadline, "{raised} of {count} duties are raised after five minutes");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let cores = Busy::now()?.since(then);
    let (seconds, duties, twice): (f64, i64, i64) = sqlx::query_as(
        "with told as (select duty.id, duty.due_at, told.created_at
                       from escalation.duty join escalation.outbox as told on told.about = 'duty/' || duty.id and told.subject like '%.duty.breached'
                       where duty.key like $1)
         select extract(epoch from max(created_at) - min(due_at))::float8, count(distinct id), count(*) - count(distinct id) from told",
    )
    .bind(&like)
    .fetch_one(database)
    .await?;
    Ok(Together { seconds, duties, twice, cores })
}

/// A real duty, told apart by its columns, of which copies are made.
struct Copies {
    columns: Vec<String>,
}

impl Copies {
    async fn prepare(database: &PgPool) -> anyhow::Result<Self> {
        let columns: Vec<String> = sqlx::query_scalar(
            "select column_name::text from information_schema.columns
             where table_schema = 'escalation' and table_name = 'duty' and is_generated = 'NEVER' order by ordinal_position",
        )
        .fetch_all(database)
        .await?;
        Ok(Self { columns })
    }

    /// `count` copies of a pending duty, each with an id and key of its own, due at now plus `after` (SQL over the running number n).
    async fn make(&self, database: &PgPool, name: &str, count: i64, after: &str) -> anyhow::Result<()> {
        let value = |column: &String| match column.as_str() {
            "id" => "gen_random_uuid()".to_owned(),
            "key" => format!("'bench/{name}/' || n"),
            "case_id" | "closed_at" | "breached_at" => "null".to_owned(),
            "opened_at" => "clock_timestamp()".to_owned(),
            "due_at" | "next_at" => format!("at + {after}"),
            "reminders" => "coalesce(jsonb_array_length(template.terms #> '{plan,reminders}'), 0)".to_owned(),
            other => format!("template.{other}"),
        };
        let columns = self.columns.join(", ");
        let values = self.columns.iter().map(value).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "insert into escalation.duty ({columns}) select {values}
             from (select * from escalation.duty where state = 'pending' and not shadowed and rung is null limit 1) as template,
                  clock_timestamp() as at, generate_series(1, {count}) as n"
        );
        let made = sqlx::query(AssertSqlSafe(sql)).execute(database).await?.rows_affected();
        anyhow::ensure!(i64::try_from(made)? == count, "there is no pending duty to make copies of");
        Ok(())
    }
}

struct Lateness {
    p50: f64,
    p99: f64,
    worst: f64,
}

/// Between a duty's due time and the writing of its breach, in milliseconds, once all are raised.
async fn lateness(database: &PgPool) -> anyhow::Result<Lateness> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let raised: i64 =
            sqlx::query_scalar("select count(*) from escalation.duty where key like 'bench/due/%' and breached_at is not null")
                .fetch_one(database)
                .await?;
        if raised >= DUE {
            break;
        }
        anyhow::ensure!(Instant::now() < deadline, "{raised} of {DUE} due duties are raised after two minutes");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (p50, p99, worst): (f64, f64, f64) = sqlx::query_as(
        "select percentile_cont(0.5) within group (order by late), percentile_cont(0.99) within group (order by late), max(late)
         from (select extract(epoch from told.created_at - duty.due_at)::float8 * 1000 as late
               from escalation.duty join escalation.outbox as told on told.about = 'duty/' || duty.id and told.subject like '%.duty.breached'
               where duty.key like 'bench/due/%') as raised",
    )
    .fetch_one(database)
    .await?;
    Ok(Lateness { p50, p99, worst })
}

struct Idle {
    mean_ms: f64,
    under_5_ms: f64,
    ticks: u64,
}

/// A while in which nothing falls due, by escalation's own metrics.
async fn idle_tick(theatre: &Theatre, watched: Duration) -> anyhow::Result<Idle> {
    let url = format!("{}/metrics", theatre.stack.url("escalation", 0));
    let before = Ticks::read(&url).await?;
    tokio::time::sleep(watched).await;
    let after = Ticks::read(&url).await?;
    let ticks = after.count - before.count;
    anyhow::ensure!(ticks > 0.0, "escalation did not tick");
    Ok(Idle { mean_ms: (after.sum - before.sum) / ticks * 1000.0, under_5_ms: (after.under - before.under) / ticks, ticks: ticks as u64 })
}

/// The histogram of ticks.
struct Ticks {
    count: f64,
    sum: f64,
    under: f64,
}

impl Ticks {
    async fn read(url: &str) -> anyhow::Result<Self> {
        let text = reqwest::get(url).await?.text().await?;
        let of = |name: &str| sample(&text, name).with_context(|| format!("no {name} at {url}"));
        Ok(Self {
            count: of("duban_tick_seconds_count")?,
            sum: of("duban_tick_seconds_sum")?,
            under: of("duban_tick_seconds_bucket{le=\"0.005\"}")?,
        })
    }
}

/// A sample of a Prometheus text whose name and labels begin so (services may add labels of their own behind).
fn sample(text: &str, name: &str) -> Option<f64> {
    let (metric, label) = name.split_once('{').map_or((name, ""), |(metric, label)| (metric, label.trim_end_matches('}')));
    let line = text.lines().find(|line| {
        let rest = line.strip_prefix(metric);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']) && (label.is_empty() || rest.contains(label)))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn samples_are_found_with_and_without_labels() {
        let text =
            "# HELP a b\nticks_bucket{copy=\"1\",le=\"0.005\"} 41\nticks_bucket{le=\"0.01\"} 42\nticks_sum 1.5\nticks_sum_of_others 3\n";
        assert_eq!(sample(text, "ticks_bucket{le=\"0.005\"}"), Some(41.0));
        assert_eq!(sample(text, "ticks_sum"), Some(1.5));
        assert_eq!(sample(text, "ticks"), None);
    }
}
