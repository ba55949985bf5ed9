//! `duban demo`: an installation of its own with an accelerated clock, on which reports are played and a scripted staff acts, so that a
//! fortnight passes in a few minutes. Everything goes the way that it goes in earnest: reports over HTTP and NATS as their producers,
//! every act over the HTTP API as the person whose post it is.

pub mod board;
pub mod breaches;
pub mod cast;
pub mod pace;
mod play;
pub mod script;
mod sending;
mod settling;
mod summary;

use crate::connection::Connection;
use crate::dead::Broker;
use crate::install::{self, TokensOf};
use crate::show::Show;
use crate::up::{self, Started, Steps};
use crate::{exit, welcome};
use anyhow::{Context, bail};
use board::Board;
use breaches::Breaches;
use cast::Cast;
use duban_local::{ClockSetting, StackSettings, stack};
use pace::Pace;
use play::Play;
use script::Script;
use sending::Sending;
use settling::Settling;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct DemoArguments {
    /// Anyone's reports instead of the written ones: CSV or JSON Lines. Real dates become domain time.
    #[arg(long, value_name = "FILE")]
    pub reports: Option<PathBuf>,
    /// Says which column is what.
    #[arg(long, value_name = "FILE", requires = "reports")]
    pub mapping: Option<PathBuf>,
    /// How many real minutes domain time runs; what the staff does, while it stands, comes on top.
    #[arg(long, default_value_t = 3.0)]
    pub minutes: f64,
    /// How many times faster than real time, instead of --minutes.
    #[arg(long)]
    pub factor: Option<f64>,
    /// Stretches without a report that are longer than so many hours are stepped over instead of waited for.
    #[arg(long, default_value_t = 168, value_parser = clap::value_parser!(i64).range(1..), value_name = "HOURS")]
    pub quiet: i64,
    /// How the scripted staff works.
    #[arg(long, default_value = "demo/cast.toml")]
    pub cast: PathBuf,
    /// Without staff: nobody acts, everything climbs.
    #[arg(long)]
    pub no_cast: bool,
    #[arg(long, default_value = "policies")]
    pub policies: PathBuf,
    /// Stop when the play is over instead of staying up for looking.
    #[arg(long)]
    pub exit: bool,
    /// Data folder; what an earlier demonstration left there is forgotten. (--dir is not looked at: an installation's data is never at stake.)
    #[arg(long, default_value = ".duban-demo", value_name = "FOLDER")]
    pub data: PathBuf,
}

/// The written reports.
const REPORTS: &str = "demo/reports.jsonl";

/// # Errors
/// When a part does not start, the file cannot be read, or a report is not registered.
pub async fn run(arguments: &DemoArguments, show: Show) -> anyhow::Result<ExitCode> {
    let script = script(arguments)?;
    let dir = &arguments.data;
    if !up::is_empty(dir)? {
        up::forget(dir).await?;
    }
    let steps = Steps::new(show);
    let settings = StackSettings {
        // Stands still until all is ready, so that no deadline passes while processes start.
        clock: Some(ClockSetting::Stepped { start: script.begins.to_string() }),
        // The catcher takes every mail at once; what a real server would limit is not shown here.
        ..StackSettings::kept(dir)
    };
    let folder = Connection::of_folder(dir);
    let started = tokio::select! {
        started = up::start(settings, &folder, &arguments.policies, TokensOf::Everybody, &steps) => started?,
        interrupted = stack::interrupted() => { interrupted?; bail!("interrupted while starting") }
    };
    steps.done();
    let Started { mut stack, installation, manager } = started;
    welcome::print(&stack, &installation, &manager, show)?;
    let outcome = tokio::select! {
        outcome = perform(arguments, &script, &stack, &installation, show) => outcome,
        interrupted = stack::interrupted() => { interrupted?; Err(anyhow::anyhow!("interrupted")) }
    };
    let code = match &outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(exit::FAILED),
        Err(_) => ExitCode::from(exit::FAILED),
    };
    if outcome.is_ok() && !arguments.exit {
        show.say("\nThe play is over; domain time runs at real pace now. Everything stays up for looking; Ctrl-C ends it.");
        tokio::select! {
            interrupted = stack::interrupted() => interrupted?,
            ended = stack.until_something_ends() => show.say(ended.to_string()),
        }
    }
    show.say("stopping …");
    stack.stop().await;
    outcome.map(|_| code)
}

fn script(arguments: &DemoArguments) -> anyhow::Result<Script> {
    match &arguments.reports {
        Some(file) => Script::of_anyone(file, arguments.mapping.as_deref()),
        None => Script::written(Path::new(REPORTS)),
    }
}

/// Plays the script to its end. True if every report was registered and nothing was late for want of machine.
async fn perform(
    arguments: &DemoArguments,
    script: &Script,
    stack: &duban_local::Stack,
    installation: &install::Installation,
    show: Show,
) -> anyhow::Result<bool> {
    let operator = install::operator(stack)?;
    let broker = Broker::connect(&operator).await?;
    let database = operator.superuser_url.context("the demonstration's own Postgres")?;
    let quiet = jiff::SignedDuration::from_hours(arguments.quiet);
    let factor = arguments.factor.unwrap_or_else(|| script.factor_for(Duration::from_secs_f64(arguments.minutes.max(0.1) * 60.0), quiet));
    let pace = Pace::begin(&database, &broker, script.begins, factor).await?;
    let board = Board::open(&stack.ground.database_url("inspector")?, script, pace.clone(), show).await?;
    let cast =
        if arguments.no_cast { None } else { Some(Cast::hire(&arguments.cast, &arguments.policies, installation, pace.clone()).await?) };
    let settling = Settling::new(board.database());
    let play = Play { script, pace: &pace, cast: cast.as_ref(), settling, board: &board, quiet };
    let mut sending = Sending::open(installation).await?;
    tokio::select! {
        played = play.to_the_end(&mut sending) => played?,
        failed = board.show_live() => { failed?; bail!("the board ended") }
    }
    board.wait_for_registration(sending.accepted(), Duration::from_secs(60)).await?;
    board.close();
    pace.leave().await?;
    let played = sending.played();
    let counts = board.counts().await?;
    let breaches = match &cast {
        Some(cast) => Some(Breaches::of(&board.breached().await?, &cast.done(), factor)),
        None => None,
    };
    summary::print(&counts, &played, cast.as_ref().map(Cast::tally), breaches.as_ref(), show)
}
