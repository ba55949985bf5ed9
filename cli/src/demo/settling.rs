//! When all that has happened is known everywhere: asked of the services' tables, as the inspector.

use anyhow::Context;
use jiff::Timestamp;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// What the services have told so far; grows with everything that happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    intake: i64,
    escalation: i64,
}

#[derive(Debug)]
pub(super) struct Settling {
    database: PgPool,
}

/// How often it is asked.
const AGAIN: Duration = Duration::from_millis(15);
/// What takes longer than this is being tried again, and the play goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// One question, so that nothing slips from one place to another between two. While domain time stands.
const UNDER_WAY: &str = "
    select greatest($1 - (select count(*) from intake.identity), 0)
         + (select count(*) from intake.outbox where published_at is null)
         + (select count(*) from escalation.outbox where published_at is null)
         + (select count(*) from (
                select 'INTAKE' as stream, id from intake.outbox where created_at > clock_timestamp() - interval '5 minutes'
                union all
                select 'NOTIFICATIONS', id from notifications.outbox where created_at > clock_timestamp() - interval '5 minutes'
            ) as told where not exists (select 1 from escalation.inbox i where i.stream = told.stream and i.id = told.id))
         + (select count(*) from escalation.own_event)
         + (select count(*) from escalation.duty where next_at <= (select domain_start from clock.setting))";

/// Rounded up: what is due at that instant is then due.
const NEXT_TIMER: &str = "select ceil(extract(epoch from min(next_at)) * 1000000)::bigint from escalation.duty";

const TAKEN_IN: &str = "select count(*) from intake.identity";

const TOLD: &str = "select (select coalesce(max(seq), 0) from intake.outbox), (select coalesce(max(seq), 0) from escalation.outbox)";

impl Settling {
    pub(super) fn new(database: PgPool) -> Self {
        Self { database }
    }

    /// Waits until every one of `reports` is taken in, every event handled and every duty raised that is due by now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn settled(&self, reports: usize) -> anyhow::Result<Told> {
        let begun = Instant::now();
        loop {
            let under_way: i64 = sqlx::query_scalar(UNDER_WAY)
                .bind(i64::try_from(reports)?)
                .fetch_one(&self.database)
                .await
                .context("asking whether all is settled")?;
            if under_way == 0 || begun.elapsed() > PATIENCE {
                return self.told().await;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Waits until every one of `reports` is taken in, so that it is registered at the time at which it came.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn taken_in(&self, reports: usize) -> anyhow::Result<()> {
        let (begun, reports) = (Instant::now(), i64::try_from(reports)?);
        loop {
            let known: i64 =
                sqlx::query_scalar(TAKEN_IN).fetch_one(&self.database).await.context("asking how many reports are taken in")?;
            if known >= reports || begun.elapsed() > PATIENCE {
                return Ok(());
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// When the next clock of a duty runs out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn next_timer(&self) -> anyhow::Result<Option<Timestamp>> {
        let micros: Option<i64> = sqlx::query_scalar(NEXT_TIMER).fetch_one(&self.database).await.context("asking for the next timer")?;
        Ok(micros.map(Timestamp::from_microsecond).transpose()?)
    }

    /// What was told so far: by a duty's clock too, or what came round.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn told(&self) -> anyhow::Result<Told> {
        let (intake, escalation) = sqlx::query_as(TOLD).fetch_one(&self.database).await.context("asking what was told")?;
        Ok(Told { intake, escalation })
    }
}
