//! `duban bench`: how fast the whole is, as ratios to simpler ways of doing the same, measured in one run on one machine with the same
//! durability: Postgres with `synchronous_commit = on`, the broker with `sync_interval: always`.
//!
//! - [`acceptance`]: reports over HTTP through the real gateway, against a [`plain`] axum and sqlx service with the same checks.
//! - [`full_way`]: report → case → duties, against the [`naive`] one-process pipeline; and how long a report takes at half that load.
//! - [`duties`]: a million open duties: how late due ones are raised, what an idle tick costs, what several copies raise and what bounds them
//!   ([`processors`]).
//! - [`memory`]: what each service holds at that load.
//!
//! Of a hundred traces one is sent to a [`collector`], or as many as `--traced` says.

pub mod acceptance;
pub mod bodies;
pub mod collector;
pub mod duties;
pub mod full_way;
pub mod load;
pub mod memory;
pub mod naive;
pub mod plain;
mod processors;
mod sheet;
pub mod stage;

use crate::show::Show;
use sheet::Sheet;
use stage::{Play, Theatre};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct BenchArguments {
    /// Only these parts: acceptance, full-way, latency, duties, memory.
    #[arg(value_parser = ["acceptance", "full-way", "latency", "duties", "memory"])]
    pub parts: Vec<String>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// Rounds of which the median is taken; ours and theirs take turns.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Connections to try.
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    pub connections: Vec<usize>,
    /// Pool sizes of the plain service; the best counts.
    #[arg(long, value_delimiter = ',', default_value = "8,16,32")]
    pub pools: Vec<u32>,
    /// Reports of the full way.
    #[arg(long, default_value_t = 30_000)]
    pub reports: usize,
    /// Open duties.
    #[arg(long, default_value_t = 1_000_000)]
    pub duties: i64,
    /// The part of all traces that is sent to a collector, from 0 to 1.
    #[arg(long, default_value_t = 0.01)]
    pub traced: f64,
    #[arg(long, default_value = "policies")]
    pub policies: PathBuf,
    /// Write the sheet here too, as Markdown.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// The plain service, as a process of its own. Used by the bench itself.
    #[arg(long, hide = true, value_name = "JSON")]
    pub plain: Option<String>,
}

impl BenchArguments {
    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// # Errors
/// When a part does not start or stops answering.
pub async fn run(arguments: &BenchArguments, show: Show) -> anyhow::Result<ExitCode> {
    if let Some(settings) = &arguments.plain {
        plain::serve(&serde_json::from_str(settings)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut sheet = Sheet::new();
    if cfg!(debug_assertions) {
        sheet.remark("Built without optimisation: the figures mean nothing. Build with --release.");
    }
    let one_duty = match arguments.wants("full-way") {
        true => Some(full_way::measure_one_duty(arguments, show).await?),
        false => None,
    };
    let mut theatre = Theatre::open(Play::Demonstration(&arguments.policies), arguments.traced, show).await?;
    if arguments.wants("acceptance") {
        acceptance::measure(arguments, &mut theatre, &mut sheet).await?;
    }
    if arguments.wants("full-way") {
        full_way::measure(arguments, &mut theatre, one_duty, &mut sheet).await?;
    }
    if arguments.wants("latency") {
        full_way::measure_latency(arguments, &mut theatre, &mut sheet).await?;
    }
    if arguments.wants("duties") {
        duties::measure(arguments, &mut theatre, &mut sheet).await?;
    }
    if arguments.wants("memory") {
        memory::measure(&mut theatre, &mut sheet)?;
    }
    theatre.collector.tell(&mut sheet);
    theatre.close().await;
    show.print(&sheet, Sheet::markdown)?;
    if let Some(file) = &arguments.write {
        std::fs::write(file, sheet.markdown())?;
    }
    Ok(ExitCode::SUCCESS)
}
