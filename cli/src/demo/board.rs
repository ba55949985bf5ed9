//! What happens, counted and shown: a live table where somebody looks, plain lines elsewhere. Counted from the services' outboxes, the
//! record of what they have told, read as the inspector.

use super::breaches::Breached;
use super::pace::Pace;
use super::script::Script;
use crate::show::{Show, instant};
use anyhow::bail;
use comfy_table::{Table, presets};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Cases.
    pub registered: i64,
    /// Reports that joined a case.
    pub supplements: i64,
    /// Reports that were accepted and could not be registered.
    pub rejected: i64,
    pub assigned: i64,
    /// Duties.
    pub reminded: i64,
    pub breached: i64,
    /// Alerts of a rung above the first.
    pub escalated: i64,
    pub alerts: i64,
    pub acknowledged: i64,
    pub delivered: i64,
    pub closed: i64,
    pub filed: i64,
}

/// The table and the bar.
#[derive(Debug)]
pub struct Board {
    database: PgPool,
    pace: Pace,
    show: Show,
    entries: u64,
    sent: AtomicU64,
    closed: AtomicBool,
    bars: MultiProgress,
    bar: ProgressBar,
    table: ProgressBar,
}

impl Board {
    /// # Errors
    /// When the inspector cannot read.
    pub async fn open(inspector_url: &str, script: &Script, pace: Pace, show: Show) -> anyhow::Result<Self> {
        let database = PgPoolOptions::new().max_connections(3).connect(inspector_url).await?;
        let bars = MultiProgress::with_draw_target(if show.live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        let bar = bars.add(ProgressBar::new(script.entries.len() as u64));
        if let Ok(style) = ProgressStyle::with_template("{bar:50.green} {pos}/{len} reports  {msg}") {
            bar.set_style(style);
        }
        let table = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            table.set_style(style);
        }
        let entries = script.entries.len() as u64;
        Ok(Self { database, pace, show, entries, sent: AtomicU64::new(0), closed: AtomicBool::new(false), bars, bar, table })
    }

    /// What the inspector reads of the services.
    pub(super) fn database(&self) -> PgPool {
        self.database.clone()
    }

    /// A report more was sent.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A line above the table.
    pub fn note(&self, line: &str) {
        if self.show.live() {
            let _ = self.bars.println(line);
        } else {
            self.show.say(line);
        }
    }

    /// The table is taken away.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.bar.finish_and_clear();
        self.table.finish_and_clear();
    }

    /// Shows until closed.
    ///
    /// # Errors
    /// When the database does not answer for half a minute.
    pub async fn show_live(&self) -> anyhow::Result<()> {
        let pause = if self.show.live() { Duration::from_millis(300) } else { Duration::from_secs(10) };
        let mut last_answer = Instant::now();
        while !self.closed.load(Ordering::Relaxed) {
            match self.counts().await {
                Ok(counts) => {
                    last_answer = Instant::now();
                    self.draw(&counts);
                }
                Err(error) if last_answer.elapsed() > Duration::from_secs(30) => return Err(error),
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
        }
        std::future::pending().await
    }

    /// Waits until as many reports as were accepted stand as cases or supplements.
    ///
    /// # Errors
    /// When they do not within `limit` of real time.
    pub async fn wait_for_registration(&self, accepted: usize, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let registered = self.reports_registered().await?;
            if registered >= i64::try_from(accepted)? {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{registered} of {accepted} accepted reports are registered after {limit:?}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Reports that stand as a case, a supplement, or rejected with their duty.
    async fn reports_registered(&self) -> anyhow::Result<i64> {
        let counts = self.counts().await?;
        Ok(counts.registered + counts.supplements + counts.rejected)
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select happened, count(*), count(distinct about) from (
                select split_part(subject, '.', 4) || '.' || split_part(subject, '.', 5) as happened, about from intake.outbox
                union all
                select case when subject like '%.alert.raised' and body::jsonb ->> 'sort' = 'escalation' then 'alert.escalated'
                            else split_part(subject, '.', 4) || '.' || split_part(subject, '.', 5) end, about from escalation.outbox
                union all
                select split_part(subject, '.', 4) || '.' || split_part(subject, '.', 5), about from notifications.outbox
                union all
                select split_part(subject, '.', 4) || '.' || split_part(subject, '.', 5), about from archive.outbox
             ) as told group by happened",
        )
        .fetch_all(&self.database)
        .await?;
        let of = |name: &str| rows.iter().find(|(happened, ..)| happened == name);
        let times = |name: &str| of(name).map_or(0, |(_, count, _)| *count);
        let things = |name: &str| of(name).map_or(0, |(_, _, things)| *things);
        Ok(Counts {
            registered: things("case.registered"),
            supplements: times("case.supplemented"),
            rejected: things("report.rejected"),
            assigned: things("case.assigned"),
            reminded: times("duty.reminded"),
            breached: things("duty.breached"),
            escalated: times("alert.escalated"),
            alerts: times("alert.raised") + times("alert.escalated"),
            acknowledged: times("alert.acknowledged"),
            delivered: times("delivery.sent"),
            closed: things("case.closed"),
            filed: times("record.filed"),
        })
    }

    /// The duties that were breached, and what ended those that have ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn breached(&self) -> anyhow::Result<Vec<Breached>> {
        type Row = (Uuid, Option<Uuid>, String, i64, Option<i64>, bool);
        let rows: Vec<Row> = sqlx::query_as(
            "select id, case_id, pack || '/' || rule, (extract(epoch from due_at) * 1000000)::bigint, closed_version, open
             from escalation.duty where breached_at is not null order by due_at, id",
        )
        .fetch_all(&self.database)
        .await?;
        let breached = |(duty, case, rule, due_at, closed_version, open)| {
            Ok(Breached { duty, case, rule, due_at: Timestamp::from_microsecond(due_at)?, closed_version, open })
        };
        rows.into_iter().map(breached).collect()
    }

    fn draw(&self, counts: &Counts) {
        let sent = self.sent.load(Ordering::Relaxed);
        let now = instant(self.pace.now());
        self.bar.set_position(sent);
        self.bar.set_message(format!("{now}  ×{:.0}", self.pace.factor()));
        if self.show.live() {
            self.table.set_message(table(counts));
        } else if !self.show.json {
            println!("{now}  {sent}/{} sent  {}", self.entries, line(counts));
        }
    }
}

/// Names in both languages, in the order of a case's life.
fn named(counts: &Counts) -> [(&'static str, &'static str, i64); 10] {
    [
        ("registered", "登记", counts.registered),
        ("supplements", "补充", counts.supplements),
        ("assigned", "分派", counts.assigned),
        ("reminded", "提醒", counts.reminded),
        ("breached", "超时", counts.breached),
        ("alerts", "督办通知", counts.alerts),
        ("escalated", "升级", counts.escalated),
        ("acknowledged", "签收", counts.acknowledged),
        ("closed", "办结", counts.closed),
        ("filed", "归档", counts.filed),
    ]
}

/// The counts as a table.
pub fn table(counts: &Counts) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(named(counts).map(|(en, zh, _)| format!("{zh}\n{en}")));
    table.add_row(named(counts).map(|(_, _, count)| count.to_string()));
    table.to_string()
}

fn line(counts: &Counts) -> String {
    named(counts).map(|(en, _, count)| format!("{en} {count}")).join("  ")
}
