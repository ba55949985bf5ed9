//! Reports that wait for the report that they follow.

use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::time::Duration;
use uuid::Uuid;

/// What a report waits for: a receipt, or a tracking code's 54 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Receipt(Uuid),
    Code(i64),
}

#[derive(Debug, Clone)]
pub struct NewWaiting {
    pub receipt: Uuid,
    pub target: Target,
    pub traceparent: Option<String>,
}

pub async fn insert(tx: &mut PgConnection, waiting: &[NewWaiting]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into waiting (receipt, target, target_code, traceparent)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[])",
    )
    .bind(waiting.iter().map(|w| w.receipt).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| if let Target::Receipt(receipt) = w.target { Some(receipt) } else { None }).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| if let Target::Code(code) = w.target { Some(code) } else { None }).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| w.traceparent.as_deref()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// A report that need not wait any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    pub receipt: Uuid,
    /// The case of the report that it follows, if that is known; None: it becomes a case of its own.
    pub target_case: Option<Uuid>,
    /// The case that it became meanwhile, because it had waited for too long.
    pub alone: Option<Uuid>,
    pub traceparent: Option<String>,
}

/// Takes reports whose target is known by now, and that have a case: both those that still wait and those that became a case of their
/// own. Rows that another copy is just taking are left to it. A tracking code counts only while one report alone has it.
pub async fn take_known(tx: &mut PgConnection, most: i64) -> Result<Vec<Released>, sqlx::Error> {
    let rows = sqlx::query(
        "with known as (
            select waiting.receipt, target.case_id
            from waiting join identity target on target.receipt = waiting.target
            where waiting.target is not null and target.state <> 'waiting' and target.receipt <> waiting.receipt
            union all
            select waiting.receipt, target.case_id
            from waiting join identity target on target.code = waiting.target_code
            where waiting.target_code is not null and target.state <> 'waiting' and target.receipt <> waiting.receipt
              and not exists (select 1 from identity twin where twin.code = target.code and twin.receipt <> target.receipt)
         ), taken as (
            select waiting.receipt, known.case_id from waiting join known using (receipt)
            order by waiting.receipt limit $1 for update of waiting skip locked
         )
         delete from waiting using taken where waiting.receipt = taken.receipt
         returning waiting.receipt, taken.case_id, waiting.alone, waiting.traceparent",
    )
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(released).collect()
}

/// Reports that have waited for too long by the database's real clock, or that stand in a cycle; not taken away, only locked.
pub async fn lock_hopeless(tx: &mut PgConnection, patience: Duration, most: i64) -> Result<Vec<Released>, sqlx::Error> {
    let rows = sqlx::query(
        "with recursive chain (start, receipt, depth) as (
            select waiting.receipt, waiting.target, 1 from waiting where alone is null and target is not null
            union all
            select chain.start, waiting.target, chain.depth + 1
            from chain join waiting on waiting.receipt = chain.receipt
            where waiting.alone is null and waiting.target is not null and chain.receipt <> chain.start and chain.depth < 64
         )
         select waiting.receipt, null::uuid as case_id, waiting.alone, waiting.traceparent
         from waiting
         where alone is null
           and (since < clock_timestamp() - make_interval(secs => $1)
                or receipt in (select start from chain where chain.receipt = chain.start))
         order by receipt limit $2 for update of waiting skip locked",
    )
    .bind(patience.as_secs_f64())
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(released).collect()
}

fn released(row: &sqlx::postgres::PgRow) -> Result<Released, sqlx::Error> {
    Ok(Released {
        receipt: row.try_get("receipt")?,
        target_case: row.try_get("case_id")?,
        alone: row.try_get("alone")?,
        traceparent: row.try_get("traceparent")?,
    })
}

/// Notes that reports became cases of their own; they stay here, so that their target is recognised if it comes after all.
pub async fn set_alone(tx: &mut PgConnection, alone: &[(Uuid, Uuid)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update waiting set alone = own.case_id from unnest($1::uuid[], $2::uuid[]) as own (receipt, case_id)
         where waiting.receipt = own.receipt",
    )
    .bind(alone.iter().map(|a| a.0).collect::<Vec<_>>())
    .bind(alone.iter().map(|a| a.1).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// How many reports wait, and for how many seconds of the real clock the oldest has.
pub async fn count(pool: &PgPool) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "select count(*), coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::bigint from waiting where alone is null",
    )
    .fetch_one(pool)
    .await
}

/// Whether anything stands here at all; asked before anything dearer.
pub async fn any(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select 1 from waiting)").fetch_one(executor).await
}
