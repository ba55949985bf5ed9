//! `duban policy rehearse`: a draft over what really happened, on the server that has kept it.

use super::sources;
use crate::connection::Connection;
use crate::exit;
use crate::gateway::Gateway;
use crate::show::{Show, instant, table};
use anyhow::{Context, bail};
use duban_contracts::Timestamp;
use duban_contracts::rehearsal::{Counts, Rehearsal, RehearsalDetail, RehearsalRow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Method;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, clap::Args)]
pub struct RehearseArguments {
    /// The draft: packs and calendars, each in the place of the file of the same name that is in force.
    #[arg(value_name = "PACK", required_unless_present = "version", conflicts_with = "version")]
    paths: Vec<PathBuf>,
    /// A version that was submitted, in place of files.
    #[arg(long)]
    version: Option<i64>,
    /// From when on: a date such as 2026-03-01, or RFC 3339.
    #[arg(long, value_name = "DATE")]
    since: String,
    /// Only the rules of this pack, by its id; several times if need be. Without it: of the packs that change.
    #[arg(long = "only", value_name = "ID")]
    packs: Vec<String>,
    /// Whom the rows are of.
    #[arg(long, default_value = "posts", value_parser = ["posts", "people"])]
    by: String,
    /// So many rows at most, those first for whom most changes.
    #[arg(long, default_value_t = 50)]
    most: usize,
}

/// How often it is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// # Errors
/// Files that cannot be read, the gateway's problem, or that it cannot be reached.
pub(super) async fn run(arguments: RehearseArguments, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    let sources = if arguments.paths.is_empty() { Vec::new() } else { sources::read(&arguments.paths)? };
    let RehearseArguments { version, since, packs, by, most, .. } = arguments;
    let new = json!({ "sources": sources, "version": version, "packs": packs, "since": since });
    let begun: Rehearsal = gateway.send(Method::POST, "/v1/rehearsals", &new).await?;
    let mut detail = wait(&gateway, &begun, &by, show).await?;
    if detail.rehearsal.state != "done" {
        show.print(&detail, |detail| {
            let Rehearsal { fault, fault_zh, .. } = &detail.rehearsal;
            format!("未能完成：{fault_zh}\nfailed: {}", fault.as_deref().unwrap_or_default())
        })?;
        return Ok(ExitCode::from(exit::REFUSED));
    }
    while let Some(after) = detail.next.take().filter(|_| detail.rows.len() < most) {
        let further = page(&gateway, begun.id, &by, Some(after)).await?;
        detail.rows.extend(further.rows);
        detail.next = further.next;
    }
    detail.rows.truncate(most);
    show.print(&detail, in_words)?;
    Ok(ExitCode::SUCCESS)
}

async fn page(gateway: &Gateway, rehearsal: Uuid, by: &str, after: Option<u32>) -> anyhow::Result<RehearsalDetail> {
    gateway.get(&format!("/v1/rehearsals/{rehearsal}"), &json!({ "by": by, "after": after })).await
}

/// Until it has ended, with a bar for who looks.
async fn wait(gateway: &Gateway, begun: &Rehearsal, by: &str, show: Show) -> anyhow::Result<RehearsalDetail> {
    let length = u64::try_from(begun.until.as_second() - begun.since.as_second()).unwrap_or(0).max(1);
    let target = if show.live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    bar.set_style(ProgressStyle::with_template("{bar:40} {msg}").context("the bar's shape")?);
    loop {
        let detail = page(gateway, begun.id, by, None).await?;
        match detail.rehearsal.state.as_str() {
            "waiting" | "running" => {
                let reached = detail.rehearsal.reached;
                bar.set_position(u64::try_from(reached.as_second() - begun.since.as_second()).unwrap_or(0));
                bar.set_message(format!("{} · {}", instant(reached), detail.rehearsal.played));
            }
            "done" | "failed" => {
                bar.finish_and_clear();
                return Ok(detail);
            }
            other => bail!("a rehearsal is '{other}', which this program does not know"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn in_words(detail: &RehearsalDetail) -> String {
    let rehearsal = &detail.rehearsal;
    let weeks = weeks(rehearsal.since, rehearsal.until);
    let packs = if rehearsal.packs.is_empty() { "全部制度 all regulations".to_owned() } else { rehearsal.packs.join(", ") };
    let head = format!(
        "{packs}\n{} … {} ({weeks:.1} 周 weeks)，重演 {} 件 events and acts played, {} 件无对象 without use",
        instant(rehearsal.since),
        instant(rehearsal.until),
        rehearsal.played,
        rehearsal.left_out,
    );
    let mut sums = table(["合计 in all", "实际 was made", "按草案 by the draft", "每周 a week"]);
    for (what, count) in COUNTED {
        let (real, draft) = (count(&rehearsal.made.real), count(&rehearsal.made.draft));
        sums.add_row([what.to_owned(), real.to_string(), draft.to_string(), both(real, draft, weeks)]);
    }
    let caution = "类别、环节按当时实际，严重程度按草案重新判定；草案多出的通知无人签收过，是上限\n\
        kinds and stages are those of then, severities the draft's; alerts that only the draft sends are the most that there could be";
    if detail.rows.is_empty() {
        return format!("{head}\n{sums}\n{caution}");
    }
    let mut rows =
        table(["每周，实际 → 草案 a week, was made → draft", "责任事项 duties", "超期 breaches", "通知 alerts", "最多的一周 busiest"]);
    for row in &detail.rows {
        let cell = |count: fn(&Counts) -> i64| both(count(&row.made.real), count(&row.made.draft), weeks);
        rows.add_row([
            format!("{}\n{}", row.title_zh, row.who),
            cell(|counts| counts.duties),
            cell(|counts| counts.breaches),
            cell(|counts| counts.alerts),
            busiest(row),
        ]);
    }
    let more = detail.next.map(|_| "\n还有更多，见 --most 或 --json · there are more: --most, --json").unwrap_or_default();
    format!("{head}\n{sums}\n{rows}{more}\n{caution}")
}

type Count = fn(&Counts) -> i64;

const COUNTED: [(&str, Count); 3] =
    [("责任事项 duties", |counts| counts.duties), ("超期 breaches", |counts| counts.breaches), ("通知 alerts", |counts| counts.alerts)];

/// At least one, so that a time of days is not blown up to weeks.
fn weeks(since: Timestamp, until: Timestamp) -> f64 {
    (until.duration_since(since).as_secs_f64() / (7.0 * 86_400.0)).max(1.0)
}

// Counts are far below what a double holds exactly.
#[allow(clippy::cast_precision_loss)]
fn both(real: i64, draft: i64, weeks: f64) -> String {
    let a_week = |count: i64| format!("{:.1}", count as f64 / weeks);
    if real == draft { a_week(real) } else { format!("{} → {}", a_week(real), a_week(draft)) }
}

fn busiest(row: &RehearsalRow) -> String {
    let most = row.weeks.iter().max_by_key(|week| (week.made.draft.alerts, week.made.draft.breaches, week.made.draft.duties));
    most.map_or_else(String::new, |week| format!("{}: {}", week.monday, week.made.draft.alerts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_contracts::rehearsal::{Made, RehearsalWeek, Rehearsed};

    #[test]
    fn it_says_a_week_what_was_made_and_what_the_draft_would_have_made() {
        let counts = |duties, breaches, alerts| Counts { duties, breaches, alerts };
        let made = Made { real: counts(20, 2, 10), draft: counts(20, 7, 31) };
        let row = RehearsalRow {
            who: "BJ01/store-manager".into(),
            title: "store manager".into(),
            title_zh: "店长".into(),
            made,
            weeks: vec![RehearsalWeek { monday: "2026-03-02".into(), made }],
        };
        let rehearsal = Rehearsal {
            id: Uuid::nil(),
            of: Rehearsed::Draft(3),
            packs: vec!["store-complaints".into()],
            state: "done".into(),
            fault: None,
            fault_zh: String::new(),
            asked_by: "admin".into(),
            asked_at: Timestamp::UNIX_EPOCH,
            since: "2026-03-02T00:00:00Z".parse().unwrap(),
            until: "2026-03-16T00:00:00Z".parse().unwrap(),
            reached: Timestamp::UNIX_EPOCH,
            played: 140,
            left_out: 1,
            weeks: 2,
            made,
        };
        let text = in_words(&RehearsalDetail { rehearsal, rows: vec![row], next: None });
        for part in ["store-complaints", "2.0 周", "10.0", "1.0 → 3.5", "5.0 → 15.5", "店长", "BJ01/store-manager", "2026-03-02: 31"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("--most") && text.contains("上限"));
    }
}
